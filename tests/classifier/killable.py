"""A training that is meant to be killed, and goes on when it is started again.

    python killable.py N_EPOCHS

For each FOLDER that it reads, starts a process that goes on with the training in it. That prints
its number and the epoch when it begins, and leaves its result in FOLDER/done when it ends; its
end, and how, is printed too.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
import torch._dynamo
from skorch.callbacks import Callback, LRScheduler

from skd2ace import CLIFClassifier
from skd2ace.selection import D2ACE
from skd2ace.training import Checkpointing


class SaysWhenItBegins(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if not hasattr(self, "said_"):
            print(os.getpid(), len(net.history), flush=True)
        self.said_ = True

    def __getstate__(self):
        return {}


def make(folder, n_epochs):
    return CLIFClassifier(
        module__hidden_size=16,
        module__embedding_size=8,
        batch_selector=D2ACE(n_neighbors=3, warmup_epochs=2),
        max_epochs=n_epochs,
        batch_size=16,
        lr=0.01,
        callbacks=[
            LRScheduler("StepLR", step_size=40, gamma=0.9),
            SaysWhenItBegins(),
            Checkpointing(Path(folder) / "checkpoints"),
        ],
        random_state=0,
        verbose=0,
    )


def train(folder, n_epochs):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    Y = (X @ rng.normal(size=(8, 4)) > [0, 0, 1, 3]).astype(int)
    est = make(folder, n_epochs).fit(X, Y, resume=Path(folder) / "checkpoints")
    times = ("dur", "batches")
    history = [{k: v for k, v in row.items() if k not in times} for row in est.history]
    result = (est.module_.state_dict(), json.dumps(history), est.best_epoch_)
    torch.save(result, Path(folder) / "done")


def main(n_epochs):
    torch.set_num_threads(1)
    for line in sys.stdin:
        # Forked off: to import everything anew, what optimizers import too, takes longer.
        child = os.fork()
        if child == 0:
            train(line.strip(), n_epochs)
            os._exit(0)
        print("ended", os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""Fits in the processes that torchrun starts; ``test_several_processes.py`` does it in one too.

torchrun --standalone --nproc-per-node 2 several_processes.py FOLDER
"""

import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from skorch.callbacks import Callback, EpochScoring
from torch import nn
from torch.utils.data import DataLoader, Dataset

from skd2ace import CLIFClassifier, MultiLabelNetClassifier, TabMClassifier
from skd2ace.metrics import micro_f1_scorer
from skd2ace.selection import D2ACE, Balance, HardImb, InfoBatch
from skd2ace.training import Checkpointing, SelectionRecorder, WeightAverage

N_EPOCHS = 3
# Kept here and not in the callback: a rollback would undo it there.
NOTED = []


class PowerFailureError(Exception):
    pass


class Notes(Callback):
    """Notes which rows a training step's loss was of, and how many of them X has."""

    def __init__(self, crash=None):
        self.crash = crash

    def on_batch_end(self, net, batch=None, training=None, y_pred=None, **kwargs):
        if training:
            assert len(y_pred) == len(batch[1]) == len(batch.instances)
            NOTED.append((batch.instances.tolist(), len(batch[0])))
            if len(net.history) == self.crash:
                raise PowerFailureError


class Rows(Dataset):
    """Counts the items that are read."""

    def __init__(self, X):
        self.X = X
        self.n_read = 0

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        self.n_read += 1
        return self.X[i]


def network(n_features, n_labels, dropout=0.0, hidden=12):
    return nn.Sequential(
        nn.Linear(n_features, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, n_labels)
    )


def normalized(n_features, n_labels):
    return nn.Sequential(
        nn.Linear(n_features, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, n_labels)
    )


def make_data(n=113):
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n, 6), dtype="float32")
    return X, (X @ generator.standard_normal((6, 4)) > 0.8).astype("float32")


def make(module=network, estimator=MultiLabelNetClassifier, callbacks=(), **params):
    """113 rows, of which 12 are held out: of the last batch's 5 rows one process has 2."""
    given = {"module": module} if estimator is MultiLabelNetClassifier else {}
    settings = {
        "batch_selector": D2ACE(warmup_epochs=1, n_neighbors=3),
        "callbacks": [*callbacks, Notes()],
        "max_epochs": N_EPOCHS,
        "batch_size": 16,
        "lr": 0.01,
        "random_state": 0,
        "verbose": 0,
    }
    return estimator(**given, **(settings | params))


# What comes out of several processes as out of one.
CASES = {
    "shuffled": lambda: make(batch_selector=None),
    "d2ace": make,
    "drawn by updates": lambda: make(batch_selector=HardImb(warmup_epochs=1, n_neighbors=3)),
    "loss weights": lambda: make(batch_selector=Balance(0.5)),
    "unbiased": lambda: make(batch_selector=D2ACE(warmup_epochs=1, unbiased=True)),
    "a pass each epoch": lambda: make(batch_selector=D2ACE(warmup_epochs=1, refresh="epoch")),
    "fewer batches": lambda: make(batch_selector=InfoBatch()),
    "a last batch of one row": lambda: make(batch_size=25),
    "pos_weight": lambda: make(pos_weight="balanced", threshold="tune", calibration="temperature"),
    "averaged weights, a score in training": lambda: make(
        callbacks=[
            WeightAverage(1),
            SelectionRecorder(),
            EpochScoring(micro_f1_scorer, name="f1", lower_is_better=False, on_train=True),
        ]
    ),
    "TabM": lambda: make(
        estimator=TabMClassifier, module__k=4, module__width=16, module__dropout=0.0
    ),
    "CLIF": lambda: make(
        estimator=CLIFClassifier,
        module__hidden_size=16,
        module__embedding_size=4,
        module__dropout=0.0,
    ),
}


def describe(est, X):
    """All of a fit that the processes must have in common."""
    numbers = {"train_loss", "valid_loss", "valid_macro_auc", "oob_macro_auc", "f1"}
    return {
        "weights": [value.clone() for value in est.module_.state_dict().values()],
        "proba": torch.as_tensor(est.predict_proba(X)),
        "history": [{k: float(row[k]) for k in numbers & row.keys()} for row in est.history],
        "best": int(est.best_epoch_),
    }


def fit(make_case, X, Y, **how):
    NOTED.clear()
    est = make_case().fit(X, Y, **how)
    return {**describe(est, X), "batches": list(NOTED)}


def fit_cases():
    X, Y = make_data()
    weight = 1.0 + np.arange(len(X)) % 3
    found = {name: fit(case, X, Y) for name, case in CASES.items()}
    # Nothing is held out.
    found["weighted"] = fit(lambda: make(train_split=None), X, Y, sample_weight=weight)
    return found


def interrupt(folder):
    """Go on from a checkpoint, with dropout, that one process only can read; and without a halt."""
    X, Y = make_data()
    rank = dist.get_rank()

    def noisy(name, crash=None):
        callbacks = [Notes(crash), Checkpointing(folder / f"{name}-{rank}")]
        return make(module__dropout=0.3).set_params(callbacks=callbacks)

    whole = fit(lambda: noisy("whole"), X, Y)
    with suppress(PowerFailureError):
        fit(lambda: noisy("part", crash=3), X, Y)
    resumed = fit(lambda: noisy("part"), X, Y, resume=folder / f"part-{rank}")
    return whole, resumed


def count_reads():
    X, Y = make_data()
    rows = Rows(X)
    make(train_split=None, batch_selector=None).fit(rows, Y)
    return rows.n_read


class StopsAlone(Callback):
    """Ends the training of one process."""

    def on_epoch_end(self, net, **kwargs):
        if dist.get_rank() == 1:
            raise KeyboardInterrupt


def refuse():
    """Messages of what cannot be trained together."""
    X, Y = make_data()
    rank, found = dist.get_rank(), []
    tries = [
        (make(), X[rank:], Y[rank:]),
        (make(lr=0.01 * (1 + rank)), X, Y),
        (make(iterator_train=DataLoader, batch_selector=None), X, Y),
        (make(callbacks=[StopsAlone()]), X, Y),
        (make(random_state=rank), X, Y),
    ]
    for est, features, labels in tries:
        try:
            est.fit(features, labels)
        except (ValueError, TypeError) as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


def main(folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    X, Y = make_data()
    torch.manual_seed(dist.get_rank())
    own = network(6, 4, dropout=0.5)
    found = {
        "cases": fit_cases(),
        "unseeded": fit(lambda: make(random_state=None, module__dropout=0.3), X, Y),
        "an instance": fit(lambda: make(own, random_state=None), X, Y),
        "running means": fit(lambda: make(normalized), X, Y),
        "interrupted": interrupt(folder),
        "reads": count_reads(),
        "refused": refuse(),
    }
    make(verbose=1, max_epochs=2).fit(X, Y)
    torch.save(found, folder / f"{dist.get_rank()}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

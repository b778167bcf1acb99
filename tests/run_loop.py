"""Trains as a loop of ``examples/loops`` does, and as a bare loop does; see ``test_loops.py``.

python run_loop.py NAME FOLDER   (or by torchrun, in two processes)
"""

import importlib
import os
import runpy
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from sklearn.base import clone
from torch.nn.functional import binary_cross_entropy_with_logits

from skd2ace.selection import D2ACE, BatchSelector, InfoBatch

LOOPS = Path(__file__).parents[1] / "examples" / "loops"
sys.path.insert(0, str(LOOPS))
task = importlib.import_module("task")
N_EPOCHS = 3


class Growing(BatchSelector):
    """A third of the instances in the first epoch, then two thirds, then all."""

    def _order(self, epoch):
        return super()._order(epoch)[: self.n_instances_ * (epoch + 1) // self.n_epochs_]


# By case: a selector, and settings of the loop. Epochs are of one length but where the name says.
FIXED = {"fixed": (D2ACE(warmup_epochs=1), {})}
WEIGHTED = {"weighted": (D2ACE(warmup_epochs=1, unbiased=True), {})}
SHORTER = {"shorter": (InfoBatch(), {})}
LONGER = {"longer": (Growing(), {})}
WORKERS = {"workers": (D2ACE(warmup_epochs=1), {"workers": 1})}
# An epoch has 15 batches: what becomes of a last step with fewer is each framework's own affair.
SETTINGS = {
    "accumulated": (D2ACE(warmup_epochs=1), {"accumulate": 3}),
    "mixed": (D2ACE(warmup_epochs=1), {"mixed": True}),
}
CASES = {
    "plain_pytorch": FIXED | WEIGHTED | SHORTER | LONGER | WORKERS,
    # Plain nets apply no weights.
    "plain_skorch": FIXED | LONGER,
    "with_accelerate": FIXED | WEIGHTED | SHORTER | LONGER | SETTINGS,
    "with_lightning": FIXED | WEIGHTED | SHORTER | LONGER | SETTINGS,
    # Which cuts an epoch that is longer than the first.
    "with_trainer": FIXED | WEIGHTED | SHORTER | SETTINGS,
}


def compute_in_double():
    """Have data and networks in double precision, so that nothing hangs on how sums are rounded.

    Selectors go by ranks: in single precision two that trade places draw other batches from the
    second epoch on, on some machines.
    """
    load, make_network = task.load, task.make_network
    task.load = lambda: tuple(part.double() for part in load())
    task.make_network = lambda: make_network().double()


def forget_precision():
    """Accelerate holds all trainings of a process to the precision of the first."""
    if "accelerate" in sys.modules:
        sys.modules["accelerate.state"].AcceleratorState._reset_state()


def train_as_shown(name, selector, settings):
    """Rows of each batch that the network saw, its weights in the end, and the number of steps."""
    loop = importlib.import_module(name)
    places = {row.numpy().tobytes(): i for i, row in enumerate(task.load()[0])}
    batches = []

    def note(network, inputs):
        batches.append([places[row.numpy().tobytes()] for row in inputs[0]])

    def make_network():
        network = task.make_network()
        network.register_forward_pre_hook(note)
        return network

    forget_precision()
    loop.load, loop.make_network, loop.D2ACE = task.load, make_network, lambda: clone(selector)
    network, n_steps = loop.train(N_EPOCHS, **settings)
    weights = [weight.detach().clone() for weight in network.parameters()]
    return {"batches": batches, "weights": weights, "n_steps": int(n_steps)}


def train_bare(selector, accumulate=1, *, fused=False):
    """The same without a framework, a loader or a sampler; and the batches of the first epoch.

    A ``fused`` mean of the losses rounds otherwise.
    """
    X, Y, _, _ = task.load()
    network = task.make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    selector = clone(selector)
    selector.start(X, Y, n_epochs=N_EPOCHS, batch_size=128, random_state=0)
    batches = []
    for epoch in range(N_EPOCHS):
        for index in selector.batches(epoch):
            logits = network(X[index])
            losses = binary_cross_entropy_with_logits(logits, Y[index], reduction="none")
            selector.update(index, logits.sigmoid(), losses)
            weights = selector.loss_weights(index, Y[index])
            losses = losses if weights is None else weights[:, None] * losses
            mean = binary_cross_entropy_with_logits(logits, Y[index]) if fused else losses.mean()
            (mean / accumulate).backward()
            batches.append(index.tolist())
            if len(batches) % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
        if epoch == 0:
            n_first = len(batches)
    weights = [weight.detach() for weight in network.parameters()]
    n_steps = len(batches) // accumulate
    return {"batches": batches, "n_first": n_first, "weights": weights, "n_steps": n_steps}


def train_both(name, case):
    """What came of the loop, and what of the bare one."""
    selector, settings = CASES[name][case]
    accumulate = settings.get("accumulate", 1)
    bare = train_bare(selector, accumulate, fused=name == "plain_skorch")
    return train_as_shown(name, selector, settings), bare


if __name__ == "__main__":
    name, folder = sys.argv[1:]
    cases = list(CASES[name])
    if "WORLD_SIZE" in os.environ:
        compute_in_double()
        # In the same order in each process.
        cases = [case for case in cases if case not in SETTINGS]
    trained = {case: train_both(name, case) for case in cases}
    rank = dist.get_rank() if dist.is_initialized() else 0
    torch.save(trained, Path(folder) / f"{rank}.pt")
    # And once as a user runs it, for what it prints.
    forget_precision()
    sys.argv = [f"{name}.py", "--epochs", "2"]
    runpy.run_path(str(LOOPS / f"{name}.py"), run_name="__main__")

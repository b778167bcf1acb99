"""Trains as a loop of ``examples/loops`` does, and notes what it trained on; see ``test_loops.py``.

python run_loop.py NAME FOLDER   (or by torchrun, in many processes)
"""

import importlib
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from sklearn.base import clone
from torch.nn.functional import binary_cross_entropy_with_logits

from skd2ace.selection import D2ACE, BatchSelector, InfoBatch

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "loops"))
task = importlib.import_module("task")
N_EPOCHS = 3


class Growing(BatchSelector):
    """A third of the instances in the first epoch, then two thirds, then all."""

    def _order(self, epoch):
        return super()._order(epoch)[: self.n_instances_ * (epoch + 1) // self.n_epochs_]


# A selector for each kind of epochs, of one length or not; and settings of the loop.
SELECTED = {
    "fixed": (D2ACE(warmup_epochs=1), {}),
    "weighted": (D2ACE(warmup_epochs=1, unbiased=True), {}),
    "shorter": (InfoBatch(), {}),
    "longer": (Growing(), {}),
}
SETTINGS = {
    "accumulated": (D2ACE(warmup_epochs=1), {"accumulate": 2}),
    "mixed": (D2ACE(warmup_epochs=1), {"mixed": True}),
}
CASES = {
    "plain_pytorch": SELECTED,
    # Plain nets apply no weights.
    "plain_skorch": {name: SELECTED[name] for name in ("fixed", "longer")},
    **{f"with_{name}": SELECTED | SETTINGS for name in ("lightning", "trainer", "accelerate")},
}


def record(name, case):
    """Rows of each batch that the network saw, its weights in the end, and the number of steps."""
    loop = importlib.import_module(name)
    selector, settings = CASES[name][case]
    X = task.load()[0]
    places = {row.numpy().tobytes(): i for i, row in enumerate(X)}
    assert len(places) == len(X), "rows are told apart by their features"
    seen = []

    def note(network, inputs):
        seen.append([places[row.numpy().tobytes()] for row in inputs[0]])

    def make_network():
        network = task.make_network()
        network.register_forward_pre_hook(note)
        return network

    if "accelerate" in sys.modules:
        # It holds all trainings of a process to the precision of the first.
        sys.modules["accelerate.state"].AcceleratorState._reset_state()
    loop.make_network, loop.D2ACE = make_network, lambda: clone(selector)
    network, n_steps = loop.train(N_EPOCHS, **settings)
    return {
        "seen": seen,
        "weights": [weight.detach().clone() for weight in network.parameters()],
        "n_steps": int(n_steps),
    }


def record_by_hand(selector, accumulate=1, *, carry=False, share_of_last=None, mean=None):
    """The same by a bare loop, without a sampler; batches by epoch.

    ``mean(logits, Y)`` is the loss where it takes the mean itself, which rounds otherwise. Where an epoch has a batch too few for a whole step, its gradient goes into the next epoch's
    (``carry``), or makes a step by itself, with ``share_of_last`` of its weight.
    """
    X, Y, _, _ = task.load()
    network = task.make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    selector = clone(selector)
    selector.start(X, Y, n_epochs=N_EPOCHS, batch_size=128, random_state=0)
    seen, n_steps, n_waiting = [], 0, 0
    for epoch in range(N_EPOCHS):
        batches = list(selector.batches(epoch))
        for index in batches:
            logits = network(X[index])
            losses = binary_cross_entropy_with_logits(logits, Y[index], reduction="none")
            selector.update(index, logits.sigmoid(), losses)
            weights = selector.loss_weights(index, Y[index])
            losses = losses if weights is None else weights[:, None] * losses
            loss = mean(logits, Y[index]) if mean else losses.mean()
            n_waiting += 1
            is_alone = not carry and index is batches[-1] and n_waiting < accumulate
            (loss * (share_of_last if is_alone else 1 / accumulate)).backward()
            if is_alone or n_waiting == accumulate:
                optimizer.step()
                optimizer.zero_grad()
                n_steps, n_waiting = n_steps + 1, 0
        seen.append([index.tolist() for index in batches])
    weights = [weight.detach() for weight in network.parameters()]
    return {"seen": seen, "weights": weights, "n_steps": n_steps}


if __name__ == "__main__":
    torch.set_num_threads(1)
    name, folder = sys.argv[1:]
    found = {case: record(name, case) for case in CASES[name]}
    rank = dist.get_rank() if dist.is_initialized() else 0
    torch.save(found, Path(folder) / f"{rank}.pt")

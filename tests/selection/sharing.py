"""Trains in the processes that torchrun starts; ``test_sharing.py`` does the same in one.

torchrun --standalone --nproc-per-node 2 sharing.py FOLDER
"""

import runpy
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from sklearn.base import clone
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset

from skd2ace.selection import D2ACE, SelectedBatchSampler

COMMON = runpy.run_path(str(Path(__file__).with_name("test_common.py")))
N, N_EPOCHS = COMMON["N"], COMMON["N_EPOCHS"]


def replay(selector, stop=None):
    """Batches that this process is served, the selector told what was recorded; and weights.

    With ``stop``, another sampler goes on from that epoch by a state.
    """
    X, Y = COMMON["make_tensors"]()

    def begin(seed):
        selected = COMMON["start"](clone(selector), (X, Y), seed)
        return SelectedBatchSampler(selected)

    batches, served = begin(0), []
    for epoch in range(N_EPOCHS):
        if epoch == stop:
            state = batches.state_dict()
            batches = begin(99)
            batches.load_state_dict(state)
        for share in batches:
            index = torch.tensor(share)
            weights = batches.loss_weights(index, Y[index])
            served.append((share, weights))
            if selector.refresh == "visit":
                batches.update(index, *COMMON["predictions"](index, epoch), learning_rate=0.1)
        if selector.refresh == "epoch":
            batches.update(torch.arange(N), *COMMON["predictions"](torch.arange(N), epoch))
    return served


def train(n=101, n_epochs=3):
    """Weights after a training with D2ACE, and the batches of the first epoch."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(n, 6, generator=generator)
    Y = (X @ torch.randn(6, 3, generator=generator) > 0).float()
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    model = DistributedDataParallel(network) if dist.is_initialized() else network
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    selector = D2ACE(warmup_epochs=1, n_neighbors=3)
    selector.start(X, Y, n_epochs=n_epochs, batch_size=16, random_state=0)
    batches, served = SelectedBatchSampler(selector), []
    loader = DataLoader(TensorDataset(torch.arange(n), X, Y), batch_sampler=batches)
    for epoch in range(n_epochs):
        for index, x, y in loader:
            if epoch == 0:
                served.append(index.tolist())
            logits = model(x)
            losses = nn.functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
            optimizer.zero_grad()
            (batches.loss_weights(index, y) * losses).mean().backward()
            optimizer.step()
            batches.update(index, logits.sigmoid(), losses)
    return [weight.detach() for weight in network.parameters()], served


def serve_unseeded(selector):
    """Shares of the first epoch, of selectors that every process seeds for itself."""
    X, Y = COMMON["make_tensors"]()
    return list(SelectedBatchSampler(COMMON["start"](clone(selector), (X, Y), None)))


def refuse():
    """Messages of what goes wrong."""
    rank, found = dist.get_rank(), []

    def note(call):
        try:
            call()
        except RuntimeError as error:
            found.append(str(error))

    tensors = COMMON["make_tensors"]()
    unseeded = SelectedBatchSampler(COMMON["start"](D2ACE(), tensors, None))
    found.append(list(unseeded))
    index = torch.tensor(found[0][0])
    foreign = index.flip(0)
    note(lambda: unseeded.update(foreign, *COMMON["predictions"](foreign, 0)))
    one = SelectedBatchSampler(COMMON["start"](D2ACE(), tensors))
    index = torch.tensor(next(iter(one)))
    one.update(index, *COMMON["predictions"](index, 0))
    note(one.state_dict)
    other = COMMON["start"](D2ACE(n_neighbors=3 + rank, warmup_epochs=0), tensors, 0)
    told = torch.arange(N)
    other.update(told, *COMMON["predictions"](told, 0))
    note(lambda: next(iter(SelectedBatchSampler(other))))
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    torch.save(
        {
            "replayed": [replay(selector) for selector in COMMON["SELECTORS"]],
            "resumed": [replay(selector, stop=3) for selector in COMMON["SELECTORS"]],
            "unseeded": [serve_unseeded(selector) for selector in COMMON["SELECTORS"]],
            "trained": train(),
            "refused": refuse(),
        },
        Path(sys.argv[1]) / f"{dist.get_rank()}.pt",
    )
    dist.destroy_process_group()

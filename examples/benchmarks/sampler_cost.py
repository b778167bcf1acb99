"""What SelectedBatchSampler costs, apart from what its selector does.

In one process and in two that share their batches, epochs of these loops take turns:

- plain: shuffled by torch's BatchSampler (of a DistributedSampler in two processes);
- index: the same, with the index in the data and losses per label, as selectors want them;
- shuffled: RandomBatches in a SelectedBatchSampler;
- bare: D2ACE without a sampler, its batches handed to the loader (in one process only);
- selected: D2ACE in a SelectedBatchSampler.

Printed are medians over rounds of the processor time of an epoch, in the first process, and of
the ratios within a round, which a change of the machine's speed between rounds does not touch.
What a selector does once, before the first epoch, is not in them.

    python examples/benchmarks/sampler_cost.py --rounds 15
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    TensorDataset,
)

from skd2ace.selection import D2ACE, RandomBatches, SelectedBatchSampler

BATCH_SIZE = 128
# Instances, features, labels, hidden units.
CASES = {"small": (20000, 200, 20, 128), "large": (5324, 1836, 159, 1024)}
# By what is printed: a loop, and the one that it is compared with.
RATIOS = {
    "index and losses per label": ("index", "plain"),
    "sampler, shuffling": ("shuffled", "index"),
    "sampler, D2ACE": ("selected", "bare"),
    "D2ACE and sampler": ("selected", "index"),
}


class Loop:
    """A training, one epoch at a time."""

    def __init__(self, case, n_processes):
        n, d, q, hidden = CASES[case]
        generator = torch.Generator().manual_seed(0)
        self.X = torch.rand(n, d, generator=generator)
        self.Y = (torch.rand(n, q, generator=generator) < 0.1).float()
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(d, hidden), nn.ReLU(), nn.Linear(hidden, q))
        self.network = DistributedDataParallel(network) if n_processes > 1 else network
        self.optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        self.n_processes = n_processes

    def step(self, loss):
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


class PlainLoop(Loop):
    """As one would write it without us."""

    def __init__(self, case, n_processes):
        super().__init__(case, n_processes)
        self.load(TensorDataset(self.X, self.Y))

    def load(self, data):
        self.order = DistributedSampler(data) if self.n_processes > 1 else RandomSampler(data)
        batches = BatchSampler(self.order, BATCH_SIZE // self.n_processes, drop_last=False)
        self.loader = DataLoader(data, batch_sampler=batches)

    def train(self, epoch):
        if self.n_processes > 1:
            self.order.set_epoch(epoch)
        for x, y in self.loader:
            self.step(binary_cross_entropy_with_logits(self.network(x), y))


class IndexLoop(PlainLoop):
    """The same with what selectors want beside it."""

    def __init__(self, case, n_processes):
        super().__init__(case, n_processes)
        self.load(TensorDataset(torch.arange(len(self.X)), self.X, self.Y))

    def train(self, epoch):
        if self.n_processes > 1:
            self.order.set_epoch(epoch)
        for _, x, y in self.loader:
            losses = binary_cross_entropy_with_logits(self.network(x), y, reduction="none")
            self.step(losses.mean())


class BareLoop(Loop):
    """A selector without a sampler."""

    def __init__(self, case, n_processes, selector, n_epochs):
        super().__init__(case, n_processes)
        self.data = TensorDataset(torch.arange(len(self.X)), self.X, self.Y)
        run = {"n_epochs": n_epochs, "batch_size": BATCH_SIZE, "random_state": 0}
        self.selector = selector.start(self.X, self.Y, **run)

    def train(self, epoch):
        batches = (batch.tolist() for batch in self.selector.batches(epoch))
        for index, x, y in DataLoader(self.data, batch_sampler=batches):
            logits = self.network(x)
            losses = binary_cross_entropy_with_logits(logits, y, reduction="none")
            self.step(losses.mean())
            self.selector.update(index, logits.sigmoid(), losses)


class SampledLoop(BareLoop):
    """The same with it."""

    def __init__(self, case, n_processes, selector, n_epochs):
        super().__init__(case, n_processes, selector, n_epochs)
        self.batches = SelectedBatchSampler(self.selector)
        self.loader = DataLoader(self.data, batch_sampler=self.batches)

    def train(self, epoch):
        for index, x, y in self.loader:
            logits = self.network(x)
            losses = binary_cross_entropy_with_logits(logits, y, reduction="none")
            self.step((self.batches.loss_weights(index, y) * losses).mean())
            self.batches.update(index, logits.sigmoid(), losses)


def make_loops(case, n_processes, n_epochs):
    place = (case, n_processes)
    loops = {
        "plain": PlainLoop(*place),
        "index": IndexLoop(*place),
        "shuffled": SampledLoop(*place, RandomBatches(), n_epochs),
        "selected": SampledLoop(*place, D2ACE(warmup_epochs=1), n_epochs),
    }
    if n_processes == 1:
        loops["bare"] = BareLoop(*place, D2ACE(warmup_epochs=1), n_epochs)
    return loops


def seconds(loop, epoch, n_processes):
    """Processor time: others on the machine add little to it."""
    if n_processes > 1:
        dist.barrier()
    start = time.process_time()
    loop.train(epoch)
    return time.process_time() - start


def measure(rank, n_processes, meeting, cases, n_rounds):
    """Time the loops in this process, and print what the first one found."""
    torch.set_num_threads(1)
    if n_processes > 1:
        meeting = f"file://{meeting}"
        dist.init_process_group("gloo", meeting, rank=rank, world_size=n_processes)
    # The first two epochs warm up: allocator, caches, and the selector itself.
    n_epochs = n_rounds + 2
    for case in cases:
        loops = make_loops(case, n_processes, n_epochs)
        rounds = [
            {name: seconds(loop, epoch, n_processes) for name, loop in loops.items()}
            for epoch in range(n_epochs)
        ][2:]
        if rank == 0:
            report(case, n_processes, rounds)
    if n_processes > 1:
        dist.destroy_process_group()


def report(case, n_processes, rounds):
    taken = {name: statistics.median(times[name] for times in rounds) for name in rounds[0]}
    listed = ", ".join(f"{name} {value:.3f}" for name, value in taken.items())
    print(f"{case}, {n_processes} process(es), seconds an epoch: {listed}", flush=True)
    for what, (loop, other) in RATIOS.items():
        if other in taken:
            ratios = [times[loop] / times[other] for times in rounds]
            low, ratio, high = statistics.quantiles(ratios, n=4)
            print(f"  {what:<26} {ratio:.3f} (quartiles {low:.3f}, {high:.3f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    print(f"CPU, one thread a process, torch {torch.__version__}, {args.rounds} rounds", flush=True)
    for n_processes in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            told = (n_processes, Path(folder) / "meeting", args.cases, args.rounds)
            torch.multiprocessing.spawn(measure, told, nprocs=n_processes)


if __name__ == "__main__":
    main()

"""What D2ACE itself costs: time and memory, and what half precision changes.

    python examples/benchmarks/selection_cost.py

The predictions told to the selector are random and slowly moving, the labels random with the
cardinality of bibtex and mediamill. The last part trains CLIF on yeast and asks, at each epoch,
how much the sampling probabilities would differ had the history been kept in half precision.
"""

import argparse
import re
import statistics
import time
from pathlib import Path

import torch
from sklearn.preprocessing import minmax_scale

from skd2ace import CLIFClassifier
from skd2ace.datasets import load_yeast
from skd2ace.selection import D2ACE

# Instances, features, labels, labels per instance.
SIZES = ((5324, 1836, 159, 2.4), (40000, 120, 100, 4.4))


class Compared(D2ACE):
    """D2ACE that also keeps its history in half precision, beside the run."""

    def _start(self, X, Y):
        super()._start(X, Y)
        self.differences_ = []

    def _probabilities(self, epoch):
        single = super()._probabilities(epoch)
        history, self.history_ = self.history_, self.history_.half()
        half = super()._probabilities(epoch)
        self.history_ = history
        self.differences_.append((half / single - 1).abs())
        return single


def memory(name):
    """A figure of this process from Linux, in bytes: VmRSS now, VmHWM at most since the reset."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{name}:\s+(\d+) kB", status).group(1))


def reset_peak():
    Path("/proc/self/clear_refs").write_text("5")


def cost(n, d, q, cardinality, n_epochs=5):
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(n, d, generator=generator)
    Y = (torch.rand(n, q, generator=generator) < cardinality / q).float()
    proba = torch.rand(n, q, generator=generator)
    selector = D2ACE(warmup_epochs=1)
    start = time.perf_counter()
    selector.start(X, Y, n_epochs=n_epochs, batch_size=128, random_state=0)
    print(f"\nn = {n}, d = {d}, q = {q}: {cardinality} labels per instance")
    print(f"  once per fit      {time.perf_counter() - start:8.3f} s (neighbours)")
    reset_peak()
    before, seconds = memory("VmRSS"), []
    for epoch in range(n_epochs):
        start = time.perf_counter()
        for index in selector.batches(epoch):
            seen = (proba[index] + 0.02 * epoch).clamp(max=1)
            selector.update(index, seen, -torch.log(seen))
        seconds.append(time.perf_counter() - start)
    print(f"  each epoch        {statistics.median(seconds[1:]):8.3f} s")
    print(f"  state             {state_bytes(selector) / n / q:8.1f} bytes per (instance, label)")
    peak = (memory("VmHWM") - before) / n / q
    print(f"  peak temporaries  {peak:8.1f} bytes per (instance, label)")


def state_bytes(selector):
    tensors = [value for value in vars(selector).values() if isinstance(value, torch.Tensor)]
    parts = [
        (t.crow_indices(), t.col_indices(), t.values()) if t.layout is torch.sparse_csr else (t,)
        for t in tensors
    ]
    return sum(part.nbytes for group in parts for part in group)


def half_precision(n_epochs):
    X, Y = load_yeast(return_X_y=True)
    est = CLIFClassifier(
        batch_selector=Compared(), max_epochs=n_epochs, random_state=0, verbose=0
    ).fit(minmax_scale(X), Y)
    differences = torch.stack(est.batch_selector_.differences_)
    print(f"\nHistory in half precision, CLIF on yeast, {n_epochs} epochs:")
    print(f"  a sampling probability moves by {differences.mean():.2e} of itself on average,")
    print(f"  by {differences.flatten().quantile(0.999):.2e} in one of 1000 cases,")
    print(f"  and by {differences.max():.2e} at most")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40, help="of CLIF on yeast")
    args = parser.parse_args()
    print(f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for size in SIZES:
        cost(*size)
    half_precision(args.epochs)


if __name__ == "__main__":
    main()

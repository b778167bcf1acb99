"""What selection itself costs: time and memory of every method, beside an epoch of CLIF.

    python examples/benchmarks/selection_cost.py

The predictions told to the selectors are random and slowly moving, the labels random with the
cardinality of bibtex and mediamill. Selection is timed without training: drawing the batches,
weighting the losses, taking in the predictions. The last part trains CLIF on yeast and on synthetic
data and asks, at each epoch, how much D2ACE's sampling probabilities would differ had its history
been kept in half precision.
"""

import argparse
import ctypes
import re
import statistics
import time
from pathlib import Path

import torch
from scipy.stats import spearmanr
from sklearn.datasets import make_multilabel_classification
from sklearn.preprocessing import minmax_scale

from skd2ace import CLIFClassifier
from skd2ace.datasets import load_yeast
from skd2ace.selection import (
    D2ACE,
    DIHCL,
    MLROS,
    ActiveBias,
    Balance,
    GradientNorm,
    HardImb,
    InfoBatch,
    MLUnc,
    OnlineBatch,
    RandomBatches,
    RandomSubset,
    RecencyBias,
    ReducibleLoss,
    RepeatFactor,
    SelectiveBackprop,
)

# Instances, features, labels, labels per instance.
SIZES = ((5324, 1836, 159, 2.4), (40000, 120, 100, 4.4))


SELECTORS = (
    RandomBatches(),
    ActiveBias(warmup_epochs=1),
    RecencyBias(warmup_epochs=1),
    DIHCL(warmup_epochs=1),
    Balance(),
    OnlineBatch(warmup_epochs=1),
    HardImb(warmup_epochs=1),
    HardImb(warmup_epochs=1, recompute="epoch"),
    HardImb(warmup_epochs=1, chain=True),
    MLUnc(warmup_epochs=1),
    D2ACE(warmup_epochs=1),
    InfoBatch(),
    SelectiveBackprop(warmup_epochs=1),
    ReducibleLoss(),
    GradientNorm(warmup_epochs=1),
    RepeatFactor(),
    MLROS(),
    RandomSubset(),
)
HEADER = ("once, s", "epoch, s", "of CLIF's", "state, B", "peak, B")


class Compared(D2ACE):
    """D2ACE that also keeps its history in half precision, beside the run."""

    def _start(self, X, Y):
        super()._start(X, Y)
        self.differences_, self.ranks_ = [], []

    def _probabilities(self, epoch):
        single = super()._probabilities(epoch)
        history, self.history_ = self.history_, self.history_.half()
        half = super()._probabilities(epoch)
        self.history_ = history
        # The same for all at the last epoch.
        if single.min() < single.max():
            self.differences_.append((half / single - 1).abs())
            self.ranks_.append(float(spearmanr(half, single).statistic))
        return single


def memory(name):
    """A figure of this process from Linux, in bytes: VmRSS now, VmHWM at most since the reset."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{name}:\s+(\d+) kB", status).group(1))


def reset_peak():
    # Memory that was freed but kept for reuse would hide what is taken anew.
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def compare(n, d, q, cardinality, n_epochs):
    """Print one line for each selector: seconds, and bytes per (instance, label)."""
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(n, d, generator=generator)
    Y = (torch.rand(n, q, generator=generator) < cardinality / q).float()
    proba = torch.rand(n, q, generator=generator)
    training = clif_epoch(X, Y)
    print(f"\nn = {n}, d = {d}, q = {q}, {cardinality} labels per instance")
    print(f"An epoch of CLIF with shuffled batches: {training:.2f} s")
    print(f"{'':<48}" + "".join(f"{column:>11}" for column in HEADER))
    for selector in SELECTORS:
        once, epoch, peak = cost(selector, X, Y, proba, n_epochs)
        cells = (
            f"{once:11.2f}{epoch:11.3f}{epoch / training:11.2%}"
            f"{state_bytes(selector) / n / q:11.1f}{peak / n / q:11.1f}"
        )
        print(f"{selector!s:<48}" + cells)


def clif_epoch(X, Y):
    est = CLIFClassifier(
        batch_selector=RandomBatches(),
        max_epochs=4,
        train_split=None,
        random_state=0,
        verbose=0,
    ).fit(X, Y)
    return statistics.median(est.history[1:, "dur"])


def cost(selector, X, Y, proba, n_epochs):
    """Seconds once and per epoch, and the most memory above that before the epochs, in bytes."""
    tellings = [(p, -torch.log(p)) for p in (proba, (proba + 0.02).clamp(max=1))]
    start = time.perf_counter()
    selector.start(X, Y, n_epochs=n_epochs + 1, batch_size=128, random_state=0)
    once = time.perf_counter() - start
    reset_peak()
    before, seconds = memory("VmRSS"), []
    for epoch in range(n_epochs + 1):
        told, losses = tellings[epoch % 2]
        start = time.perf_counter()
        for index in selector.batches(epoch):
            selector.loss_weights(index, Y[index])
            selector.update(index, told[index], losses[index], learning_rate=1e-4)
        seconds.append(time.perf_counter() - start)
    # The first epoch is the warm-up.
    return once, statistics.median(seconds[1:]), memory("VmHWM") - before


def state_bytes(selector):
    chain = getattr(selector, "chain_", None)
    arrays = [chain.rarest, *chain.followers] if chain else []
    tensors = [value for value in vars(selector).values() if isinstance(value, torch.Tensor)]
    parts = [
        (t.crow_indices(), t.col_indices(), t.values()) if t.layout is torch.sparse_csr else (t,)
        for t in tensors
    ]
    return sum(part.nbytes for group in (arrays, *parts) for part in group)


def half_precision(n_epochs):
    made = make_multilabel_classification(3000, 50, n_classes=20, random_state=0)
    for name, (X, Y) in (("yeast", load_yeast(return_X_y=True)), ("synthetic data", made)):
        est = CLIFClassifier(
            batch_selector=Compared(), max_epochs=n_epochs, random_state=0, verbose=0
        ).fit(minmax_scale(X), Y)
        differences = torch.stack(est.batch_selector_.differences_)
        print(f"\nHistory in half precision, CLIF on {name}, {n_epochs} epochs:")
        print(f"  a sampling probability moves by {differences.mean():.2e} of itself on average,")
        print(f"  by {differences.flatten().quantile(0.999):.2e} in one of 1000 cases,")
        print(f"  and by {differences.max():.2e} at most;")
        print(f"  the least rank correlation of an epoch is {min(est.batch_selector_.ranks_):.7f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40, help="of CLIF on yeast, above 10")
    parser.add_argument("--rounds", type=int, default=5, help="epochs of selection alone")
    parser.add_argument("--shrink", type=int, default=1, help="divide the instances by this")
    args = parser.parse_args()
    print(f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for n, *size in SIZES:
        compare(n // args.shrink, *size, n_epochs=args.rounds)
    half_precision(args.epochs)


if __name__ == "__main__":
    main()

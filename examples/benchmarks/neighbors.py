"""Nearest neighbours of many instances: seconds, recall, and what approximate ones change.

    pip install -e '.[neighbors]'
    python examples/benchmarks/neighbors.py
    python examples/benchmarks/neighbors.py --sizes 1000000

The instances are those of 1000 Gaussian clusters in 16 latent dimensions, rotated into 128, with
noise of 0.1; an instance carries the labels of its cluster, each flipped with probability .01.
Printed for all sizes are seconds of ``neighbors="auto"``, recall of the six nearest, and agreement
of Z (Eq. 10 of D2ACE), on 1000 instances whose exact neighbours are found. Up to ``--most-exact``
instances, also seconds of exact neighbours in double precision throughout and in single precision
rechecked in double, in turn, and how far D2ACE's sampling probabilities move where Z is another,
with random predictions told to it.
"""

import argparse
import time
from contextlib import contextmanager

import torch
from scipy.stats import spearmanr

from skd2ace.selection import D2ACE
from skd2ace.selection import functional as F
from skd2ace.selection.functional import _approximate_neighbors, _exact_neighbors

N_LATENT, N_FEATURES, N_CLUSTERS, N_LABELS, N_NEIGHBORS = 16, 128, 1000, 20, 6


def make_clusters(n):
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(N_CLUSTERS, N_LATENT, generator=generator)
    rotation = torch.linalg.qr(torch.randn(N_FEATURES, N_FEATURES, generator=generator))[0]
    cluster = torch.randint(N_CLUSTERS, (n,), generator=generator)
    X = centers[cluster] @ rotation[:N_LATENT]
    X += 0.1 * torch.randn(n, N_FEATURES, generator=generator)
    carried = torch.rand(N_CLUSTERS, N_LABELS, generator=generator) < 0.15
    Y = carried[cluster] ^ (torch.rand(n, N_LABELS, generator=generator) < 0.01)
    return X, Y.float()


@contextmanager
def patched(module, **values):
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def seconds_of(X, neighbors):
    begin = time.perf_counter()
    search = F.NeighborSearch(neighbors)
    near = torch.cat([near for _, near in search.blocks(X, N_NEIGHBORS)])
    return time.perf_counter() - begin, near, search.recall_


def compare_exact(X, rounds):
    """Print seconds in double and in single precision, in turn; whether they find the same."""
    for _ in range(rounds):
        with patched(_exact_neighbors, _is_single_exact=lambda: False):
            double, expected, _ = seconds_of(X, "exact")
        single, found, _ = seconds_of(X, "exact")
        same = torch.equal(expected.sort(1).values, found.sort(1).values)
        print(
            f"  exact: double precision {double:.1f} s, single with recheck {single:.1f} s, "
            f"ratio {single / double:.2f}, the same neighbours: {same}",
            flush=True,
        )


def compare_auto(X, Y):
    """Print seconds, recall and agreement of approximate neighbours; return their Z."""
    with patched(_approximate_neighbors, _MOST_WORK=0):
        seconds, near, recall = seconds_of(X, "auto")
    print(f"  auto: {seconds:.1f} s, recall of the six nearest as it says itself {recall:.3f}")
    rows = torch.randperm(len(X), generator=torch.Generator().manual_seed(1))[:1000]
    exact = _exact_neighbors.nearest_of(X, rows, N_NEIGHBORS)
    found = (near[rows][:, :, None] == exact[:, None, :]).any(2).double().mean()
    with_exact, with_found = (torch.maximum(Y[rows], Y[of].amax(1)) for of in (exact, near[rows]))
    agreement = (with_exact == with_found).double().mean()
    print(
        f"  on {len(rows)} others: recall {found:.3f}, agreement of Z {agreement:.4f}", flush=True
    )
    return near


def compare_probabilities(X, Y):
    """Print how far D2ACE's probabilities move with approximate neighbours."""
    made = {}
    generator = torch.Generator().manual_seed(2)
    proba = torch.rand(Y.shape, generator=generator)
    losses = torch.nn.functional.binary_cross_entropy(proba, Y, reduction="none")
    for neighbors, most_work in (("auto", 0), ("exact", 0)):
        with patched(_approximate_neighbors, _MOST_WORK=most_work):
            selector = D2ACE(warmup_epochs=1, neighbors=neighbors)
            selector.start(X, Y, n_epochs=50, batch_size=128, random_state=0)
        for index in torch.arange(len(X)).split(128):
            selector.update(index, proba[index], losses[index])
        next(selector.batches(1))
        made[neighbors] = selector.probabilities_
    change = (made["auto"] / made["exact"] - 1).abs()
    rank = spearmanr(made["auto"], made["exact"]).statistic
    print(
        f"  D2ACE's probabilities: rank correlation {rank:.6f}; one moves by {change.mean():.1e} "
        f"of itself on average, by {change.quantile(0.99):.1e} in one of 100 cases",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--most-exact", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for n in args.sizes:
        X, Y = make_clusters(n)
        print(f"n = {n}, d = {N_FEATURES}", flush=True)
        compare_auto(X, Y)
        if n <= args.most_exact:
            compare_exact(X, args.rounds)
            compare_probabilities(X, Y)


if __name__ == "__main__":
    main()

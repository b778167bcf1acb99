"""Seconds of a fit of TabMClassifier, and its share of the machine's matrix-product speed.

    SKD2ACE_DATA=path/to/mulan python examples/benchmarks/tabm_speed.py --data yeast birds

On the first training part of five. Printed are the best seconds of some fits, those of a random
forest of 500 trees beside them, and the products that training needs (three of each matrix for
each row, member and epoch) in a second, as a share of what a large product reaches here.
"""

import argparse
import time
from functools import partial

import torch
from scipy.sparse import issparse
from sklearn.ensemble import RandomForestClassifier

from skd2ace import TabMClassifier
from skd2ace.datasets import fetch_mulan
from skd2ace.model_selection import IterativeStratifiedKFold

SIZE = 2048


def measure(call, repeats):
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def measure_products():
    """Operations per second of one large product."""
    A = torch.randn(SIZE, SIZE)
    return 2 * SIZE**3 / measure(partial(torch.matmul, A, A), 10)


def count_operations(est, n):
    """Of all steps: a product forward, two backward, of each hidden and last matrix."""
    module = est.module_
    sizes = [layer.weight.shape[-2:].numel() for layer in (*module.layers, module.head)]
    return 3 * 2 * sum(sizes) * module.k * n * est.max_epochs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["yeast", "birds"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    for name in arguments.data:
        X, Y = fetch_mulan(name, return_X_y=True)
        rows, _ = next(IterativeStratifiedKFold(5, random_state=0).split(X, Y))
        part = X[rows], Y[rows].toarray() if issparse(Y) else Y[rows]
        for threads in arguments.threads:
            torch.set_num_threads(threads)
            est = TabMClassifier(random_state=0, verbose=0)
            seconds = measure(partial(est.fit, *part), arguments.repeats)
            forest = RandomForestClassifier(500, random_state=0, n_jobs=threads)
            of_forest = measure(partial(forest.fit, *part), arguments.repeats)
            speed = count_operations(est, len(rows)) / seconds
            print(
                f"{name}, {threads} threads: {seconds:.1f} s (forest {of_forest:.1f} s), "
                f"{speed / 1e9:.0f} GFLOP/s, {speed / measure_products():.0%} of a large product",
                flush=True,
            )


if __name__ == "__main__":
    main()

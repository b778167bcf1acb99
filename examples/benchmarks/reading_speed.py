"""How long reading a data set takes, beside the readers that others keep.

    SKD2ACE_DATA=path/to/mulan python examples/benchmarks/reading_speed.py

Printed are seconds, the best of three, and how many times longer liac-arff and scikit-multilearn
take for the same file.
"""

import argparse
import os
import time
import warnings
from pathlib import Path

import arff
from skmultilearn.dataset import load_from_arff

from skd2ace.datasets import load_arff

# Labels and whether the file is sparse, which scikit-multilearn must be told.
FILES = {
    "bibtex/bibtex.arff": (159, True),
    "enron/enron.arff": (53, True),
    "scene/scene-train.arff": (6, False),
    "yeast/yeast.arff": (14, False),
}


def with_liac(path, n_labels, is_sparse):
    with open(path, encoding="utf-8") as file:
        arff.load(file, encode_nominal=True, return_type=arff.LOD if is_sparse else arff.DENSE)


def with_scikit_multilearn(path, n_labels, is_sparse):
    with warnings.catch_warnings():
        # It leaves its files to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        load_from_arff(str(path), n_labels, load_sparse=is_sparse)


READERS = {
    "skd2ace": lambda path, n_labels, is_sparse: load_arff(path),
    "liac-arff": with_liac,
    "scikit-multilearn": with_scikit_multilearn,
}


def seconds(read, *arguments):
    took = []
    for _ in range(3):
        start = time.perf_counter()
        read(*arguments)
        took.append(time.perf_counter() - start)
    return min(took)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", nargs="+", choices=FILES, default=list(FILES))
    folder = Path(os.environ["SKD2ACE_DATA"])
    print(f"{'':<24}" + "".join(f"{name:>19}" for name in READERS))
    for name in parser.parse_args().files:
        took = [seconds(read, folder / name, *FILES[name]) for read in READERS.values()]
        ratios = "".join(f"{other / took[0]:>17.1f} x" for other in took[1:])
        print(f"{name:<24}{took[0]:>17.2f} s{ratios}", flush=True)


if __name__ == "__main__":
    main()

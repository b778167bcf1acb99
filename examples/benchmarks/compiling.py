"""Whether torch.compile pays: seconds of training epochs without and with it.

    python examples/benchmarks/compiling.py --networks TabMClassifier --epochs 6

Each fit is on 2000 instances of 50 features and 5 labels, on the CPU. Printed are the seconds
of the first epoch, in which everything is compiled, the median of the others, and after how many
epochs the time of compiling would be won back.
"""

import argparse
import statistics

import torch
from sklearn.datasets import make_multilabel_classification

import skd2ace


def measure(estimator, X, Y, n_epochs, **params):
    """Seconds of the first epoch, and the median of the others."""
    est = estimator(max_epochs=n_epochs, train_split=None, random_state=0, verbose=0, **params).fit(
        X, Y
    )
    first, *others = est.history[:, "dur"]
    return first, statistics.median(others)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["CLIFClassifier", "TabMClassifier"])
    parser.add_argument("--epochs", type=int, default=6)
    args = parser.parse_args()
    print(f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}")
    X, Y = make_multilabel_classification(2000, 50, n_classes=5, random_state=0)
    for name in args.networks:
        estimator = getattr(skd2ace, name)
        first, plain = measure(estimator, X, Y, args.epochs)
        print(f"{name}: first epoch {first:.2f} s, others {plain:.3f} s", flush=True)
        first, compiled = measure(estimator, X, Y, args.epochs, compile=True)
        won = plain - compiled
        after = f"won back after {first / won:.0f} epochs" if won > 0 else "never won back"
        print(
            f"{name}, compiled: first epoch {first:.2f} s, others {compiled:.3f} s, "
            f"{compiled / plain:.2f} of that: {after}",
            flush=True,
        )


if __name__ == "__main__":
    main()

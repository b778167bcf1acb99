"""What the prediction of one row takes beyond the network's own time, in milliseconds.

Each round times ``predict_proba`` of one row, many times, and in turn a forward pass of the same
network on the same row as a tensor, in evaluation mode and without gradients.

    python examples/benchmarks/one_row.py --rounds 5
"""

import argparse
import statistics
import time

import torch

from skd2ace import CLIFClassifier, MultiLabelNetClassifier, TabMClassifier
from skd2ace.datasets import load_yeast
from skd2ace.networks import MLP

ESTIMATORS = {
    "MLP": MultiLabelNetClassifier(MLP, random_state=0, verbose=0),
    "CLIF": CLIFClassifier(random_state=0, verbose=0),
    "TabM, prepared before": TabMClassifier(preprocessor=None, random_state=0, verbose=0),
    "TabM": TabMClassifier(random_state=0, verbose=0),
}


def time_calls(function, n_calls=100):
    """Median milliseconds of a call."""
    seconds = []
    for _ in range(n_calls):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


def make_calls(estimator, X, Y):
    """The prediction of a row by the estimator, and by its network alone."""
    fitted = estimator.set_params(max_epochs=1).fit(X, Y)
    network, row = fitted.module_.eval(), X[:1]
    prepared = fitted.preprocessor_.transform(row) if hasattr(fitted, "preprocessor_") else row
    features = torch.as_tensor(prepared, dtype=torch.float32)

    def pass_forward():
        with torch.no_grad():
            network(features)

    return lambda: fitted.predict_proba(row), pass_forward


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    X, Y = load_yeast(return_X_y=True)
    print(f"ms, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{'':<24}{'predict_proba':>14}{'network':>9}{'beyond':>8}")
    for name, estimator in ESTIMATORS.items():
        calls = make_calls(estimator, X, Y)
        pairs = [tuple(time_calls(call) for call in calls) for _ in range(rounds)]
        whole, alone = (statistics.median(column) for column in zip(*pairs, strict=True))
        beyond = statistics.median(pair[0] - pair[1] for pair in pairs)
        print(f"{name:<24}{whole:>14.3f}{alone:>9.3f}{beyond:>8.3f}")


if __name__ == "__main__":
    main()

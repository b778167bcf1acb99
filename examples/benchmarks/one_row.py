"""What the prediction of one row takes beyond the network's own time, in CPU milliseconds.

Taken in turn are ``predict_proba`` of one row, and forward passes of the same network in evaluation
mode without gradients: of as many rows as ``predict_proba`` makes of one, so that a row's
prediction has the same bits in any batch, and of the row alone. Printed are medians, and those of
the differences within a turn.

    python examples/benchmarks/one_row.py --turns 500
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


# To a multiple of which predictions fill up a batch.
ROW_BLOCK = 16


def time_call(function):
    """CPU milliseconds of a call: other programs do not count."""
    start = time.process_time()
    function()
    return 1000 * (time.process_time() - start)


def make_calls(estimator, X, Y):
    """The prediction of a row by the estimator, and passes of its network, padded and not."""
    fitted = estimator.set_params(max_epochs=1).fit(X, Y)
    network, row = fitted.module_.eval(), X[:1]
    prepared = fitted.preprocessor_.transform(row) if hasattr(fitted, "preprocessor_") else row
    features = torch.as_tensor(prepared, dtype=torch.float32)
    padded = torch.nn.functional.pad(features, (0, 0, 0, ROW_BLOCK - 1))

    def pass_forward(rows):
        with torch.no_grad():
            network(rows)

    return (
        lambda: fitted.predict_proba(row),
        lambda: pass_forward(padded),
        lambda: pass_forward(features),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=500)
    n_turns = parser.parse_args().turns
    X, Y = load_yeast(return_X_y=True)
    print(f"CPU ms, {torch.get_num_threads()} threads, torch {torch.__version__}")
    titles = ("predict_proba", "network, 16 rows", "one row", "beyond 16", "beyond one")
    print(" " * 24 + "".join(f"{title:>18}" for title in titles))
    for name, estimator in ESTIMATORS.items():
        calls = make_calls(estimator, X, Y)
        turns = [[time_call(call) for call in calls] for _ in range(n_turns)]
        turns = [[whole, *alone, *(whole - own for own in alone)] for whole, *alone in turns]
        medians = (statistics.median(column) for column in zip(*turns, strict=True))
        print(f"{name:<24}" + "".join(f"{median:>18.3f}" for median in medians))


if __name__ == "__main__":
    main()

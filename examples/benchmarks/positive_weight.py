"""What a weight of positives does to TabM: ranking, labels at 0.5 and at tuned thresholds.

    SKD2ACE_DATA=path/to/mulan python examples/benchmarks/positive_weight.py --data yeast --folds 3

One line for each weight: Macro-AUC, ranking loss, Macro-F1 and Micro-F1 at 0.5, Macro-F1 at
thresholds tuned out of bag, the expected calibration error, and the same with
``calibration="sigmoid"``. Folds are those that settings were chosen by, other
than the tables'.
"""

import argparse

import numpy as np

from skd2ace import TabMClassifier
from skd2ace.datasets import fetch_mulan
from skd2ace.metrics import (
    expected_calibration_error,
    label_ranking_loss,
    macro_auc,
    macro_f1,
    micro_f1,
)
from skd2ace.model_selection import IterativeStratifiedKFold

TITLES = ("Macro-AUC", "ranking loss", "Macro-F1", "Micro-F1", "tuned", "ECE", "ECE, sigmoid")


def score(weight, X, Y, train, test):
    settings = {"pos_weight": weight, "random_state": 0, "verbose": 0}
    est = TabMClassifier(threshold="tune", calibration="sigmoid", **settings)
    est.fit(X[train], Y[train])
    truth, tuned, calibrated = Y[test], est.predict(X[test]), est.predict_proba(X[test])
    # Given up after the fit: the same network, as it is without it.
    proba = est.set_params(calibration=None).predict_proba(X[test])
    return [
        macro_auc(truth, proba),
        label_ranking_loss(truth, proba),
        macro_f1(truth, proba >= 0.5),
        micro_f1(truth, proba >= 0.5),
        macro_f1(truth, tuned),
        expected_calibration_error(truth, proba),
        expected_calibration_error(truth, calibrated),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["emotions"])
    parser.add_argument("--weights", nargs="+", default=["1", "2", "3", "4", "balanced"])
    parser.add_argument("--folds", type=int, default=1)
    arguments = parser.parse_args()
    for name in arguments.data:
        X, Y = fetch_mulan(name, return_X_y=True)
        folds = list(IterativeStratifiedKFold(5, random_state=1).split(X, Y))[: arguments.folds]
        for weight in arguments.weights:
            given = weight if weight == "balanced" else float(weight)
            means = np.mean([score(given, X, Y, *fold) for fold in folds], axis=0)
            pairs = zip(TITLES, means, strict=True)
            shown = ", ".join(f"{title} {value:.4f}" for title, value in pairs)
            print(f"{name}, {weight}: {shown}", flush=True)


if __name__ == "__main__":
    main()

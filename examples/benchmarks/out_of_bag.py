"""How far TabM's out-of-bag scores are from the scores of new rows.

    SKD2ACE_DATA=path/to/mulan python examples/benchmarks/out_of_bag.py --data flags emotions birds

For members that share all ("shared"), all but the input factors ("mini") or nothing ("packed").
Printed are means over folds, with their standard errors, of

- what ``oob_score_`` is above the Macro-AUC of the test part, over labels that both define, and
  the same before its correction;
- how much the choice of the epoch flatters: the rows are halved, the best epoch by one half is
  scored by either, and the difference is taken in both directions;
- what ``calibration="sigmoid"`` makes of the expected calibration error of the test part.

    python examples/benchmarks/out_of_bag.py --noise 40

prints the same scores of so many tables whose features tell nothing, where .5 would be right, with
and without the choice of the epoch.
"""

import argparse

import numpy as np
from skorch.callbacks import Callback

from skd2ace import TabMClassifier
from skd2ace.datasets import fetch_mulan
from skd2ace.metrics import expected_calibration_error, macro_auc, roc_auc_per_label
from skd2ace.model_selection import IterativeStratifiedKFold
from skd2ace.training._out_of_bag import predict_out_of_bag

COLUMNS = ("gap", "uncorrected", "flattery", "ECE", "ECE calibrated")


class Halves(Callback):
    """Out-of-bag Macro-AUC of two halves of the rows, at each epoch."""

    def on_train_begin(self, net, **kwargs):
        """Begin anew."""
        self.scores = []

    def on_epoch_end(self, net, dataset_train=None, **kwargs):
        """Score both halves."""
        seen = predict_out_of_bag(net, dataset_train)
        half = np.random.default_rng(0).random(len(seen.Y)) < 0.5
        self.scores.append([macro_auc(seen.Y[part], seen.proba[part]) for part in (half, ~half)])


def measure_flattery(scores):
    scores = np.array(scores)
    best = scores.argmax(axis=0)
    return np.mean([scores[best[i], i] - scores[best[i], 1 - i] for i in (0, 1)])


def measure(X, Y, train, test, sharing):
    halves = Halves()
    est = TabMClassifier(
        module__sharing=sharing,
        calibration="sigmoid",
        callbacks=[("halves", halves)],
        random_state=0,
        verbose=0,
    ).fit(X[train], Y[train])
    known = ~np.isnan(est.oob_proba_).any(axis=1)
    calibrated = est.predict_proba(X[test])
    # Given up after the fit: the same network, as it is without it.
    plain = est.set_params(calibration=None).predict_proba(X[test])
    of_labels = [
        roc_auc_per_label(Y[train][known], est.oob_proba_[known]),
        roc_auc_per_label(Y[test], calibrated),
    ]
    both = ~np.isnan(of_labels).any(axis=0)
    uncorrected = of_labels[0][both].mean() - of_labels[1][both].mean()
    # The best epoch is the one that the whole score was highest at.
    correction = est.oob_score_ - np.nanmean(of_labels[0])
    flattery = measure_flattery(halves.scores)
    errors = [expected_calibration_error(Y[test], proba) for proba in (plain, calibrated)]
    return uncorrected + correction, uncorrected, flattery, *errors


def measure_noise(seed, **params):
    """150 rows, of four labels that a tenth of them has."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(150, 10)), (rng.random((150, 4)) < 0.1).astype(int)
    est = TabMClassifier(random_state=seed, verbose=0, **params).fit(X, Y)
    return est.oob_score_, macro_auc(Y, est.oob_proba_)


def print_noise(n_tables):
    for title, params in (
        ("noise", {}),
        ("noise, last epoch", {"callbacks__best_epoch": None}),
    ):
        scores = [measure_noise(seed, **params) for seed in range(n_tables)]
        errors = np.std(scores, axis=0, ddof=1) / n_tables**0.5
        shown = zip(("score", "uncorrected"), np.mean(scores, axis=0), errors, strict=True)
        print(f"{title}:", ", ".join(f"{name} {mean:.3f} ({e:.3f})" for name, mean, e in shown))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["flags", "emotions", "birds"])
    parser.add_argument("--sharing", nargs="+", default=["shared", "mini", "packed"])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--random-state", type=int, default=0)
    parser.add_argument("--noise", type=int, metavar="TABLES")
    arguments = parser.parse_args()
    if arguments.noise:
        print_noise(arguments.noise)
        return
    for name in arguments.data:
        X, Y = fetch_mulan(name, return_X_y=True)
        folds = IterativeStratifiedKFold(5, random_state=arguments.random_state).split(X, Y)
        folds = list(folds)[: arguments.folds]
        for sharing in arguments.sharing:
            rows = np.array([measure(X, Y, *fold, sharing) for fold in folds])
            errors = rows.std(axis=0, ddof=1) / len(rows) ** 0.5 if len(rows) > 1 else rows[0] * 0
            shown = zip(COLUMNS, rows.mean(axis=0), errors, strict=True)
            print(
                f"{name}, {sharing}:",
                ", ".join(f"{column} {mean:+.3f} ({error:.3f})" for column, mean, error in shown),
                flush=True,
            )


if __name__ == "__main__":
    main()

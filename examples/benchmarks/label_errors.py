"""How many planted label errors one fit finds, beside cleanlab with predictions of five fits.

    SKD2ACE_DATA=path/to/mulan python examples/benchmarks/label_errors.py --data emotions birds

Of each label as many ones as zeros are given the other value, a share of its rarer value. Printed
are, per data set and share, means over the seeds of: the average precision with which
``LabelReport`` of one TabM ranks the cells; that of cleanlab's self-confidence by out-of-fold
predictions of the same network in five folds (where cleanlab is installed, else by the same
formula); the ratio of the seconds; and the recall of ``with_recall`` where .8 is stated, with the
share of the right cells that it flags.
"""

import argparse
import time

import numpy as np
from sklearn.base import clone
from sklearn.metrics import average_precision_score

from skd2ace import TabMClassifier
from skd2ace.datasets import fetch_mulan
from skd2ace.inspection import LabelReport
from skd2ace.inspection._stated_recall import plant_errors
from skd2ace.model_selection import IterativeStratifiedKFold


def score_by_self_confidence(labels, proba):
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return np.where(labels == 1, proba, 1 - proba)
    columns = [
        get_label_quality_scores(labels[:, j], np.stack([1 - proba[:, j], proba[:, j]], axis=1))
        for j in range(labels.shape[1])
    ]
    return np.stack(columns, axis=1)


def predict_out_of_fold(estimator, X, Y):
    proba = np.empty(Y.shape)
    for train, test in IterativeStratifiedKFold(5, shuffle=True, random_state=0).split(X, Y):
        proba[test] = clone(estimator).fit(X[train], Y[train]).predict_proba(X[test])
    return proba


def compare(X, clean, share, seed):
    planted, is_wrong = plant_errors(clean.astype(float), share, np.random.RandomState(seed))
    planted = planted.astype(int)
    estimator = TabMClassifier(random_state=seed, verbose=0)
    begin = time.perf_counter()
    fitted = clone(estimator).fit(X, planted)
    report = LabelReport.from_estimator(fitted, X, planted)
    seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    quality = score_by_self_confidence(planted, predict_out_of_fold(estimator, X, planted))
    seconds /= time.perf_counter() - begin
    stated = report.with_recall(fitted, X, 0.8, random_state=seed)
    judged = ~np.isnan(report.score)
    return {
        "ours": average_precision_score(is_wrong[judged], report.score[judged]),
        "theirs": average_precision_score(is_wrong[judged], -quality[judged]),
        "seconds": seconds,
        "recall": stated.suspects[is_wrong].mean(),
        "flagged": stated.suspects[~is_wrong].mean(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", nargs="+", default=["emotions", "birds"])
    parser.add_argument("--shares", nargs="+", type=float, default=[0.1])
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    print("data share | average precision: one fit, five folds | seconds | recall, flagged")
    for name in arguments.data:
        X, Y = fetch_mulan(name, return_X_y=True)
        for share in arguments.shares:
            found = [compare(X, Y, share, seed) for seed in range(arguments.seeds)]
            mean = {key: np.mean([run[key] for run in found]) for key in found[0]}
            print(
                f"{name} {share:g} | {mean['ours']:.3f} {mean['theirs']:.3f} | "
                f"{mean['seconds']:.2f} | {mean['recall']:.3f} {mean['flagged']:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""How many planted label errors one fit finds, beside cleanlab with predictions of five fits.

    SKD2ACE_DATA=path/to/mulan python examples/benchmarks/label_errors.py --data emotions birds

Four fifths of the rows are for training, the rest keeps its labels. Of each label as many ones as
zeros are given the other value, a share of its rarer value. Printed are, per data set and share,
means over the seeds of: the average precision with which ``LabelReport`` of one TabM ranks the
cells; that of cleanlab's self-confidence by out-of-fold predictions of the same network in five
folds (where cleanlab is installed, else by the same formula); the ratio of the seconds of the
processor; the recall of ``with_recall`` where .8 is stated, with the share of the right cells that
it flags; and the Macro-AUC on the test rows of the fit itself, and of a second one to which the
suspects of the first report are unknown. At the end, the recall over the planted cells of all
sets. What was measured is kept in the file of ``--store``.
"""

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.metrics import average_precision_score

from skd2ace import TabMClassifier
from skd2ace.datasets import fetch_mulan
from skd2ace.inspection import LabelReport
from skd2ace.inspection._stated_recall import plant_errors
from skd2ace.metrics import macro_auc
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


def plant(data, share, seed):
    """Training rows, test rows, training labels with errors, and which cells those are."""
    X, Y = fetch_mulan(data, return_X_y=True)
    Y = Y.toarray() if sp.issparse(Y) else Y
    folds = IterativeStratifiedKFold(5, shuffle=True, random_state=seed)
    train, test = next(iter(folds.split(X, Y)))
    planted, is_wrong = plant_errors(Y[train].astype(float), share, np.random.RandomState(seed))
    return X[train], (X[test], Y[test]), planted.astype(int), is_wrong


def compare(data, share, seed):
    X, (X_test, Y_test), planted, is_wrong = plant(data, share, seed)
    estimator = TabMClassifier(pos_weight=None, random_state=seed, verbose=0)
    begin = time.process_time()
    fitted = clone(estimator).fit(X, planted)
    report = LabelReport.from_estimator(fitted, X, planted)
    seconds = time.process_time() - begin
    begin = time.process_time()
    quality = score_by_self_confidence(planted, predict_out_of_fold(estimator, X, planted))
    seconds /= time.process_time() - begin
    stated = report.with_recall(fitted, X, 0.8, random_state=seed)
    second = clone(estimator).fit(X, np.where(report.suspects, np.nan, planted))
    judged = ~np.isnan(report.score)
    return {
        "ours": average_precision_score(is_wrong[judged], report.score[judged]),
        "theirs": average_precision_score(is_wrong[judged], -quality[judged]),
        "seconds": seconds,
        "recall": stated.suspects[is_wrong].mean(),
        "flagged": stated.suspects[~is_wrong].mean(),
        "first": macro_auc(Y_test, fitted.predict_proba(X_test)),
        "second": macro_auc(Y_test, second.predict_proba(X_test)),
    }


def measure(data, share, seed, store):
    """Return what the store has, or else measure it and add it there."""
    key = {"data": data, "share": share, "seed": seed}
    lines = store.read_text().splitlines() if store and store.exists() else []
    for row in map(json.loads, lines):
        if key.items() <= row.items():
            return row
    row = key | {name: float(value) for name, value in compare(data, share, seed).items()}
    if store:
        with store.open("a") as file:
            file.write(json.dumps(row) + "\n")
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", nargs="+", default=["emotions", "birds"])
    parser.add_argument("--shares", nargs="+", type=float, default=[0.1])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--store", type=Path, help="file of JSON lines to go on with")
    arguments = parser.parse_args()
    print(
        "data share | average precision: one fit, five folds | seconds | recall, flagged | ", end=""
    )
    print("Macro-AUC: first, second fit")
    planted, found = defaultdict(list), defaultdict(list)
    for name in arguments.data:
        for share in arguments.shares:
            seeds = range(arguments.seeds)
            runs = [measure(name, share, seed, arguments.store) for seed in seeds]
            planted[share] += [plant(name, share, seed)[-1].sum() for seed in seeds]
            found[share] += [run["recall"] for run in runs]
            mean = {key: np.mean([run[key] for run in runs]) for key in runs[0] if key != "data"}
            print(
                f"{name} {share:g} | {mean['ours']:.3f} {mean['theirs']:.3f} | "
                f"{mean['seconds']:.2f} | {mean['recall']:.3f} {mean['flagged']:.3f} | "
                f"{mean['first']:.4f} {mean['second']:.4f}",
                flush=True,
            )
    pooled = (
        f"{share:g} {np.average(found[share], weights=planted[share]):.3f}" for share in found
    )
    print("recall over the planted cells of all sets: " + ", ".join(pooled))


if __name__ == "__main__":
    main()

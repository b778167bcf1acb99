"""Counts of the best against loops over methods and folds."""

import numpy as np
import pytest

from skd2ace.benchmark import count_best, differences


def count_slowly(results, metric, sign):
    """On each dataset each method against each other one, from the formula in the docs."""
    counts = dict.fromkeys(results["method"].unique(), 0)
    for _, rows in results.groupby("dataset"):
        n_folds = rows["fold"].nunique()
        known = {
            (row.method, row.fold, row.seed): getattr(row, metric) for row in rows.itertuples()
        }
        for method in counts:
            fine = []
            for other in counts.keys() - {method}:
                of_folds = []
                for fold in range(n_folds):
                    gains = [
                        sign * (known[method, fold, seed] - known[other, fold, seed])
                        for seed in range(3)
                        if (method, fold, seed) in known and (other, fold, seed) in known
                    ]
                    of_folds += [sum(gains) / len(gains)] if gains else []
                if not of_folds:
                    continue
                k, mean = len(of_folds), sum(of_folds) / len(of_folds)
                error = 0
                if k > 1:
                    squares = sum((gain - mean) ** 2 for gain in of_folds) / (k - 1)
                    error = ((1 / k + 1 / (n_folds - 1)) * squares) ** 0.5
                fine.append(mean >= -error)
            counts[method] += bool(fine) and all(fine)
    return counts


@pytest.mark.parametrize(("metric", "sign"), [("macro_auc", 1), ("label_ranking_loss", -1)])
def test_counts_are_those_of_plain_loops(frame, metric, sign):
    rng = np.random.default_rng(0)
    cells = {
        (f"set {number}", method): rng.normal(shift, 0.1, (5, 3))
        for number in range(12)
        for method, shift in zip("ABCD", [0.5, 0.52, 0.55, 0.45], strict=True)
    }
    # A slow method has one run on some sets, and none on one.
    results = frame(cells, metric)
    is_c = results["method"] == "C"
    once = is_c & results["dataset"].isin(["set 1", "set 2", "set 7"])
    results = results[~once | ((results["fold"] == 0) & (results["seed"] == 0))]
    results = results[~((results["method"] == "C") & (results["dataset"] == "set 3"))]
    counts = count_best(results, metric)
    assert counts.to_dict() == count_slowly(results, metric, sign)
    assert len(set(counts)) > 2
    assert counts.attrs["n_datasets"] == 12
    fewer = count_best(results, metric, without=["set 0", "set 5", "never run"])
    kept = results[~results["dataset"].isin(["set 0", "set 5"])]
    assert fewer.to_dict() == count_slowly(kept, metric, sign)
    assert fewer.attrs["n_datasets"] == 10


def test_one_error_is_that_of_the_interval(frame):
    """A method that is worse by just under or over one error counts or does not."""
    gains = np.array([0.1, -0.05, 0.02, 0.06])
    cells = {("s", "A"): 0.5 + gains, ("s", "B"): np.full(4, 0.5)}
    row = differences(frame(cells), "macro_auc", "A").iloc[0]
    # The quantile of t with 3 degrees of freedom is in every table.
    error = (row["high"] - row["difference"]) / 3.182446
    for worse_by, counts in ((0.999 * error, 1), (1.001 * error, 0)):
        shifted = cells | {("s", "A"): 0.5 + gains - gains.mean() - worse_by}
        assert count_best(frame(shifted), "macro_auc")["A"] == counts


def test_equals_count_alike_whatever_the_rounding(frame):
    cells = {("s", "A"): [0.1 + 0.2, 0.6], ("s", "B"): [0.3, 0.6]}
    assert count_best(frame(cells), "macro_auc").to_dict() == {"A": 1, "B": 1}


def test_alone_nothing_is_best(frame):
    assert count_best(frame({("s", "A"): [0.1, 0.2]}), "macro_auc").to_dict() == {"A": 0}

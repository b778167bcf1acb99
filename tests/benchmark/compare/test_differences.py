"""Differences and their intervals against examples worked out by hand."""

import numpy as np
import pytest

from skd2ace.benchmark import differences


def test_differences_by_hand(frame):
    # Gains of the folds, seeds averaged: 0.1, 0.1, 0.2 and 0.2.
    cells = {
        ("s", "A"): [[0.6, 0.8], [0.7, 0.7], [0.7, 0.9], [0.9, 0.7]],
        ("s", "B"): [[0.5, 0.7], [0.6, 0.6], [0.6, 0.6], [0.6, 0.6]],
    }
    row = differences(frame(cells), "macro_auc", "A").iloc[0]
    assert (row["dataset"], row["method"], row["n_folds"], row["n_runs"]) == ("s", "B", 4, 8)
    assert row["difference"] == pytest.approx(0.15)
    variance = 4 * 0.05**2 / 3
    # The quantile of t with 3 degrees of freedom is in every table.
    half = 3.182446 * np.sqrt((1 / 4 + 1 / 3) * variance)
    assert (row["low"], row["high"]) == pytest.approx((0.15 - half, 0.15 + half), abs=1e-6)
    narrow = differences(frame(cells), "macro_auc", "A", confidence=0.9).iloc[0]
    assert narrow["high"] - 0.15 == pytest.approx(half * 2.353363 / 3.182446, abs=1e-6)


def test_differences_of_a_shuffle_split_by_hand(frame):
    # 4 splits of 100 instances, 20 of them to test: n_test/n_train is 1/4 and not 1/3.
    cells = {("s", "A"): [0.6, 0.6, 0.7, 0.7], ("s", "B"): [0.5] * 4}
    results = frame(cells).assign(n_train=80, n_test=20)
    # The standard deviation of 0.1, 0.1, 0.2 and 0.2 is 0.1 / sqrt(3); 1/4 + 1/4 is a half.
    half = 3.182446 * np.sqrt(1 / 2) * 0.1 / np.sqrt(3)
    row = differences(results, "macro_auc", "A").iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((0.15 - half, 0.15 + half), abs=1e-6)
    for unknown in (
        results.drop(columns="n_test"),
        results.assign(n_train=np.nan),
        # Four folds, one larger than the others, are a cross-validation all the same.
        results.assign(n_train=[75, 75, 75, 72] * 2, n_test=[24, 24, 24, 27] * 2),
    ):
        row = differences(unknown, "macro_auc", "A").iloc[0]
        wide = 3.182446 * np.sqrt(1 / 4 + 1 / 3) * 0.1 / np.sqrt(3)
        assert row["high"] - 0.15 == pytest.approx(wide, abs=1e-6)


def test_positive_is_better_in_either_direction(frame):
    cells = {("s", "A"): [0.3, 0.4], ("s", "B"): [0.2, 0.2]}
    gain = differences(frame(cells), "macro_auc", "A")["difference"]
    loss = differences(frame(cells, "label_ranking_loss"), "label_ranking_loss", "A")["difference"]
    assert gain[0] == pytest.approx(0.15)
    assert loss[0] == pytest.approx(-0.15)


def test_one_fold_has_no_interval(frame):
    row = differences(frame({("s", "A"): [0.3], ("s", "B"): [0.2]}), "macro_auc", "A").iloc[0]
    assert row["difference"] == pytest.approx(0.1)
    assert np.isnan([row["low"], row["high"]]).all()


def test_runs_that_one_lacks_are_not_compared(frame):
    """Three of four folds: the training sets are those of four all the same."""
    cells = {("s", "A"): [[0.6, 0.6], [0.7, 0.7], [0.9, 0.9], [0.9, 0.1]]}
    cells["s", "B"] = [[0.5, np.nan], [0.5, 0.5], [0.6, np.nan], [np.nan, np.nan]]
    cells["s", "C"] = [[np.nan, np.nan]] * 4
    table = differences(frame(cells), "macro_auc", "A")
    (row,) = table.to_dict("records")
    assert (row["method"], row["n_folds"], row["n_runs"]) == ("B", 3, 4)
    # Gains of the folds: 0.1, 0.2 and 0.3, whose standard deviation is 0.1.
    half = 4.302653 * np.sqrt(1 / 3 + 1 / 3) * 0.1
    assert (row["low"], row["high"]) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-6)
    assert table.attrs["left_out"] == {"s": ["C"]}

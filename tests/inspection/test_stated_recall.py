"""A stated share of planted errors is found."""

import numpy as np
import pytest

from skd2ace import MultiLabelNetClassifier, TabMClassifier
from skd2ace.inspection import LabelReport
from skd2ace.inspection._stated_recall import find_thresholds, plant_errors
from skd2ace.networks import MLP
from skd2ace.training import TrainingDynamics


def test_planted_errors_keep_frequencies():
    rng = np.random.RandomState(0)
    Y = (rng.uniform(size=(200, 4)) < [0.5, 0.1, 0.9, 0.01]).astype(float)
    Y[rng.uniform(size=Y.shape) < 0.1] = np.nan
    Y[:, 3] = 0
    Y[0, 3] = 1  # a value with a single cell
    planted, is_planted = plant_errors(Y, 0.2, rng)
    np.testing.assert_array_equal(np.isnan(planted), np.isnan(Y))
    np.testing.assert_array_equal(is_planted, (planted != Y) & ~np.isnan(Y))
    np.testing.assert_array_equal(np.nansum(planted, 0), np.nansum(Y, 0))
    for j in range(3):
        rarer = min((Y[:, j] == value).sum() for value in (0, 1))
        assert is_planted[:, j].sum() == 2 * max(round(0.2 * rarer), 1)
    assert not is_planted[:, 3].any()


@pytest.mark.parametrize(("recall", "found"), [(1.0, 10), (0.8, 8), (0.75, 8), (0.1, 1)])
def test_thresholds_by_counting(recall, found):
    """Ten planted cells of each value among hundred; at least the stated share lies above."""
    rng = np.random.RandomState(1)
    Y = np.repeat([[0.0, 1.0]], 100, axis=0)
    percentile = np.stack([rng.permutation(100), rng.permutation(100)], axis=1) / 100 + 0.01
    is_planted = np.zeros((100, 2), bool)
    is_planted[:10] = True
    for value, row in enumerate(find_thresholds(Y, percentile, is_planted, recall)):
        flagged = percentile[:, value] >= row["threshold"]
        assert flagged[:10].sum() == found
        assert row["n_planted"] == 10
        assert row["flagged"] == pytest.approx(flagged[10:].mean())


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 6))
    clean = (X[:, :4] + 0.5 * rng.normal(size=(500, 4)) > [0, 0.5, 1, -0.5]).astype(float)
    Y, wrong = plant_errors(clean, 0.1, np.random.RandomState(1))
    est = TabMClassifier(
        max_epochs=15, module__k=8, module__width=32, random_state=0, verbose=0
    ).fit(X, Y)
    return est, X, Y, wrong, LabelReport.from_estimator(est, X, Y)


@pytest.mark.parametrize("recall", [0.5, 0.8, 0.95])
def test_the_recall_is_that_which_was_stated(noisy, recall):
    est, X, _, wrong, report = noisy
    stated = report.with_recall(est, X, recall, share=0.2, random_state=0)
    # Not less, but for chance; and somewhat more, since planting makes a few wrong cells right.
    assert recall - 0.07 < stated.suspects[wrong].mean() < recall + 0.15
    for row in stated.thresholds:
        right = (row["observed"] == report.Y) & ~wrong
        assert stated.suspects[right].mean() <= row["flagged"] + 0.05
    assert report.suspects is not stated.suspects
    assert report.thresholds is None
    assert set(stated.to_frame()["kind"]) == {"suspected missing", "suspected spurious"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recall": 0}, "recall must be above 0 and at most 1, got 0"),
        ({"recall": 1.1}, "recall must"),
        ({"share": 0.0}, "share must be above 0"),
    ],
)
def test_what_cannot_be_stated(noisy, settings, message):
    est, X, _, _, report = noisy
    with pytest.raises(ValueError, match=message):
        report.with_recall(est, X, **settings)


def test_no_cell_to_plant():
    with pytest.raises(ValueError, match="no label has two of each value"):
        find_thresholds(np.zeros((4, 1)), np.ones((4, 1)), np.zeros((4, 1), bool), 0.8)


def test_rows_that_either_fit_held_out(noisy):
    """Not judged where this report has no prediction, and by it where the second fit has none."""
    _, X, Y, wrong, _ = noisy
    est = MultiLabelNetClassifier(
        MLP, callbacks=[TrainingDynamics()], max_epochs=20, train_split=0.3, verbose=0
    )
    # Without a seed each fit holds out others.
    report = LabelReport.from_estimator(est.fit(X, Y), X, Y)
    stated = report.with_recall(est, X, 0.9, share=0.2, random_state=0)
    held_out = np.isnan(report.score)
    assert 0.25 < held_out.mean() < 0.35
    assert not stated.suspects[held_out].any()
    assert stated.to_frame()["score"].notna().all()
    assert (stated.labels()["wrong"] <= 1).all()
    # Three cells in ten have no prediction of the second fit, of which none would be found.
    assert stated.suspects[wrong & ~held_out].mean() > 0.8

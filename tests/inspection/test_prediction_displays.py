"""Displays of predictions hold scikit-learn's numbers, label by label, and show them."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from matplotlib import pyplot as plt
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay

from skd2ace.inspection import LabelCurvesDisplay, ReliabilityDisplay


@pytest.fixture(scope="module")
def predictions():
    """Five labels of 80 rows: one is never there, and some cells are not known."""
    rng = np.random.default_rng(0)
    Y = (rng.uniform(size=(80, 5)) < [0.5, 0.3, 0.1, 0, 0.6]).astype(float)
    proba = np.clip(0.5 * Y + rng.uniform(0, 0.6, Y.shape), 0, 1)
    Y[rng.uniform(size=Y.shape) < 0.1] = np.nan
    return Y, proba


@pytest.mark.parametrize("kind", ["roc", "precision_recall"])
def test_curves_are_those_of_scikit_learn(predictions, kind):
    Y, proba = predictions
    display = LabelCurvesDisplay.from_predictions(Y, proba, kind=kind)
    assert display.curves[3] is None
    assert np.isnan(display.areas[3])
    for j in (0, 1, 2, 4):
        known = ~np.isnan(Y[:, j])
        truth, scores = Y[known, j], proba[known, j]
        if kind == "roc":
            peer = RocCurveDisplay.from_predictions(truth, scores, drop_intermediate=True)
            x, y, area = peer.fpr, peer.tpr, peer.roc_auc
        else:
            peer = PrecisionRecallDisplay.from_predictions(truth, scores)
            x, y, area = peer.recall, peer.precision, peer.average_precision
        np.testing.assert_allclose(display.curves[j], (x, y))
        assert display.areas[j] == pytest.approx(area)
        assert display.prevalence[j] == pytest.approx(truth.mean())
    plt.close("all")


def test_the_worst_labels_are_drawn_first(predictions):
    Y, proba = predictions
    names = ["a", "b", "a name of more than twenty letters", "never", "e"]
    display = LabelCurvesDisplay.from_predictions(pd.DataFrame(Y, columns=names), proba).plot()
    assert len(display.axes_) == 4
    titles = [ax.get_title(loc="left").split("\n") for ax in display.axes_]
    areas = sorted(display.areas[[0, 1, 2, 4]])
    assert [float(area) for _, area in titles] == pytest.approx(areas, abs=5e-4)
    assert {name for name, _ in titles} == {"a", "b", "a name of more than…", "e"}
    worst = np.nanargmin(display.areas)
    np.testing.assert_array_equal(display.axes_[0].lines[1].get_xdata(), display.curves[worst][0])
    assert len(display.plot(max_labels=2).axes_) == 2
    plt.close("all")


def test_many_labels_fill_a_grid():
    rng = np.random.default_rng(0)
    Y = rng.integers(2, size=(40, 174))
    display = LabelCurvesDisplay.from_predictions(Y, rng.uniform(size=Y.shape)).plot()
    assert len(display.axes_) == 20
    assert len(display.figure_.axes) == 20
    plt.close("all")


def test_reliability_by_counting(predictions):
    Y, proba = predictions
    display = ReliabilityDisplay.from_predictions(Y, proba, n_bins=4).plot()
    known = ~np.isnan(Y)
    bins = np.minimum((proba[known] * 4).astype(int), 3)
    np.testing.assert_array_equal(display.histogram, np.bincount(bins, minlength=4))
    for b in range(4):
        assert display.observed[b] == pytest.approx(Y[known][bins == b].mean())
        assert display.predicted[b] == pytest.approx(proba[known][bins == b].mean())
    np.testing.assert_array_equal(display.axes_[0].lines[1].get_ydata(), display.observed)
    plt.close("all")


@pytest.mark.parametrize("n_bins", [1, 2, 3, 5, 10])
def test_cells_are_counted_in_the_bins_of_the_curve(n_bins):
    """Of probabilities on the edges, the histogram was of other bins."""
    rng = np.random.default_rng(0)
    proba = rng.integers(0, 11, (200, 3)) / 10
    Y = (rng.uniform(size=proba.shape) < proba).astype(float)
    display = ReliabilityDisplay.from_predictions(Y, proba, n_bins=n_bins)
    assert len(display.histogram) == n_bins
    counted = display.histogram[display.histogram > 0]
    assert len(counted) == len(display.predicted)
    assert counted @ display.predicted == pytest.approx(proba.sum())
    assert counted @ display.observed == pytest.approx(Y.sum())


@pytest.mark.parametrize("make", [LabelCurvesDisplay, ReliabilityDisplay])
def test_rows_without_predictions_are_left_out(make, predictions):
    """Out-of-bag ones may have some."""
    Y, proba = predictions
    some = np.r_[proba[:50], np.full((30, 5), np.nan)]
    found = make.from_predictions(Y, some)
    assert repr(vars(found)) == repr(vars(make.from_predictions(Y[:50], proba[:50])))
    assert not np.isnan(Y[50:]).all()
    some[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        make.from_predictions(np.nan_to_num(Y), some)


@pytest.mark.parametrize(
    "make", [LabelCurvesDisplay.from_predictions, ReliabilityDisplay.from_predictions]
)
def test_what_is_no_prediction(make):
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(3, 3\)"):
        make(np.ones((3, 2)), np.ones((3, 3)))
    with pytest.raises(ValueError, match="0 or 1"):
        make(np.full((3, 2), 2), np.ones((3, 2)))
    for words in (np.array(["no", "yes"]), pd.Series(["no", "yes"], dtype=object)):
        with pytest.raises(ValueError, match=r"found 'no', 'yes'.*0 or 1"):
            make(words, np.array([0.2, 0.7]))
    sparse = make(sp.csr_array([[0, 1], [1, 0]]), np.array([[0.1, 0.9], [0.8, 0.3]]))
    dense = make([[0, 1], [1, 0]], np.array([[0.1, 0.9], [0.8, 0.3]]))
    assert repr(vars(sparse)) == repr(vars(dense))


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="kind must be one of"):
        LabelCurvesDisplay.from_predictions([[0], [1]], [[0], [1]], kind="lift")
    with pytest.raises(ValueError, match="2 names for 1 labels"):
        LabelCurvesDisplay.from_predictions([[0], [1]], [[0], [1]], label_names=["a", "b"])
    with pytest.raises(ValueError, match="no curve to draw"):
        LabelCurvesDisplay.from_predictions([[1], [1]], [[0], [1]]).plot()
    with pytest.raises(ValueError, match="no label that is known"):
        ReliabilityDisplay.from_predictions([[np.nan]], [[0.5]])

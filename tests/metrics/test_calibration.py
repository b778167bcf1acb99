"""The calibration error: against scikit-learn's curve, and by hand."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from skd2ace.metrics import expected_calibration_error


@pytest.mark.parametrize("n_bins", [1, 5, 15])
def test_bins_are_those_of_the_calibration_curve(n_bins):
    rng = np.random.default_rng(0)
    # With scores on the edges of bins.
    scores = np.round(rng.random((300, 3)), 1)
    # Too high and too low by turns, so that it matters what a bin holds.
    Y = (rng.random(scores.shape) < np.where(np.round(10 * scores) % 2, 0.8, 0.2)).astype(int)
    expected = []
    for y, p in zip(Y.T, scores.T, strict=True):
        observed, mean = calibration_curve(y, p, n_bins=n_bins)
        bins = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], p)
        share = np.unique(bins, return_counts=True)[1] / len(p)
        expected.append(share @ abs(observed - mean))
    errors = expected_calibration_error(Y, scores, n_bins=n_bins, average=None)
    np.testing.assert_allclose(errors, expected, rtol=1e-12)
    assert min(expected) > 0.01
    macro = expected_calibration_error(Y, scores, n_bins=n_bins)
    assert macro == pytest.approx(np.mean(expected))


def test_labels_do_not_make_up_for_each_other():
    Y, scores = [[1, 0], [1, 0]], [[0.5, 0.5], [0.5, 0.5]]
    assert expected_calibration_error(Y, scores) == 0.5


def test_labels_without_a_cell_that_counts_are_left_out():
    Y, scores = [[1, np.nan], [0, np.nan]], [[0.5, 0.3], [0.5, 0.9]]
    assert expected_calibration_error(Y, scores, average=None).tolist()[0] == 0
    assert np.isnan(expected_calibration_error(Y, scores, average=None)[1])
    assert expected_calibration_error(Y, scores) == 0


def test_mistakes_are_named():
    Y = [[1], [0]]
    with pytest.raises(ValueError, match=r"probabilities, in \[0, 1\]"):
        expected_calibration_error(Y, [[1.5], [0.2]])
    with pytest.raises(ValueError, match="average must be 'macro' or None, got 'micro'"):
        expected_calibration_error(Y, Y, average="micro")
    for n_bins in (0, 1.5, True):
        with pytest.raises(ValueError, match=f"n_bins must be .* got {n_bins}"):
            expected_calibration_error(Y, Y, n_bins=n_bins)

"""Thresholds for a metric: against all that there are, and what a function is called with."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sklearn.metrics

from skd2ace import metrics


@pytest.fixture(params=["distinct", "many ties"])
def small(request):
    """Three labels of which all combinations of thresholds can be tried."""
    rng = np.random.default_rng(6)
    Y = (rng.random((8, 3)) < [0.5, 0.3, 0.15]).astype(float)
    scores = np.where(Y == 1, 0.15, 0) + 0.8 * rng.random(Y.shape)
    weight = rng.random(Y.shape) * (rng.random(Y.shape) < 0.8)
    return Y, np.round(scores, 1) if request.param == "many ties" else scores, weight


def best_of_all(metric, Y, scores, weight):
    """The best value at any thresholds, by trying them all."""
    cuts = [[*np.unique(column), 2.0] for column in scores.T]
    answers = ((scores >= thresholds).astype(int) for thresholds in itertools.product(*cuts))
    sign = -1 if metric is metrics.hamming_loss else 1
    return sign * max(sign * metric(Y, answer, sample_weight=weight) for answer in answers)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["macro_f1", "micro_f1", "hamming_loss"])
def test_the_best_there_are(name, weighted, small):
    Y, scores, weight = small
    weight, metric = weight if weighted else None, getattr(metrics, name)
    expected = best_of_all(metric, Y, scores, weight)
    for given in (name, metric):
        thresholds = metrics.best_thresholds(Y, scores, metric=given, sample_weight=weight)
        value = metric(Y, scores >= thresholds, sample_weight=weight)
        assert value == pytest.approx(expected, rel=1e-12)
    at_default = metric(Y, scores >= 0.5, sample_weight=weight)
    assert value != pytest.approx(at_default, abs=0.01)


def list_highest(Y, scores, name):
    """Of all thresholds whose exact Micro- or Macro-F1 is the best, the highest of each label."""
    cuts = [
        [np.nextafter(column.max(), np.inf), *np.unique(column)[::-1]]
        if name == "micro_f1"
        else np.unique(column)[::-1]
        for column in scores.T
    ]
    positive = [int(column.sum()) for column in Y.T]
    best, highest = Fraction(-1), None
    for thresholds in itertools.product(*cuts):
        answer = scores >= thresholds
        hits, marked = (Y * answer).sum(axis=0).tolist(), answer.sum(axis=0).tolist()
        parts = list(zip(hits, marked, positive, strict=True))
        if name == "micro_f1":
            parts = [tuple(map(sum, zip(*parts, strict=True)))]
        value = sum(Fraction(2 * hit, mark + there) for hit, mark, there in parts)
        if value > best:
            best, highest = value, np.array(thresholds)
        elif value == best:
            highest = np.maximum(highest, thresholds)
    return highest


@pytest.mark.parametrize("name", ["macro_f1", "micro_f1"])
def test_the_highest_of_equally_good_ones(name):
    """They were told apart by the last bit, or by the way to the best rate."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        n, q = rng.integers(4, 12), rng.integers(1, 3)
        # A score above any other is reached by no default.
        Y, scores = rng.integers(2, size=(n, q)), 0.5 + rng.integers(1, 9, (n, q)) / 16
        Y[rng.integers(n)] = 1
        found = metrics.best_thresholds(Y, scores, metric=name)
        np.testing.assert_array_equal(found, list_highest(Y, scores, name))
    Y, scores = [[1, 0], [0, 0], [1, 1]], [[0.2, 1.0], [0.2, 0.5], [0.8, 0.1]]
    never = np.nextafter(1, 2)
    assert metrics.best_thresholds(Y, scores, metric="micro_f1").tolist() == [0.2, never]


def test_macro_f1_is_the_default(small):
    Y, scores, weight = small
    np.testing.assert_array_equal(
        metrics.best_thresholds(Y, scores, sample_weight=weight),
        metrics.best_f1_thresholds(Y, scores, sample_weight=weight),
    )


def samples_f1(Y_true, Y_pred):
    """As scikit-learn's with average="samples", and faster."""
    marked = (Y_true + Y_pred).sum(axis=1)
    return (2 * (Y_true * Y_pred).sum(axis=1) / np.maximum(marked, 1)).mean()


@pytest.mark.parametrize("metric", [samples_f1, sklearn.metrics.accuracy_score])
def test_no_label_alone_is_better_elsewhere(metric, small):
    Y, scores, _ = small
    thresholds = metrics.best_thresholds(Y, scores, metric=metric)
    value = metric(Y, (scores >= thresholds).astype(int))
    assert value > metric(Y, (scores >= 0.5).astype(int))
    for label in range(3):
        for cut in [*scores[:, label], 2.0]:
            other = thresholds.copy()
            other[label] = cut
            assert metric(Y, (scores >= other).astype(int)) <= value
    # By the search, what is found exactly: here they agree.
    found = metrics.best_thresholds(Y, scores, metric=lambda *pair: metrics.macro_f1(*pair))
    best = best_of_all(metrics.macro_f1, Y, scores, None)
    assert metrics.macro_f1(Y, scores >= found) == pytest.approx(best)


def test_of_many_scores_quantiles_are_tried(case):
    Y, scores = case
    calls = []

    def count(Y_true, Y_pred):
        calls.append(1)
        return metrics.micro_f1(Y_true, Y_pred)

    thresholds = metrics.best_thresholds(Y, scores, metric=count)
    assert len(calls) <= 52 + 10 * 4 * 52
    exact = metrics.best_thresholds(Y, scores, metric="micro_f1")
    at, best = (metrics.micro_f1(Y, scores >= cuts) for cuts in (thresholds, exact))
    assert metrics.micro_f1(Y, scores >= 0.5) < best - 0.02
    assert best - 0.01 <= at <= best


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    Y = (rng.random((400, 4)) < [0.5, 0.3, 0.1, 0.02]).astype(float)
    return Y, 0.1 * Y + 0.6 * rng.random(Y.shape)


METRICS = ["macro_f1", "micro_f1", "hamming_loss", samples_f1]


@pytest.mark.parametrize("metric", METRICS)
def test_instances_without_scores_are_not_there(metric, case):
    Y, scores = case
    gone = np.arange(len(Y)) % 3 == 0
    expected = metrics.best_thresholds(Y[~gone], scores[~gone], metric=metric)
    odd_Y, scores[gone] = Y.copy(), np.nan
    odd_Y[gone] = 7
    np.testing.assert_array_equal(metrics.best_thresholds(odd_Y, scores, metric=metric), expected)
    scores[1, 0] = np.nan
    with pytest.raises(ValueError, match="contain NaN"):
        metrics.best_thresholds(Y, scores, metric=metric)
    nothing = metrics.best_thresholds(Y, np.full(Y.shape, np.nan), metric=metric, default=0.3)
    np.testing.assert_array_equal(nothing, 0.3)


@pytest.mark.parametrize("name", ["macro_f1", "micro_f1", "hamming_loss"])
def test_a_label_without_positives(name):
    Y = [[1, 0, 0], [0, 0, 0], [1, 0, 0]]
    scores = [[0.9, 0.4, 0.8], [0.1, 0.2, 0.6], [0.7, 0.3, 0.1]]
    thresholds = metrics.best_thresholds(Y, scores, metric=name)
    highest = 0.5 if name == "macro_f1" else np.nextafter(0.8, 1)
    assert thresholds.tolist() == [0.7, 0.5, highest]


def test_what_a_function_is_called_with(case):
    Y, scores = case
    seen = []

    def note(Y_true, Y_pred, **weights):
        seen.append((Y_true, Y_pred, weights))
        return 0.5

    def call(Y, scores=scores, **weights):
        metrics.best_thresholds(Y, scores, metric=note, **weights)
        return seen[-1]

    rng = np.random.default_rng(1)
    truth, predicted, weights = call(Y)
    np.testing.assert_array_equal(truth, Y)
    assert set(np.unique(predicted)) == {0, 1}
    assert weights == {}
    # Twice the same weight everywhere is none.
    assert call(Y, sample_weight=np.full(Y.shape, 2.0))[2] == {}
    hidden = np.where(rng.random(Y.shape) < 0.2, np.nan, Y)
    truth, _, weights = call(hidden)
    np.testing.assert_array_equal(truth, hidden[~np.isnan(hidden).all(axis=1)])
    assert weights == {}
    of_rows = rng.random(len(Y))
    np.testing.assert_array_equal(call(Y, sample_weight=of_rows)[2]["sample_weight"], of_rows)
    of_cells = rng.random(Y.shape)
    np.testing.assert_array_equal(call(Y, sample_weight=of_cells)[2]["sample_weight"], of_cells)
    assert call(Y[:, 0], scores[:, 0])[0].shape == call(Y[:, :1], scores[:, :1])[1].shape == (400,)


@pytest.mark.parametrize("metric", ["macro_auc", "f1", None])
def test_other_metrics_are_refused(metric, case):
    with pytest.raises(ValueError, match="must be one of micro_f1, macro_f1, hamming_loss, or"):
        metrics.best_thresholds(*case, metric=metric)

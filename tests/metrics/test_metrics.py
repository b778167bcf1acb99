"""Metrics against scikit-learn label by label, and by hand."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.metrics
from sklearn.metrics import f1_score, roc_auc_score

from skd2ace import metrics


@pytest.fixture(params=["distinct", "many ties"])
def case(request):
    rng = np.random.default_rng(0)
    Y = (rng.random((80, 6)) < 0.3).astype(int)
    Y[:, 2], Y[:, 4] = 0, 1
    scores = rng.random((80, 6))
    return Y, np.round(scores, 1) if request.param == "many ties" else scores


def test_area_per_label_is_scikit_learns(case):
    Y, scores = case
    areas = metrics.roc_auc_per_label(Y, scores)
    assert np.isnan(areas[[2, 4]]).all()
    for label in (0, 1, 3, 5):
        assert areas[label] == pytest.approx(roc_auc_score(Y[:, label], scores[:, label]))


def test_macro_auc_leaves_out_labels_of_one_class(case):
    Y, scores = case
    kept = [0, 1, 3, 5]
    expected = roc_auc_score(Y[:, kept], scores[:, kept], average="macro")
    assert metrics.macro_auc(Y, scores) == pytest.approx(expected)
    assert np.isnan(metrics.macro_auc(Y[:, [2]], scores[:, [2]]))


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_matrix, pd.DataFrame, np.ndarray.tolist])
def test_forms_of_labels(case, form):
    Y, scores = case
    assert metrics.macro_auc(form(Y), scores) == metrics.macro_auc(Y, scores)
    assert metrics.one_error(form(Y), scores) == metrics.one_error(Y, scores)


def test_one_label_as_a_vector():
    assert metrics.macro_auc([0, 1, 1], [0.1, 0.2, 0.3]) == 1
    assert metrics.one_error([0, 1, 1], [0.1, 0.2, 0.3]) == pytest.approx(1 / 3)


def test_classes_of_a_vector():
    scores = [0.1, 0.2, 0.3]
    for y in ([-1, 1, 1], ["no", "yes", "yes"]):
        assert metrics.macro_auc(y, scores) == 1
    with pytest.raises(ValueError, match="zeros and ones"):
        metrics.macro_auc([[2, 0], [0, 2]], [[0.5, 0.5], [0.5, 0.5]])


def test_f1_of_a_vector_whose_prediction_has_one_class():
    for y, negative in (([-1, 1, -1, 1], -1), (["a", "b", "a", "b"], "a"), ([0, 1, 0, 1], 0)):
        assert metrics.macro_f1(y, [negative] * 4) == metrics.micro_f1(y, [negative] * 4) == 0
        assert metrics.macro_f1(y, y) == 1
    with pytest.raises(ValueError, match="two classes"):
        metrics.macro_f1(["a", "a"], ["a", "a"])


def test_one_error_by_hand():
    Y = [[1, 0, 0], [0, 1, 1], [0, 0, 0], [0, 0, 1]]
    scores = [[0.9, 0.8, 0.1], [0.9, 0.8, 0.1], [0.9, 0.8, 0.1], [0.5, 0.2, 0.5]]
    assert metrics.one_error(Y, scores) == 0.75


def test_f1(case):
    Y, scores = case
    predicted = (scores > 0.6).astype(int)
    predicted[:, 2] = 0
    assert metrics.macro_f1(Y, predicted) == f1_score(
        Y, predicted, average="macro", zero_division=0
    )
    per_label = [metrics.macro_f1(Y[:, [j]], predicted[:, [j]]) for j in range(6)]
    assert per_label[2] == 0
    tp = (Y & predicted).sum()
    assert metrics.micro_f1(Y, predicted) == pytest.approx(2 * tp / (Y.sum() + predicted.sum()))


def test_thresholds_reach_the_best_f1_there_is(case):
    Y, scores = case
    thresholds = metrics.best_f1_thresholds(Y, scores)
    assert thresholds[2] == 0.5
    for label in (0, 1, 3, 4, 5):
        candidates = {t: f1_score(Y[:, label], scores[:, label] >= t) for t in scores[:, label]}
        best = max(candidates.values())
        assert candidates[thresholds[label]] == pytest.approx(best)
        assert thresholds[label] == max(t for t, f1 in candidates.items() if f1 == best)


@pytest.mark.parametrize(
    "metric",
    [
        metrics.roc_auc_per_label,
        metrics.macro_auc,
        metrics.one_error,
        metrics.best_f1_thresholds,
    ],
)
def test_mistakes_are_named(metric):
    Y = [[1, 0, 0], [0, 1, 1]]
    for n, q in [(2, 2), (2, 4), (1, 3), (3, 3)]:
        with pytest.raises(ValueError, match=rf"shape \(2, 3\) and the scores \({n}, {q}\)"):
            metric(Y, np.full((n, q), 0.5))
    with pytest.raises(ValueError, match="NaN"):
        metric(Y, [[0.5, 0.1, np.nan], [0.2, 0.3, 0.4]])


@pytest.mark.parametrize("weight", [None, "instances", "some 0"])
def test_metrics_of_scikit_learn_have_its_bits(case, weight):
    Y, scores = case
    if weight is not None:
        weight = np.random.default_rng(1).random(len(Y)) * (1 if weight == "instances" else Y[:, 0])
    for name in (
        "coverage_error",
        "hamming_loss",
        "label_ranking_average_precision_score",
        "label_ranking_loss",
    ):
        answer = (scores > 0.6).astype(int) if name == "hamming_loss" else scores
        expected = getattr(sklearn.metrics, name)(Y, answer, sample_weight=weight)
        assert getattr(metrics, name)(Y, answer, sample_weight=weight) == expected


def test_labels_of_a_matrix_are_zeros_and_ones(case):
    Y, scores = case
    for wrong, found in (
        (2 * Y, "2"),
        (Y - 0.5, r"-0\.5, 0\.5"),
        (np.where(Y, "a", "b"), "'a', 'b'"),
    ):
        with pytest.raises(ValueError, match=f"Labels must hold zeros and ones; found {found}"):
            metrics.macro_auc(wrong, scores)
        with pytest.raises(ValueError, match=f"Labels must hold zeros and ones; found {found}"):
            metrics.macro_f1(wrong, wrong)


def test_mean_average_precision_is_scikit_learns(case):
    Y, scores = case
    # A label that nothing has is left out; scikit-learn gives it 0, with a warning.
    kept = [0, 1, 3, 4, 5]
    weight = np.random.default_rng(1).random(len(Y))
    for params in ({}, {"sample_weight": weight}):
        expected = sklearn.metrics.average_precision_score(
            Y[:, kept], scores[:, kept], average="macro", **params
        )
        assert metrics.mean_average_precision(Y, scores, **params) == pytest.approx(expected)
    assert np.isnan(metrics.mean_average_precision(Y[:, [2]], scores[:, [2]]))


def test_mean_average_precision_by_hand():
    """Precision at the rank of each relevant instance, averaged."""
    Y, scores = [[1, 0], [0, 1], [1, 0]], [[0.9, 0.1], [0.8, 0.9], [0.7, 0.2]]
    assert metrics.mean_average_precision(Y, scores) == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)

"""Weights and unknown labels: against repetition, scikit-learn label by label, and plain loops."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from skd2ace import metrics
from skd2ace.metrics._records import METRICS

FUNCTIONS = {name: getattr(metrics, name) for name in METRICS} | {
    "roc_auc_per_label": metrics.roc_auc_per_label,
    "best_f1_thresholds": metrics.best_f1_thresholds,
    "best_thresholds": metrics.best_thresholds,
    "error_per_label": lambda *args, **params: metrics.expected_calibration_error(
        *args, average=None, **params
    ),
}
INSTANCE_WISE = (
    "label_ranking_average_precision_score",
    "label_ranking_loss",
    "coverage_error",
    "one_error",
)


def answer_of(name, scores):
    predicts = name in METRICS and METRICS[name].response == "predict"
    return (scores > 0.5).astype(int) if predicts else scores


@pytest.fixture(params=["distinct", "many ties"])
def case(request):
    rng = np.random.default_rng(3)
    Y = (rng.random((40, 5)) < 0.4).astype(float)
    scores = np.where(Y == 1, 0.2, 0) + 0.8 * rng.random(Y.shape)
    return Y, np.round(scores, 1) if request.param == "many ties" else scores


@pytest.fixture
def cell_weight():
    """With cells, an instance and a label that count nothing."""
    rng = np.random.default_rng(4)
    weight = rng.random((40, 5)) * (rng.random((40, 5)) < 0.7)
    weight[7], weight[:, 3] = 0, 0
    return weight


@pytest.mark.parametrize("name", FUNCTIONS)
def test_integer_weights_are_repetition(name, case):
    Y, scores = case
    weight = np.random.default_rng(0).integers(0, 4, len(Y))
    answer = answer_of(name, scores)
    repeated = FUNCTIONS[name](np.repeat(Y, weight, axis=0), np.repeat(answer, weight, axis=0))
    weighted = FUNCTIONS[name](Y, answer, sample_weight=weight)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-12)
    assert not np.array_equal(weighted, FUNCTIONS[name](Y, answer))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_unknown_is_weight_0_whatever_the_cell_holds(name, case, cell_weight):
    Y, scores = case
    answer = answer_of(name, scores).astype(float)
    function, hidden = FUNCTIONS[name], cell_weight == 0
    known = np.where(hidden, np.nan, Y)
    np.testing.assert_array_equal(
        function(known, answer), function(Y, answer, sample_weight=(~hidden).astype(float))
    )
    expected = function(Y, answer, sample_weight=cell_weight)
    for wrong in (np.nan, -7.0, 1.0, 1e30):
        odd_Y, odd_answer = np.where(hidden, wrong, Y), np.where(hidden, wrong, answer)
        np.testing.assert_array_equal(
            function(odd_Y, odd_answer, sample_weight=cell_weight), expected
        )
    words = np.where(hidden, "?", Y.astype(object))
    np.testing.assert_array_equal(function(words, answer, sample_weight=cell_weight), expected)
    assert not np.array_equal(expected, function(Y, answer))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_instance_of_weight_0_may_hold_anything(name, case):
    Y, scores = case
    answer = answer_of(name, scores).astype(float)
    weight = np.random.default_rng(1).random(len(Y))
    weight[:9] = 0
    odd_Y, odd_answer = Y.copy(), answer.copy()
    odd_Y[:9], odd_answer[:9] = 5, np.nan
    expected = FUNCTIONS[name](Y, answer, sample_weight=weight)
    np.testing.assert_array_equal(
        FUNCTIONS[name](odd_Y, odd_answer, sample_weight=weight), expected
    )
    np.testing.assert_allclose(
        expected, FUNCTIONS[name](Y[9:], answer[9:], sample_weight=weight[9:]), rtol=1e-12
    )


def test_areas_are_scikit_learns_label_by_label(case, cell_weight):
    Y, scores = case
    areas = metrics.roc_auc_per_label(Y, scores, sample_weight=cell_weight)
    for label in (0, 1, 2, 4):
        w = cell_weight[:, label]
        expected = roc_auc_score(Y[:, label], scores[:, label], sample_weight=w)
        assert areas[label] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(areas[3])
    mean = np.mean(areas[[0, 1, 2, 4]])
    assert metrics.macro_auc(Y, scores, sample_weight=cell_weight) == pytest.approx(mean)


def test_areas_of_perfect_and_infinite_scores():
    weight = np.array([0.1, 0.7, 0.3, 1e-300])
    y, scores = [0, 0, 1, 1], [-np.inf, 0, 1, np.inf]
    assert metrics.macro_auc(y, scores, sample_weight=weight) == 1
    assert metrics.macro_auc(y, scores[::-1], sample_weight=weight) == 0


def test_f1_is_scikit_learns_label_by_label(case, cell_weight):
    Y, scores = case
    predicted = (scores > 0.5).astype(float)
    per_label = [
        f1_score(Y[:, label], predicted[:, label], sample_weight=cell_weight[:, label])
        for label in (0, 1, 2, 4)
    ]
    macro = metrics.macro_f1(Y, predicted, sample_weight=cell_weight)
    assert macro == pytest.approx(np.mean(per_label), rel=1e-12)
    micro = metrics.micro_f1(Y, predicted, sample_weight=cell_weight)
    flat = f1_score(Y.ravel(), predicted.ravel(), sample_weight=cell_weight.ravel())
    assert micro == pytest.approx(flat, rel=1e-12)


def test_hamming_loss_counts_cells(case, cell_weight):
    Y, scores = case
    predicted = (scores > 0.5).astype(float)
    cells = zip(cell_weight.flat, Y.flat, predicted.flat, strict=True)
    wrong = sum(w for w, y, p in cells if y != p)
    loss = metrics.hamming_loss(Y, predicted, sample_weight=cell_weight)
    assert loss == pytest.approx(wrong / cell_weight.sum(), rel=1e-12)


def test_thresholds_reach_the_best_weighted_f1(case, cell_weight):
    Y, scores = case
    thresholds = metrics.best_f1_thresholds(Y, scores, default=0.25, sample_weight=cell_weight)
    assert thresholds[3] == 0.25
    for label in (0, 1, 2, 4):
        y, s, w = Y[:, label], scores[:, label], cell_weight[:, label]
        f1 = {t: f1_score(y, s >= t, sample_weight=w) for t in s[w > 0]}
        assert f1[thresholds[label]] == pytest.approx(max(f1.values()), rel=1e-12)


def measure_instance(name, y, scores):
    """One instance, of the labels that count, from the definition."""
    labels = range(len(y))
    positive, negative = [i for i in labels if y[i]], [i for i in labels if not y[i]]
    if name == "one_error":
        top = max(labels, key=lambda i: (scores[i], -i))
        return float(not y[top])
    if name == "coverage_error":
        lowest = min((scores[i] for i in positive), default=np.inf)
        return sum(scores[i] >= lowest for i in labels)
    if name == "label_ranking_loss":
        wrong = [scores[i] <= scores[j] for i in positive for j in negative]
        return np.mean(wrong) if wrong else 0.0
    if not positive or not negative:
        return 1.0
    precisions = [
        sum(scores[j] >= scores[i] for j in positive) / sum(scores[j] >= scores[i] for j in labels)
        for i in positive
    ]
    return np.mean(precisions)


@pytest.mark.parametrize("name", INSTANCE_WISE)
@pytest.mark.parametrize("weighted", [True, False])
def test_instance_wise_by_plain_loops(name, weighted, case, cell_weight):
    Y, scores = case
    # As logits are, so that nothing put into unknown cells happens to rank last.
    scores = scores - 1
    known = np.where(cell_weight > 0, Y, np.nan)
    total = count = 0.0
    for y, s, w in zip(Y, scores, cell_weight, strict=True):
        kept = w > 0
        if kept.any():
            mean = w[kept].mean() if weighted else 1.0
            total += mean * measure_instance(name, y[kept], s[kept])
            count += mean
    weight = cell_weight if weighted else None
    value = FUNCTIONS[name](known, scores, sample_weight=weight)
    assert value == pytest.approx(total / count, rel=1e-12)


@pytest.mark.parametrize("name", INSTANCE_WISE)
def test_infinite_scores_stand_above_what_is_unknown(name):
    Y = [[1, 0, np.nan], [0, np.nan, 1]]
    low = [[-np.inf, 0.5, 0.7], [-np.inf, 0.5, 0.7]]
    finite = [[-9, 0.5, 0.7], [-9, 0.5, 0.7]]
    assert FUNCTIONS[name](Y, low) == FUNCTIONS[name](Y, finite)


@pytest.mark.parametrize("name", INSTANCE_WISE)
def test_infinite_scores_have_an_order_where_all_is_known(name, case):
    Y, scores = case
    highest = scores == scores.max(axis=1, keepdims=True)
    lowest = scores == scores.min(axis=1, keepdims=True)
    infinite = np.where(highest, np.inf, np.where(lowest, -np.inf, scores))
    assert FUNCTIONS[name](Y, infinite) == FUNCTIONS[name](Y, scores)


@pytest.mark.parametrize("name", METRICS)
def test_where_nothing_counts_there_is_no_value(name):
    ones = np.ones((3, 2))
    assert np.isnan(FUNCTIONS[name](np.full((3, 2), np.nan), ones))
    assert np.isnan(FUNCTIONS[name](ones, ones, sample_weight=np.zeros(3)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_mistakes_in_weights_are_named(name, case):
    Y, scores = case
    answer = answer_of(name, scores)
    for shape in [(39,), (40, 4), (40, 1), (5,), ()]:
        with pytest.raises(ValueError, match=r"sample_weight must have shape \(40,\) or \(40, 5"):
            FUNCTIONS[name](Y, answer, sample_weight=np.ones(shape))
    for wrong, message in {-1: "not be negative", np.nan: "NaN", np.inf: "infinity"}.items():
        with pytest.raises(ValueError, match=f"sample_weight.* {message}"):
            FUNCTIONS[name](Y, answer, sample_weight=np.r_[wrong, np.ones(39)])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_predicted_is_known(name, case):
    Y, scores = case
    answer = answer_of(name, scores).astype(float)
    answer[0, 0] = np.nan
    with pytest.raises(ValueError, match="contain NaN"):
        FUNCTIONS[name](Y, answer)
    Y[0, 0] = np.nan
    assert np.isfinite(FUNCTIONS[name](Y, answer)).all()

"""Every metric takes every container, one label too, and every scorer passes weights on."""

from copy import copy

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, KFold, cross_validate

from skd2ace import metrics
from skd2ace._containers import read_container
from skd2ace.metrics._records import METRICS
from skd2ace.neighbors import MLkNN

from .test_weights import FUNCTIONS, answer_of

FORMS = {
    **{
        f"{form}_{kind}": getattr(sp, f"{form}_{kind}")
        for form in ("csr", "csc", "coo", "lil")
        for kind in ("array", "matrix")
    },
    "list": np.ndarray.tolist,
    "float32": lambda Y: Y.astype(np.float32),
    "tensor": torch.from_numpy,
    "frame": pd.DataFrame,
    "masked": np.ma.asarray,
    "sparse frame": lambda Y: pd.DataFrame.sparse.from_spmatrix(sp.csr_array(Y)),
}
LABEL_FORMS = FORMS | {
    "bool": lambda Y: Y.astype(bool),
    "nullable": lambda Y: pd.DataFrame(Y.astype(int)).astype("Int64"),
    "category": lambda Y: pd.DataFrame(Y.astype(int)).astype("category"),
}
UNKNOWN_FORMS = {
    "list with None": lambda Y: [[None if y != y else int(y) for y in row] for row in Y],
    "nullable": lambda Y: pd.DataFrame(Y).astype("Int64"),
    "masked": lambda Y: np.ma.masked_array(np.nan_to_num(Y, nan=-5), np.isnan(Y)),
    "csr with NaN": sp.csr_array,
    "tensor": torch.from_numpy,
}


@pytest.fixture(params=[4, 1])
def case(request):
    rng = np.random.default_rng(0)
    Y = (rng.random((30, request.param)) < 0.4).astype(float)
    return Y, rng.random(Y.shape)


@pytest.mark.parametrize("form", LABEL_FORMS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_containers(name, form, case):
    Y, scores = case
    answer, function, make = answer_of(name, scores), FUNCTIONS[name], LABEL_FORMS[form]
    np.testing.assert_array_equal(function(make(Y), answer), function(Y, answer))
    if form in FORMS:
        changed = make(answer.astype(float))
        seen = read_container(changed)
        seen = seen.toarray() if sp.issparse(seen) else seen
        np.testing.assert_array_equal(function(Y, changed), function(Y, seen))


@pytest.mark.parametrize("form", UNKNOWN_FORMS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_containers_of_unknown_labels(name, form, case):
    Y, scores = case
    Y[::3, 0] = np.nan
    answer, function = answer_of(name, scores), FUNCTIONS[name]
    np.testing.assert_array_equal(function(UNKNOWN_FORMS[form](Y), answer), function(Y, answer))


@pytest.mark.parametrize("make", [list, pd.Series, torch.tensor])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_containers_of_weights(name, make, case):
    Y, scores = case
    answer, weight = answer_of(name, scores), np.arange(30.0)
    np.testing.assert_array_equal(
        FUNCTIONS[name](Y, answer, sample_weight=make(weight)),
        FUNCTIONS[name](Y, answer, sample_weight=np.tile(weight[:, None], Y.shape[1])),
    )


@pytest.mark.parametrize("shape", [(-1, 1), (-1,)])
def test_one_label_by_hand(shape):
    """Pairs there are none, and a single relevant label is the first."""
    y, scores = np.array([1, 0, 0, 1]).reshape(shape), np.array([0.9, 0.8, 0.1, 0.2]).reshape(shape)
    weight = [1, 2, 3, 2]
    expected = {
        "label_ranking_average_precision_score": (1, 1),
        "label_ranking_loss": (0, 0),
        "coverage_error": (0.5, 3 / 8),
        "one_error": (0.5, 5 / 8),
        "hamming_loss": (0.5, 0.5),
    }
    for name, (plain, weighted) in expected.items():
        answer = answer_of(name, scores)
        assert FUNCTIONS[name](y, answer) == plain
        assert FUNCTIONS[name](y, answer, sample_weight=weight) == pytest.approx(weighted)


@pytest.mark.parametrize("function", [metrics.macro_f1, metrics.micro_f1])
def test_words_with_unknown_ones(function):
    y = ["yes", None, "no", "yes"]
    assert function(y, ["yes", "no", "no", "no"]) == pytest.approx(2 / 3)
    assert metrics.macro_auc(np.array(y, dtype=object), [0.9, 0.1, 0.3, 0.2]) == 0.5


class Linear(ClassifierMixin, BaseEstimator):
    """Scores that are features, so that a test knows them."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, Y):
        n_labels = Y.shape[1]
        self.classes_ = np.tile([0, 1], (n_labels, 1))
        return self

    def predict_proba(self, X):
        return np.clip(X[:, : len(self.classes_)] + self.shift, 0, 1)

    def predict(self, X):
        return (self.predict_proba(X) > 0.5).astype(int)


@pytest.mark.parametrize("labels", ["plain", "sparse", "unknown", "one"])
@pytest.mark.parametrize("name", METRICS)
def test_scorers_pass_weights_through_searches(name, labels):
    rng = np.random.default_rng(0)
    X = rng.random((60, 4))
    Y = (X + 0.5 * rng.standard_normal(X.shape) > 0.6).astype(float)
    weight = rng.integers(0, 3, Y.shape).astype(float)
    if labels == "one":
        Y, weight = Y[:, :1], weight[:, 0]
    if labels == "unknown":
        Y[rng.random(Y.shape) < 0.2] = np.nan
    given = sp.csr_array(Y) if labels == "sparse" else Y
    # scikit-learn's searches take sparse arrays, cross_validate frames of them alone.
    framed = pd.DataFrame.sparse.from_spmatrix(given) if labels == "sparse" else Y
    record, folds = METRICS[name], KFold(3)
    expected = []
    for _, test in folds.split(X):
        answer = getattr(Linear().fit(X, Y), record.response)(X[test])
        value = record.function(Y[test], answer, sample_weight=weight[test])
        expected.append(value if record.higher_is_better else -value)
    shared = getattr(metrics, f"{name}_scorer")
    scorer = copy(shared)
    with config_context(enable_metadata_routing=True):
        scorer.set_score_request(sample_weight=True)
        params = {"sample_weight": weight}
        found = cross_validate(
            Linear(), X, framed, cv=folds, scoring=scorer, params=params, error_score="raise"
        )
        search = GridSearchCV(Linear(), {"shift": [0.0, 0.1]}, scoring=scorer, cv=folds)
        search.fit(X, given, **params)
        # A copy asks for itself alone.
        assert shared.get_metadata_routing().score.requests.get("sample_weight") is None
    assert found["test_score"].tolist() == expected
    assert search.cv_results_["mean_test_score"][0] == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("shape", [(-1, 1), (-1,)])
@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_scorers_of_one_label(name, shape):
    rng = np.random.default_rng(0)
    X = rng.random((60, 4))
    y = (X[:, 0] + 0.3 * rng.standard_normal(60) > 0.5).astype(int)
    weight, record = rng.random(60), METRICS[name]
    est = MLkNN(3).fit(X, y.reshape(shape))
    # Of a vector of classes predict_proba has a column for each of them.
    answer = getattr(est, record.response)(X).reshape(60, -1)[:, -1]
    expected = record.function(y, answer, sample_weight=weight)
    score = getattr(metrics, f"{name}_scorer")(est, X, y.reshape(shape), sample_weight=weight)
    assert score == (expected if record.higher_is_better else -expected)

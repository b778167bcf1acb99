"""Pipelines, searches and scorers of scikit-learn."""

from inspect import isclass

import numpy as np
import pytest
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skd2ace import metrics, selection
from skd2ace.metrics import macro_auc_scorer
from skd2ace.selection import D2ACE, BatchSelector, HardImb

CV = KFold(3, shuffle=True, random_state=0)
SCORERS = [getattr(metrics, name) for name in metrics.__all__ if name.endswith("_scorer")]


@pytest.fixture
def balanced():
    """Every label has both classes in every fold: scikit-learn's own scorers need that."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 8))
    return X, (X @ rng.normal(size=(8, 4)) > 0).astype(int)


def assert_finite_scores(est, X, Y, scorings):
    """Each scorer scores every fold; a fold is fitted once for all of them."""
    scorers = {str(scoring): scoring for scoring in scorings}
    result = cross_validate(est, X, Y, cv=CV, scoring=scorers, error_score="raise")
    scores = {name: result[f"test_{name}"] for name in scorers}
    assert len(scores) == len(scorings)
    assert np.isfinite(list(scores.values())).all(), scores


def test_grid_search_in_two_processes(make_clif, data):
    grid = {"batch_selector__n_neighbors": [2, 4], "lr": [0.01, 0.05]}
    search = GridSearchCV(make_clif(), grid, scoring=macro_auc_scorer, cv=CV, n_jobs=2)
    search.fit(*data)
    assert search.best_estimator_.batch_selector_.n_neighbors in (2, 4)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    alone = GridSearchCV(make_clif(), grid, scoring=macro_auc_scorer, cv=CV).fit(*data)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )


def test_grid_over_selectors_compares_different_models(make_clif, data):
    grid = [
        {"batch_selector": [None]},
        {"batch_selector": [D2ACE(warmup_epochs=1)], "batch_selector__n_neighbors": [1, 6]},
        {"batch_selector": [D2ACE.reference(warmup_epochs=1, mix_epochs=(1, 3))]},
    ]

    def last_loss(est, X, y):
        return -est.history[-1, "train_loss"]

    est = make_clif(max_epochs=8, train_split=None)
    search = GridSearchCV(est, grid, scoring=last_loss, cv=CV).fit(*data)
    assert len(set(search.cv_results_["mean_test_score"])) == 4
    kinds = [type(params["batch_selector"]) for params in search.cv_results_["params"]]
    assert kinds == [type(None), D2ACE, D2ACE, D2ACE]


def test_any_selector_can_take_the_place_of_another(make_two, data):
    selectors = [
        cls(warmup_epochs=1) if cls().get_params().get("warmup_epochs") else cls()
        for name in selection.__all__
        if isclass(cls := getattr(selection, name)) and BatchSelector in cls.__mro__[1:]
    ]
    est = make_two(max_epochs=3)
    search = GridSearchCV(est, {"batch_selector": selectors}, scoring=macro_auc_scorer, cv=CV).fit(
        *data
    )
    assert len(selectors) >= 9
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    est.set_params(batch_selector=HardImb(), batch_selector__warmup_epochs=1, max_epochs=3)
    est.fit(*data)
    assert est.batch_selector_.probabilities_ is not None


def test_pipeline(make_two, data):
    X, Y = data
    pipeline = make_pipeline(MinMaxScaler(), make_two())
    name = pipeline.steps[-1][0]
    pipeline.set_params(**{f"{name}__batch_selector__n_neighbors": 2}).fit(X, Y)
    assert pipeline[-1].batch_selector_.n_neighbors == 2
    assert pipeline.predict(X).shape == Y.shape
    assert 0 <= pipeline.score(X, Y) <= 1


def test_cross_val_predict(make_two, data):
    X, Y = data
    proba = cross_val_predict(make_two(), X, Y, cv=CV, method="predict_proba")
    assert proba.shape == Y.shape
    expected = np.empty_like(proba)
    for train, test in CV.split(X):
        expected[test] = make_two().fit(X[train], Y[train]).predict_proba(X[test])
    np.testing.assert_allclose(proba, expected)


def test_scorers_of_scikit_learn(make_two, balanced):
    est = make_two(max_epochs=20, train_split=None)
    assert_finite_scores(est, *balanced, ["roc_auc", "f1_macro", "average_precision", "accuracy"])


def test_scorers_of_ours(make_two, data):
    assert_finite_scores(make_two(), *data, SCORERS)


def test_scorers_for_a_vector(make_two, data):
    X, Y = data
    scorings = ["roc_auc", "f1", "average_precision", macro_auc_scorer]
    assert_finite_scores(make_two(), X, Y[:, 0], scorings)


@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_scorers_for_one_column(make_two, data):
    X, Y = data
    assert_finite_scores(make_two(), X, Y[:, :1], ["f1_macro", macro_auc_scorer])


def test_two_labels(make_two, data):
    X, Y = data
    scores = cross_val_score(make_two(), X, Y[:, :2], cv=CV, scoring="roc_auc")
    assert np.isfinite(scores).all()

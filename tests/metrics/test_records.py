"""One record per metric: what is made of it says the same, and old names lead to it."""

import inspect
import pickle

import pytest

from skd2ace import metrics
from skd2ace.metrics._records import METRICS, RENAMED
from skd2ace.neighbors import MLkNN

OLD_NAMES = {
    f"{old}{part}": f"{new}{part}" for old, new in RENAMED.items() for part in ("", "_scorer")
}


def test_every_metric_of_one_number_has_a_record():
    functions = {name for name in metrics.__all__ if not name.endswith("_scorer")}
    others = {"best_f1_thresholds", "best_thresholds", "roc_auc_per_label"}
    assert functions == {*METRICS} | others
    for name, metric in METRICS.items():
        assert metric.function is getattr(metrics, name)


def test_scorers_are_those_of_the_metrics():
    scorers = {name for name in dir(metrics) if name.endswith("_scorer")}
    assert scorers == {f"{name}_scorer" for name in METRICS}
    assert scorers <= set(metrics.__all__)


@pytest.mark.parametrize("name", METRICS)
def test_better_predictions_score_higher(name, data):
    """The direction on record, by what is known to be better; the response, by its values."""
    X, Y = data
    scorer = getattr(metrics, f"{name}_scorer")
    good, bad = MLkNN(3).fit(X, Y), MLkNN(3).fit(X, 1 - Y)
    assert scorer(good, X, Y) > scorer(bad, X, Y)
    metric = METRICS[name]
    value = metric.function(Y, getattr(good, metric.response)(X))
    assert scorer(good, X, Y) == (value if metric.higher_is_better else -value)
    # As the name of the second parameter has it.
    second = list(inspect.signature(metric.function).parameters)[1].lower()
    assert second == {"predict_proba": "y_score", "predict": "y_pred"}[metric.response]


@pytest.mark.parametrize("name", METRICS)
def test_scorers_are_pickled(name, data):
    X, Y = data
    scorer = getattr(metrics, f"{name}_scorer")
    est = MLkNN(3).fit(X, Y)
    assert pickle.loads(pickle.dumps(scorer))(est, X, Y) == scorer(est, X, Y)


@pytest.mark.parametrize("old", OLD_NAMES)
def test_old_names(old):
    new = OLD_NAMES[old]
    told = rf"skd2ace\.metrics\.{old} is called skd2ace\.metrics\.{new} since version 0\.2"
    with pytest.warns(FutureWarning, match=told) as caught:
        assert getattr(metrics, old) is getattr(metrics, new)
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(FutureWarning, match=told):
        exec(f"from skd2ace.metrics import {old}", names := {})
    assert names[old] is getattr(metrics, new)
    assert old not in dir(metrics)
    assert old not in metrics.__all__


def test_names_that_never_were():
    for name in ("rank_loss", "coverage_scorers", "_scorer", "coverage_scorer_scorer"):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(metrics, name)
    assert not hasattr(metrics, "accuracy")

"""Baselines against their libraries' own use, with a label that all or none have."""

import sys

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier

from skd2ace.benchmark import Experiment
from skd2ace.benchmark.__main__ import main
from skd2ace.benchmark.run._baselines import BASELINES, find_missing
from skd2ace.benchmark.run._scoring import predict_label_probabilities
from skd2ace.benchmark.run._task import Task, _prepare

MISSING = find_missing(BASELINES)
CONSTANTS = {1: 1, 3: 0}


@pytest.fixture
def constant(data):
    """Labels of which one is had by all and another by none."""
    X, Y = data
    Y = Y.copy()
    for label, value in CONSTANTS.items():
        Y[:, label] = value
    return X, Y


def make(name, **small):
    if name in MISSING:
        pytest.skip(MISSING[name])
    est = BASELINES[name]()
    known = {parameter.rpartition("__")[2]: parameter for parameter in est.get_params()}
    known |= {"iterations": "estimator__iterations"}
    return est.set_params(**{known[parameter]: value for parameter, value in small.items()})


SMALL = {
    "random-forest": {"n_estimators": 20},
    "extra-trees": {"n_estimators": 20},
    "mlp": {"max_iter": 400},
    "catboost": {"iterations": 30},
    "xgboost": {"n_estimators": 20},
    "boomer": {"max_rules": 50},
}


@pytest.mark.filterwarnings("ignore:Label .* is present in all")
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("name", BASELINES)
def test_probabilities_with_constant_labels(constant, name):
    X, Y = constant
    model = make(name, **SMALL.get(name, {})).fit(X, Y)
    proba = predict_label_probabilities(model, X)
    labels = np.asarray(model.predict(X))
    assert proba.shape == Y.shape == labels.shape
    assert ((proba >= 0) & (proba <= 1)).all()
    for label, value in CONSTANTS.items():
        np.testing.assert_allclose(proba[:, label], value, atol=0.2)
        assert (labels[:, label] == value).all()
    # What varies is learnt.
    assert (labels[:, 0] == Y[:, 0]).mean() > 0.8


def direct_catboost(X, Y):
    catboost = pytest.importorskip("catboost")
    settings = {"loss_function": "MultiLogloss", "iterations": 30, "random_seed": 7}
    return catboost.CatBoost(settings | {"allow_writing_files": False, "verbose": 0}).fit(X, Y)


def test_catboost_is_the_librarys_own(constant):
    X, Y = constant
    direct = direct_catboost(X, Y[:, [0, 2]]).predict(X, prediction_type="Probability")
    est = make("catboost", iterations=30, random_state=7)
    for features in (X, sp.csr_array(X)):
        proba = clone(est).fit(features, Y).predict_proba(features)
        np.testing.assert_allclose(proba[:, [0, 2]], direct, atol=1e-8)


def test_catboost_of_a_single_label_and_of_none_that_varies(constant):
    X, Y = constant
    est = make("catboost", iterations=5)
    assert (est.fit(X, Y[:, [1, 3]]).predict_proba(X) == [1, 0]).all()
    single = est.fit(X, Y[:, [0, 1]]).predict_proba(X)
    assert ((single[:, 0] > 0.5) == Y[:, 0]).mean() > 0.8


def test_xgboost_is_the_librarys_own(data):
    xgboost = pytest.importorskip("xgboost")
    X, Y = data
    settings = {"objective": "binary:logistic", "seed": 7}
    direct = xgboost.train(settings, xgboost.DMatrix(X, Y), 20).predict(xgboost.DMatrix(X))
    est = make("xgboost", n_estimators=20, random_state=7)
    np.testing.assert_allclose(est.fit(X, Y).predict_proba(X), direct, atol=1e-6)


def test_boomer_is_the_librarys_own(data):
    boosting = pytest.importorskip("mlrl.boosting")
    X, Y = data
    direct = boosting.BoomerClassifier(random_state=7, max_rules=50).fit(X, Y).predict_proba(X)
    est = make("boomer", max_rules=50, random_state=7)
    np.testing.assert_allclose(est.fit(X, Y).predict_proba(X), direct)


@pytest.mark.parametrize("forest", [RandomForestClassifier, ExtraTreesClassifier])
def test_forests_have_500_trees(forest):
    (est,) = (make() for make in BASELINES.values() if getattr(make, "func", None) is forest)
    assert type(est) is forest
    assert est.n_estimators == 500


def test_logistic_regression_is_one_for_each_label(data):
    X, Y = data
    one_each = MultiOutputClassifier(LogisticRegression(max_iter=1000)).fit(X, Y)
    direct = np.column_stack([part[:, 1] for part in one_each.predict_proba(X)])
    np.testing.assert_allclose(make("logistic-regression").fit(X, Y).predict_proba(X), direct)


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "mlknn"])
def test_every_one_is_seeded(name):
    """Of the fold's seed, whatever a library calls it; ML-kNN draws nothing."""
    parameters = _prepare(Task(("d", name, 0, 0, ""), make(name), 7, None, None), None).get_params()
    assert {seed for name, seed in parameters.items() if name.endswith("random_state")} == {7}


def test_what_is_not_installed_is_left_out(made_up, tmp_path, capsys, monkeypatch):
    """With a reason, on stderr and in the list."""
    monkeypatch.setitem(sys.modules, "catboost", None)
    store = str(tmp_path / "s")
    given = ["--datasets", "yeast", "--baselines", "catboost", "mlknn", "--folds", "2", "--quiet"]
    assert main(["run", *given, "--store", store]) == 0
    told = capsys.readouterr().err
    assert "catboost is left out: " in told
    assert "pip install 'skd2ace[baselines]'" in told
    assert main(["report", "--store", store]) == 0
    assert "All 2 fits have a value" in capsys.readouterr().out
    assert main(["list"]) == 0
    (line,) = (row for row in capsys.readouterr().out.splitlines() if "MultiLogloss" in row)
    assert line.endswith("`pip install 'skd2ace[baselines]'`)")
    assert main(["run", "--datasets", "yeast", "--baselines", "catboost", "--store", store]) == 2


@pytest.mark.parametrize("name", ["xgboost", "mlknn"])
def test_the_device_is_told(data, name):
    """Also of a library whose estimators have a device that is None."""
    est = make(name, **SMALL.get(name, {}))
    results = Experiment({"d": data}, {name: est}, 2).run(progress=False)
    assert results["device"].tolist() == ["cpu"] * 2

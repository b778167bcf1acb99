"""Temperature scaling: by scikit-learn's optimum, and where it has a say."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from skd2ace.classifier._calibration import fit_temperature
from skd2ace.metrics import best_thresholds, expected_calibration_error, macro_auc
from skd2ace.training import Checkpointing
from skd2ace.training._out_of_bag import HeldOut


@pytest.mark.parametrize("truth", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_temperature_is_that_of_a_logistic_regression(truth, weighted):
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3, size=(500, 3))
    Y = (rng.random(logits.shape) < expit(logits / truth)).astype(np.float32)
    weight = rng.random(logits.shape) if weighted else None
    hidden = np.where(rng.random(Y.shape) < 0.1, np.nan, Y)
    proba = expit(logits)
    proba[::7] = np.nan
    known = ~(np.isnan(hidden) | np.isnan(proba))
    # Without penalty and intercept its coefficient is 1 / T.
    regression = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8)
    regression.fit(logits[known][:, None], Y[known], None if weight is None else weight[known])
    found = fit_temperature(HeldOut(hidden, proba, weight))
    assert found == pytest.approx(1 / regression.coef_[0, 0], rel=1e-3)
    assert found == pytest.approx(truth, rel=0.2)


def test_of_instances_weights_are_repetition():
    rng = np.random.default_rng(0)
    Y, proba = (rng.random((50, 2)) < 0.4).astype(np.float32), rng.random((50, 2))
    weight = rng.integers(0, 3, 50)
    repeated = HeldOut(np.repeat(Y, weight, axis=0), np.repeat(proba, weight, axis=0), None)
    expected = pytest.approx(fit_temperature(repeated), rel=1e-4)
    assert fit_temperature(HeldOut(Y, proba, weight.astype(float))) == expected


def test_limits():
    Y = np.array([[1.0], [0.0]], dtype=np.float32)
    sure = np.array([[1.0], [0.0]])
    assert fit_temperature(HeldOut(Y, sure, None)) == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(HeldOut(Y, 1 - sure, None)) == pytest.approx(20, rel=0.01)
    assert fit_temperature(HeldOut(Y * np.nan, sure, None)) == 1
    assert fit_temperature(HeldOut(Y, sure, np.zeros(2))) == 1


@pytest.fixture
def overconfident():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(240, 8))
    return X, (X[:, :4] + 2 * rng.normal(size=(240, 4)) > [0, 0.5, 1, 2]).astype(int)


@pytest.mark.parametrize("train_split", [0.4, None])
def test_on_what_was_not_trained_on(make, overconfident, train_split):
    X, Y = overconfident
    params = {"lr": 0.05, "max_epochs": 30, "batch_selector": None, "train_split": train_split}
    params["callbacks__best_epoch"] = None
    plain = make(**params).fit(X[:120], Y[:120])
    est = make(calibration="temperature", **params).fit(X[:120], Y[:120])
    assert est.temperature_ > 1.5
    assert not hasattr(est, "thresholds_")
    np.testing.assert_allclose(
        est.decision_function(X), plain.decision_function(X) / est.temperature_, rtol=1e-6
    )
    np.testing.assert_allclose(est.predict_proba(X), expit(est.decision_function(X)), rtol=1e-6)
    proba, before = (e.predict_proba(X[120:]) for e in (est, plain))
    assert macro_auc(Y[120:], proba) == pytest.approx(macro_auc(Y[120:], before))
    error, was = (expected_calibration_error(Y[120:], p) for p in (proba, before))
    assert error < 0.7 * was


def test_before_thresholds(make_two, data):
    X, Y = data
    params = {"train_split": 0.4, "batch_selector": None}
    est = make_two(calibration="temperature", threshold="tune", **params).fit(X, Y)
    valid = est.valid_indices_
    expected = best_thresholds(Y[valid], est.predict_proba(X[valid]))
    if hasattr(est, "oob_proba_"):
        expected = best_thresholds(Y, est.oob_proba_)
    np.testing.assert_allclose(est.thresholds_, expected, rtol=1e-5)
    plain = make_two(threshold="tune", **params).fit(X, Y)
    assert est.temperature_ != 1
    np.testing.assert_allclose(
        logit(est.thresholds_) * est.temperature_, logit(plain.thresholds_), rtol=1e-4
    )
    np.testing.assert_array_equal(est.predict(X), est.predict_proba(X) >= est.thresholds_)


def test_training_that_goes_on_finds_another(make, data):
    params = {"train_split": 0.4, "batch_selector": None}
    est = make(calibration="temperature", **params).fit(*data)
    first = est.temperature_
    est.partial_fit(*data)
    plain = make(**params).fit(*data).partial_fit(*data)
    assert est.temperature_ != first
    scaled = plain.decision_function(data[0]) / est.temperature_
    np.testing.assert_allclose(est.decision_function(data[0]), scaled, rtol=1e-6)
    est.set_params(calibration=None).fit(*data)
    assert not hasattr(est, "temperature_")
    with pytest.raises(ValueError, match='calibration="temperature" needs a held-out part'):
        est.set_params(calibration="temperature", train_split=None).partial_fit(*data)


def test_out_of_bag(make_tabm, data):
    est = make_tabm(calibration="temperature").fit(*data)
    plain = make_tabm().fit(*data)
    expected = expit(logit(plain.oob_proba_) / est.temperature_)
    np.testing.assert_allclose(est.oob_proba_, expected, rtol=1e-6)
    assert est.oob_score_ == pytest.approx(plain.oob_score_)


@pytest.mark.parametrize("train_split", [0.4, None])
def test_saved_and_resumed(make_clif, data, tmp_path, assert_same, train_split):
    def make():
        folder = Checkpointing(tmp_path / "checkpoints")
        params = {"train_split": train_split, "callbacks": [folder]}
        return make_clif(calibration="temperature", threshold="tune", **params)

    est = make().fit(*data)
    assert_same(make().fit(*data, resume=tmp_path / "checkpoints"), est, data[0])
    est.save(tmp_path / "est")
    again = type(est).load(tmp_path / "est")
    assert_same(again, est, data[0])
    assert again.temperature_ == est.temperature_


def test_of_a_vector(make, data):
    X, Y = data
    est = make(calibration="temperature", train_split=0.4).fit(X, Y[:, 0])
    assert est.decision_function(X).shape == (60,)
    assert est.temperature_ > 0
    with pytest.raises(ValueError, match="'calibration' parameter"):
        make(calibration="isotonic").fit(X, Y)


def test_thresholds_are_probabilities_that_are_predicted(make, tmp_path):
    """Rows that share the probability at a threshold are all predicted to have the label."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (400, 3)).astype(float)
    Y = (rng.random((400, 6)) < expit(X @ rng.normal(size=(3, 6)) - 0.5)).astype(int)
    est = make(calibration="temperature", threshold="tune", train_split=0.5).fit(X, Y)
    rows = est.valid_indices_
    proba = est.predict_proba(X[rows])
    np.testing.assert_array_equal(est.thresholds_, best_thresholds(Y[rows], proba))
    at_threshold = np.abs(proba - est.thresholds_) < 1e-9
    assert at_threshold.any(axis=0).all()
    assert est.predict(X[rows])[at_threshold].all()


def test_given_up_after_fit(make, data):
    est = make(calibration="temperature", train_split=0.4).fit(*data)
    plain = make(train_split=0.4).fit(*data)
    est.set_params(calibration=None)
    np.testing.assert_array_equal(est.predict_proba(data[0]), plain.predict_proba(data[0]))


def test_taken_up_after_fit(make, data):
    est = make(train_split=0.4).fit(*data).set_params(calibration="temperature")
    for predict in (est.decision_function, est.predict_proba, est.predict):
        with pytest.raises(ValueError, match='calibration="temperature" must be set before fit'):
            predict(data[0])
    est.partial_fit(*data)
    assert est.temperature_ != 1
    est.predict(data[0])

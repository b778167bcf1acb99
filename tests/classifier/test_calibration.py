"""Temperature and sigmoid: by scikit-learn's optimum, and where they have a say."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from skd2ace.classifier._calibration import fit_sigmoid, fit_temperature
from skd2ace.metrics import best_thresholds, expected_calibration_error, macro_auc
from skd2ace.training import Checkpointing
from skd2ace.training._out_of_bag import HeldOut


@pytest.mark.parametrize("truth", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("shift", [None, 0.0, -1.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_line_is_that_of_a_logistic_regression(truth, shift, weighted):
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3, size=(500, 3))
    Y = (rng.random(logits.shape) < expit(logits / truth + (shift or 0))).astype(np.float32)
    weight = rng.random(logits.shape) if weighted else None
    hidden = np.where(rng.random(Y.shape) < 0.1, np.nan, Y)
    proba = expit(logits)
    proba[::7] = np.nan
    known = ~(np.isnan(hidden) | np.isnan(proba))
    # Without penalty its coefficient is 1 / T.
    regression = LogisticRegression(C=np.inf, fit_intercept=shift is not None, tol=1e-8)
    regression.fit(logits[known][:, None], Y[known], None if weight is None else weight[known])
    seen = HeldOut(hidden, proba, weight)
    found = (fit_temperature(seen), 0.0) if shift is None else fit_sigmoid(seen)
    line = (1 / regression.coef_[0, 0], np.ravel(regression.intercept_)[0])
    assert found == pytest.approx(line, rel=1e-3, abs=1e-3)
    assert found == pytest.approx((truth, shift or 0), rel=0.2, abs=0.2)


def test_the_line_of_cells_that_are_nearly_separable():
    """Steps that gain little are not the end."""
    rng = np.random.default_rng(3)
    for _ in range(100):
        logits = rng.normal(scale=rng.uniform(0.5, 8), size=(20, 1))
        Y = (logits + rng.normal(scale=rng.uniform(0.05, 1), size=logits.shape) > 0) * 1.0
        temperature, intercept = fit_sigmoid(HeldOut(Y.astype(np.float32), expit(logits), None))

        def cross_entropy(a, b, z=logits, y=Y):
            return np.mean(np.logaddexp(0, a * z + b) - y * (a * z + b))

        found = cross_entropy(1 / temperature, intercept)
        tried = np.stack([rng.uniform(0.05, 20, 300), rng.uniform(-20, 20, 300)], axis=1)
        assert all(found <= cross_entropy(*line) + 1e-9 for line in tried)
        nearby = rng.normal([1 / temperature, intercept], 1e-2, size=(50, 2))
        nearby = nearby.clip([0.05, -20], [20, 20])
        assert all(found <= cross_entropy(*line) + 1e-9 for line in nearby)


def test_of_instances_weights_are_repetition():
    rng = np.random.default_rng(0)
    Y, proba = (rng.random((50, 2)) < 0.4).astype(np.float32), rng.random((50, 2))
    weight = rng.integers(0, 3, 50)
    repeated = HeldOut(np.repeat(Y, weight, axis=0), np.repeat(proba, weight, axis=0), None)
    for fit in (fit_temperature, fit_sigmoid):
        expected = pytest.approx(fit(repeated), rel=1e-4)
        assert fit(HeldOut(Y, proba, weight.astype(float))) == expected


def test_limits():
    Y = np.array([[1.0], [0.0]], dtype=np.float32)
    sure = np.array([[1.0], [0.0]])
    assert fit_temperature(HeldOut(Y, sure, None)) == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(HeldOut(Y, 1 - sure, None)) == pytest.approx(20, rel=0.01)
    assert fit_temperature(HeldOut(Y * np.nan, sure, None)) == 1
    assert fit_temperature(HeldOut(Y, sure, np.zeros(2))) == 1
    for seen in (HeldOut(Y * np.nan, sure, None), HeldOut(Y, sure, np.zeros(2))):
        assert fit_sigmoid(seen) == (1, 0)
    for always in (0, 1):
        temperature, intercept = fit_sigmoid(HeldOut(Y * 0 + always, 0 * sure + 0.5, None))
        assert 0.05 <= temperature <= 20
        assert 7 < intercept * (2 * always - 1) <= 20


def move(est, logits):
    """Logits along the line that an estimator found."""
    return logits / est.temperature_ + getattr(est, "intercept_", 0)


def slack(calibration, atol):
    """What an intercept leaves of rounding where it takes a logit to near 0."""
    return atol if calibration == "sigmoid" else 0


@pytest.fixture
def overconfident():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(240, 8))
    return X, (X[:, :4] + 2 * rng.normal(size=(240, 4)) > [0, 0.5, 1, 2]).astype(int)


@pytest.mark.parametrize("calibration", ["temperature", "sigmoid"])
@pytest.mark.parametrize("train_split", [0.4, None])
def test_on_what_was_not_trained_on(make, overconfident, train_split, calibration):
    X, Y = overconfident
    params = {"lr": 0.05, "max_epochs": 30, "batch_selector": None, "train_split": train_split}
    params["callbacks__best_epoch"] = None
    plain = make(**params).fit(X[:120], Y[:120])
    est = make(calibration=calibration, **params).fit(X[:120], Y[:120])
    assert est.temperature_ > 1.5
    assert hasattr(est, "intercept_") == (calibration == "sigmoid")
    assert not hasattr(est, "thresholds_")
    np.testing.assert_allclose(
        est.decision_function(X),
        move(est, plain.decision_function(X)),
        rtol=1e-6,
        atol=slack(calibration, 1e-6),
    )
    np.testing.assert_allclose(est.predict_proba(X), expit(est.decision_function(X)), rtol=1e-6)
    proba, before = (e.predict_proba(X[120:]) for e in (est, plain))
    assert macro_auc(Y[120:], proba) == pytest.approx(macro_auc(Y[120:], before))
    error, was = (expected_calibration_error(Y[120:], p) for p in (proba, before))
    assert error < 0.7 * was


@pytest.mark.parametrize("calibration", ["temperature", "sigmoid"])
def test_before_thresholds(make_two, data, calibration):
    X, Y = data
    params = {"train_split": 0.4, "batch_selector": None}
    est = make_two(calibration=calibration, threshold="tune", **params).fit(X, Y)
    valid = est.valid_indices_
    expected = best_thresholds(Y[valid], est.predict_proba(X[valid]))
    if hasattr(est, "oob_proba_"):
        expected = best_thresholds(Y, est.oob_proba_)
    np.testing.assert_allclose(est.thresholds_, expected, rtol=1e-5)
    plain = make_two(threshold="tune", **params).fit(X, Y)
    assert est.temperature_ != 1
    np.testing.assert_allclose(
        logit(est.thresholds_),
        move(est, logit(plain.thresholds_)),
        rtol=1e-4,
        atol=slack(calibration, 1e-5),
    )
    np.testing.assert_array_equal(est.predict(X), est.predict_proba(X) >= est.thresholds_)


@pytest.mark.parametrize("calibration", ["temperature", "sigmoid"])
def test_training_that_goes_on_finds_another(make, data, calibration):
    params = {"train_split": 0.4, "batch_selector": None}
    est = make(calibration=calibration, **params).fit(*data)
    first = est.temperature_
    est.partial_fit(*data)
    plain = make(**params).fit(*data).partial_fit(*data)
    assert est.temperature_ != first
    moved = move(est, plain.decision_function(data[0]))
    np.testing.assert_allclose(
        est.decision_function(data[0]), moved, rtol=1e-6, atol=slack(calibration, 1e-6)
    )
    est.set_params(calibration=None).fit(*data)
    assert not {"temperature_", "intercept_"} & vars(est).keys()
    with pytest.raises(ValueError, match=f'calibration="{calibration}" needs a held-out part'):
        est.set_params(calibration=calibration, train_split=None).partial_fit(*data)


@pytest.mark.parametrize("calibration", ["temperature", "sigmoid"])
def test_out_of_bag(make_tabm, data, calibration):
    est = make_tabm(calibration=calibration).fit(*data)
    plain = make_tabm().fit(*data)
    expected = expit(move(est, logit(plain.oob_proba_)))
    np.testing.assert_allclose(est.oob_proba_, expected, rtol=1e-6)
    assert est.oob_score_ == pytest.approx(plain.oob_score_)


def test_a_sigmoid_takes_back_what_a_weight_of_positives_does(make_tabm):
    """Of labels that nothing tells about, what is right is known: how frequent they are."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(600, 2)), (rng.random((600, 3)) < 0.2).astype(int)

    def predict(**settings):
        return make_tabm(batch_selector=None, max_epochs=5, **settings).fit(X, Y).predict_proba(X)

    frequent = Y.mean()
    # Elkan (2001): the odds are four times as high.
    expected = 4 * frequent / (4 * frequent + 1 - frequent)
    assert predict(pos_weight=4.0).mean() == pytest.approx(expected, abs=0.05)
    assert predict(pos_weight=4.0, calibration="sigmoid").mean() == pytest.approx(
        frequent, abs=0.03
    )


@pytest.mark.parametrize("calibration", ["temperature", "sigmoid"])
@pytest.mark.parametrize("train_split", [0.4, None])
def test_saved_and_resumed(make_clif, data, tmp_path, assert_same, train_split, calibration):
    def make():
        folder = Checkpointing(tmp_path / "checkpoints")
        params = {"train_split": train_split, "callbacks": [folder]}
        return make_clif(calibration=calibration, threshold="tune", **params)

    est = make().fit(*data)
    assert_same(make().fit(*data, resume=tmp_path / "checkpoints"), est, data[0])
    est.save(tmp_path / "est")
    again = type(est).load(tmp_path / "est")
    assert_same(again, est, data[0])
    assert again.temperature_ == est.temperature_
    assert getattr(again, "intercept_", None) == getattr(est, "intercept_", None)


@pytest.mark.parametrize("calibration", ["temperature", "sigmoid"])
def test_of_a_vector(make, data, calibration):
    X, Y = data
    est = make(calibration=calibration, train_split=0.4).fit(X, Y[:, 0])
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


@pytest.mark.parametrize("calibration", ["temperature", "sigmoid"])
def test_given_up_after_fit(make, data, calibration):
    est = make(calibration=calibration, train_split=0.4).fit(*data)
    plain = make(train_split=0.4).fit(*data)
    est.set_params(calibration=None)
    np.testing.assert_array_equal(est.predict_proba(data[0]), plain.predict_proba(data[0]))


@pytest.mark.parametrize(
    ("before", "calibration"),
    [
        (None, "temperature"),
        (None, "sigmoid"),
        ("temperature", "sigmoid"),
        ("sigmoid", "temperature"),
    ],
)
def test_taken_up_after_fit(make, data, before, calibration):
    est = make(train_split=0.4, calibration=before).fit(*data).set_params(calibration=calibration)
    for predict in (est.decision_function, est.predict_proba, est.predict):
        with pytest.raises(ValueError, match=f'calibration="{calibration}" must be set before fit'):
            predict(data[0])
    est.partial_fit(*data)
    assert est.temperature_ != 1
    est.predict(data[0])

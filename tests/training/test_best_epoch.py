"""The best epoch's weights come back, and training goes on from the last."""

import math

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from skd2ace import MultiLabelNetClassifier, TabMClassifier
from skd2ace.training import BestEpoch


class Scores(Callback):
    """Makes up a score, and perhaps a loss, for each epoch and keeps a copy of its weights."""

    def __init__(self, scores, losses=None):
        self.scores = scores
        self.losses = losses

    def initialize(self):
        self.weights_ = []
        return self

    def on_epoch_end(self, net, **kwargs):
        score = self.scores[len(net.history) - 1]
        if score is not None:
            net.history.record("made_up", score)
        if self.losses:
            net.history.record("valid_loss", self.losses[len(net.history) - 1])
        self.weights_.append([p.detach().clone() for p in net.module_.parameters()])


def fit(mlp, data, scores, lower_is_better=False, losses=None):
    made_up = Scores(scores, losses)
    net = MultiLabelNetClassifier(
        mlp,
        callbacks=[("scores", made_up), ("best", BestEpoch("made_up", lower_is_better))],
        callbacks__best_epoch=None,
        max_epochs=len(scores),
        train_split=None,
        verbose=0,
        random_state=0,
    ).fit(*data)
    return net, dict(net.callbacks_)["scores"].weights_


def assert_has_weights_of(net, weights):
    for mine, theirs in zip(net.module_.parameters(), weights, strict=True):
        assert torch.equal(mine, theirs)


@pytest.fixture(params=["mlp", "tabm"])
def make_tabm_or_mlp(request, mlp):
    """An estimator that is judged by rows held out, and one that may be by rows out of bag."""

    def make(**params):
        params = {"max_epochs": 5, "lr": 0.05, "random_state": 0, "verbose": 0, **params}
        if request.param == "mlp":
            return MultiLabelNetClassifier(mlp, **params)
        return TabMClassifier(module__width=16, module__k=4, **params)

    return make


@pytest.mark.parametrize(
    ("scores", "lower_is_better", "best"),
    [
        ([0.1, 0.5, 0.3], False, 2),
        ([0.1, 0.5, 0.3], True, 1),
        ([0.1, 0.2, 0.3], False, 3),
        ([0.5, 0.5, 0.5], False, 3),
        ([math.nan, 0.2, math.nan], False, 2),
        ([math.nan] * 3, False, 3),
        ([None] * 3, False, 3),
    ],
)
def test_weights_of_the_best_epoch(mlp, data, scores, lower_is_better, best):
    net, weights = fit(mlp, data, scores, lower_is_better)
    assert net.best_epoch_ == best
    assert_has_weights_of(net, weights[best - 1])


@pytest.mark.parametrize(
    ("losses", "best"),
    [
        ([0.1, 0.4, 0.3, 0.2], 4),
        ([0.1, 0.2, 0.3, 0.4], 2),
        ([0.1, 0.2, 0.2, 0.2], 2),
        ([0.1, math.nan, 0.3, 0.3], 3),
        ([0.1, 0.2, math.nan, math.nan], 2),
        ([0.1, math.nan, math.nan, math.nan], 4),
    ],
)
@pytest.mark.parametrize("lower_is_better", [False, True])
def test_of_equal_scores_the_lower_loss_counts(mlp, data, losses, best, lower_is_better):
    scores = [1.0, 0.5, 0.5, 0.5] if lower_is_better else [0.0, 0.5, 0.5, 0.5]
    net, weights = fit(mlp, data, scores, lower_is_better, losses)
    assert net.best_epoch_ == best
    assert_has_weights_of(net, weights[best - 1])


@pytest.mark.parametrize("way", ["as it is", "saved", "monitor set again"])
@pytest.mark.parametrize(("later", "best"), [([0.3, 0.4], 2), ([0.3, 0.1], 4)])
def test_an_equal_score_of_a_training_that_goes_on(mlp, data, tmp_path, later, best, way):
    net, _ = fit(mlp, data, [0.5, 0.5], losses=[0.3, 0.2])
    if way == "saved":
        net.save(tmp_path / "net")
        net = MultiLabelNetClassifier.load(
            tmp_path / "net", module=mlp, callbacks=net.callbacks, callbacks__best_epoch=None
        )
    if way == "monitor set again":
        net.set_params(callbacks__best__monitor="made_up")
    dict(net.callbacks_)["scores"].set_params(scores=[0.5] * 4, losses=[0.3, 0.2, *later])
    assert net.partial_fit(*data).best_epoch_ == best


def test_training_goes_on_from_the_last_weights(mlp, data):
    net, weights = fit(mlp, data, [0.9, 0.5, 0.3])
    assert_has_weights_of(net, weights[0])
    dict(net.callbacks_)["scores"].scores = [0.9, 0.5, 0.3, 0.2, 0.95, 0.1]
    net.partial_fit(*data)
    whole, weights = fit(mlp, data, [0.9, 0.5, 0.3, 0.2, 0.95, 0.1])
    assert net.best_epoch_ == whole.best_epoch_ == 5
    assert_has_weights_of(net, weights[4])


def test_an_earlier_best_survives_going_on(mlp, data):
    net, weights = fit(mlp, data, [0.5, 0.9, 0.3])
    dict(net.callbacks_)["scores"].scores = [0.5, 0.9, 0.3, 0.2, 0.1, 0.1]
    net.partial_fit(*data)
    assert net.best_epoch_ == 2
    assert_has_weights_of(net, weights[1])


def test_loaded_weights_are_gone_on_from(mlp, data, tmp_path):
    net, weights = fit(mlp, data, [0.9, 0.5, 0.3])
    net.save_params(f_params=tmp_path / "weights.pt")
    net.load_params(f_params=tmp_path / "weights.pt")
    net.set_params(lr=1e-30)
    dict(net.callbacks_)["scores"].scores = [0.9, 0.5, 0.3, 0.2, 0.1, 0.0]
    net.partial_fit(*data)
    for mine, theirs in zip(net.module_.parameters(), weights[0], strict=True):
        np.testing.assert_allclose(mine.detach(), theirs, rtol=1e-6)


@pytest.mark.parametrize("name", ["valid_macro_auk", "dur2"])
def test_a_misspelt_monitor_is_named(mlp, data, name):
    est = MultiLabelNetClassifier(
        mlp, callbacks__best_epoch__monitor=name, max_epochs=2, verbose=0, random_state=0
    )
    with pytest.raises(ValueError, match=f"{name}.*has dur, .* valid_loss, .* valid_macro_auc,"):
        est.fit(*data)
    assert est.set_params(train_split=None).fit(*data).best_epoch_ == 2


def test_scores_that_are_not_made_are_missed(mlp, data):
    est = MultiLabelNetClassifier(
        mlp, callbacks__valid_macro_auc=None, max_epochs=2, verbose=0, random_state=0
    )
    with pytest.raises(ValueError, match="no 'valid_macro_auc' to compare by"):
        est.fit(*data)
    assert est.set_params(callbacks__best_epoch=None).fit(*data).history


@pytest.mark.parametrize("train_split", [0.3, None])
def test_other_rows_are_judged_by_their_own_scores(make_tabm_or_mlp, data, other_rows, train_split):
    """Epochs of the first part do not outdo those of a second one that says the contrary."""
    X, Y = data
    est = make_tabm_or_mlp(train_split=train_split).fit(X, Y)
    before = est.predict_proba(X)
    with other_rows(est):
        est.partial_fit(X[::-1], 1 - Y[::-1])
    assert est.best_epoch_ > 5
    assert not np.array_equal(est.predict_proba(X), before)


def test_the_same_rows_are_judged_with_the_earlier_epochs(make_tabm_or_mlp, data, tmp_path):
    est = make_tabm_or_mlp(train_split=0.3).fit(*data)
    est.save(tmp_path / "est")
    module = {"module": est.module} if type(est) is MultiLabelNetClassifier else {}
    loaded = type(est).load(tmp_path / "est", **module)
    whole = make_tabm_or_mlp(train_split=0.3, max_epochs=10).fit(*data)
    for part in (est, loaded):
        assert part.partial_fit(*data).best_epoch_ == whole.best_epoch_
        np.testing.assert_array_equal(part.predict_proba(data[0]), whole.predict_proba(data[0]))

"""Averaged weights against a list of all weights that the steps made."""

import copy
import pickle

import pytest
import torch
from sklearn.datasets import make_multilabel_classification
from skorch.callbacks import Callback

from skd2ace import MultiLabelNetClassifier, TabMClassifier
from skd2ace.networks import TabM
from skd2ace.training import BestEpoch, Checkpointing, WeightAverage

REACH = 2.0


def linear(n_features, n_labels):
    return torch.nn.Linear(n_features, n_labels)


class Spy(Callback):
    """Keeps the weights after each step and in each validation."""

    def initialize(self):
        self.steps, self.validated = [], []
        return self

    def on_batch_end(self, net, training=None, **kwargs):
        kept = self.steps if training else self.validated
        kept.append(net.module_.weight.detach().clone())


def make(**params):
    settings = {"max_epochs": 5, "lr": 0.05, "batch_size": 16, "random_state": 0, "verbose": 0}
    callbacks = [Spy(), WeightAverage(epochs=REACH)]
    return MultiLabelNetClassifier(linear, **(settings | {"callbacks": callbacks} | params))


def spy_of(est):
    return next(callback for _, callback in est.callbacks_ if isinstance(callback, Spy))


def average(steps, n_batches):
    """Each step's weights, forgotten by 1 - 1 / (2 epochs), sooner as long as they are few."""
    mean = None
    for count, weights in enumerate(steps, start=1):
        decay = min(1 - 1 / max(REACH * n_batches, 1), count / (count + 9))
        mean = weights.clone() if mean is None else decay * mean + (1 - decay) * weights
    return mean


@pytest.mark.parametrize("train_split", [None, 0.2])
def test_the_net_ends_with_the_average(data, train_split):
    est = make(train_split=train_split, callbacks__best_epoch=None).fit(*data)
    steps = spy_of(est).steps
    n_batches = len(steps) // 5
    expected = average(steps, n_batches)
    torch.testing.assert_close(est.module_.weight.detach(), expected)
    assert not torch.allclose(expected, steps[-1], atol=1e-3)


def test_steps_go_on_from_the_last_step(data):
    """Training is as without the callback: what is averaged has no say in it."""
    est = make(train_split=0.2).fit(*data)
    plain = make(train_split=0.2, callbacks=[Spy()]).fit(*data)
    for averaged, step in zip(spy_of(est).steps, spy_of(plain).steps, strict=True):
        assert torch.equal(averaged, step)


def test_epochs_are_scored_with_the_average(data):
    est = make(train_split=0.2, callbacks__best_epoch=None).fit(*data)
    spy = spy_of(est)
    n_batches = len(spy.steps) // 5
    per_epoch = len(spy.validated) // 5
    for epoch in range(5):
        expected = average(spy.steps[: (epoch + 1) * n_batches], n_batches)
        torch.testing.assert_close(spy.validated[epoch * per_epoch], expected)


def test_the_best_epoch_keeps_averaged_weights(data):
    best = BestEpoch("valid_loss", lower_is_better=False)
    average_first = [("weight_average", WeightAverage(epochs=REACH))]
    est = make(train_split=0.2, callbacks=average_first, callbacks__best_epoch=best).fit(*data)
    assert est.best_epoch_ == 1
    once = make(
        train_split=0.2, callbacks=average_first, callbacks__best_epoch=None, max_epochs=1
    ).fit(*data)
    torch.testing.assert_close(est.module_.weight, once.module_.weight)


@pytest.mark.parametrize("by", ["partial_fit", "pickle", "copy"])
def test_in_two_parts_as_in_one(data, by):
    whole = make(max_epochs=6).fit(*data)
    est = make(max_epochs=3).fit(*data)
    if by == "pickle":
        est = pickle.loads(pickle.dumps(est))
    if by == "copy":
        est = copy.deepcopy(est)
    est.partial_fit(*data)
    assert torch.equal(est.module_.weight, whole.module_.weight)


def test_saved_and_resumed(data, tmp_path):
    def callbacks(folder):
        return [WeightAverage(epochs=REACH), Checkpointing(tmp_path / folder)]

    whole = make(max_epochs=6, callbacks=callbacks("whole")).fit(*data)
    make(max_epochs=6, callbacks=callbacks("part")).fit(*data)
    (tmp_path / "part" / "epoch-0006.skd2ace").unlink(missing_ok=True)
    for last in sorted((tmp_path / "part").iterdir())[1:]:
        last.unlink()
    est = make(max_epochs=6, callbacks=callbacks("part")).fit(*data, resume=tmp_path / "part")
    assert torch.equal(est.module_.weight, whole.module_.weight)


def test_loaded_weights_are_what_training_goes_on_from(data, tmp_path):
    est = make(max_epochs=3).fit(*data)
    est.save_params(f_params=tmp_path / "params.pt")
    other = make(max_epochs=3, random_state=1).fit(*data)
    other.load_params(f_params=tmp_path / "params.pt")
    other.set_params(lr=1e-12)
    other.partial_fit(*data)
    torch.testing.assert_close(other.module_.weight, est.module_.weight)


@pytest.mark.parametrize("epochs", [0, -1, "4"])
def test_reaches_that_are_none(data, epochs):
    with pytest.raises((ValueError, TypeError), match="epochs"):
        make(callbacks=[WeightAverage(epochs)]).fit(*data)


def test_epochs_are_scored_out_of_bag_with_averaged_weights():
    """Whoever brings the callback: as where it comes with the estimator."""
    X, Y = make_multilabel_classification(n_samples=60, n_classes=3, random_state=0)
    params = {"random_state": 0, "verbose": 0, "max_epochs": 6, "module__width": 16}
    own = TabMClassifier(preprocessor=None, **params)
    settings = {k: v for k, v in own.get_params(deep=False).items() if k != "module"}
    settings["callbacks"] = [WeightAverage()]
    brought = MultiLabelNetClassifier(TabM, **settings).fit(X, Y)
    own.fit(X, Y)
    assert brought.history[:, "oob_macro_auc"] == own.history[:, "oob_macro_auc"]
    assert brought.best_epoch_ == own.best_epoch_
    assert (brought.predict_proba(X) == own.predict_proba(X)).all()

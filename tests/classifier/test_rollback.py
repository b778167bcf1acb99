"""A training that fails leaves nothing behind: what it changes in place is put back."""

from collections import Counter, deque

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler
from torch import nn

from skd2ace import MultiLabelNetClassifier
from skd2ace.selection import D2ACE
from skd2ace.training import BatchSelection, BestEpoch


class Scaled(nn.Module):
    """A criterion that learns, and counts in a buffer."""

    def __init__(self, reduction="none"):
        super().__init__()
        self.reduction = reduction
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("n_calls", torch.zeros((), dtype=torch.long))

    def forward(self, logits, Y):
        self.n_calls += 1
        losses = nn.functional.binary_cross_entropy_with_logits(logits, Y, reduction="none")
        return self.log_scale.exp() * losses - self.log_scale


class Gathers(Callback):
    """Gathers what it sees, in place, in every kind of container."""

    def initialize(self):
        self.losses_, self.rates_, self.seen_ = [], {}, set()
        return self

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        if training:
            self.losses_.append(net.history[-1, "batches", -1, "train_loss"])
            self.rates_[len(self.losses_)] = net.optimizer_.param_groups[0]["lr"]
            self.seen_.update(batch.instances.tolist())


class Fails(Callback):
    """In the epoch after the given number of epochs."""

    def __init__(self, after=None, error=RuntimeError):
        self.after = after
        self.error = error

    def on_batch_end(self, net, training=None, **kwargs):
        if training and len(net.history) - 1 == self.after:
            raise self.error("on purpose")


def make(mlp, **params):
    settings = {
        "criterion": Scaled,
        "batch_selector": D2ACE(n_neighbors=3, warmup_epochs=2),
        "callbacks": [
            ("schedule", LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=3, gamma=0.5)),
            ("gathers", Gathers()),
            ("fails", Fails()),
        ],
        "max_epochs": 4,
        "batch_size": 16,
        "lr": 0.01,
        "random_state": 0,
        "verbose": 0,
    }
    return MultiLabelNetClassifier(mlp, **(settings | params))


def state(est):
    """All that a training changes, as values that ``==`` compares."""
    parts = {
        name: {key: value.numpy().tobytes() for key, value in part.state_dict().items()}
        for name, part in (("module", est.module_), ("criterion", est.criterion_))
    }
    moments = [
        {key: value.tolist() for key, value in moment.items()}
        for moment in est.optimizer_.state_dict()["state"].values()
    ]
    callbacks = dict(est.callbacks_)
    gathers = callbacks["gathers"]
    return {
        **parts,
        "moments": moments,
        "groups": [group["lr"] for group in est.optimizer_.param_groups],
        "schedule": callbacks["schedule"].lr_scheduler_.state_dict(),
        "gathered": (list(gathers.losses_), dict(gathers.rates_), set(gathers.seen_)),
        "best": (callbacks["best_epoch"].best_epoch_, callbacks["best_epoch"].best_score_),
        "epochs": [{k: v for k, v in row.items() if k != "dur"} for row in est.history],
        "generator": est.torch_state_["cpu"].tolist(),
        "selector": est.batch_selector_.probabilities_.tolist(),
        "fitted": (est.best_epoch_, est.last_epoch_, est.n_labels_),
    }


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
@pytest.mark.parametrize("further", [0, 2])
def test_a_failed_partial_fit(mlp, data, further, error):
    est, twin = make(mlp).fit(*data), make(mlp).fit(*data)
    before = state(est)
    assert before["criterion"]["log_scale"] != torch.zeros(()).numpy().tobytes()
    dict(est.callbacks_)["fails"].set_params(after=4 + further, error=error)
    with pytest.raises(error, match="on purpose"):
        est.partial_fit(*data)
    assert state(est) == before
    dict(est.callbacks_)["fails"].set_params(after=None)
    for each in (est, twin):
        each.partial_fit(*data)
    assert state(est) == state(twin)


def test_a_failed_fit_after_a_fit(mlp, data):
    est = make(mlp).fit(*data)
    before, proba = state(est), est.predict_proba(data[0])
    dict(est.callbacks_)["fails"].set_params(after=1)
    with pytest.raises(RuntimeError, match="on purpose"):
        est.fit(data[0][:, :5], data[1][:, :3])
    assert state(est) == before
    assert est.n_features_in_ == 8
    np.testing.assert_array_equal(est.predict_proba(data[0]), proba)


class Wears(nn.Linear):
    """Has a buffer that is in no state, and counts its steps."""

    def __init__(self, n_features, n_labels):
        super().__init__(n_features, n_labels)
        self.register_buffer("mean", torch.zeros(n_features), persistent=False)
        self.n_steps = 0

    def forward(self, X):
        if self.training:
            self.n_steps += 1
            self.mean = 0.9 * self.mean + 0.1 * X.detach().mean(0)
        return super().forward(X - self.mean)


class ChangesParts(Callback):
    """Changes what a training usually leaves alone, and what lies deep in itself."""

    def initialize(self):
        self.log_ = {"seen": [], "recent": deque(maxlen=3), "counts": Counter()}
        self.array_ = np.zeros(2)
        self.net_and_list_ = []
        return self

    def on_train_begin(self, net, **kwargs):
        if len(net.history) < 3:
            return
        net.optimizer_.add_param_group({"params": [nn.Parameter(torch.ones(1))]})
        net.module_.register_buffer("extra", torch.ones(2))
        net.module_.bias.requires_grad_(False)
        net.module_.eval()

    def on_batch_end(self, net, training=None, **kwargs):
        self.log_["seen"].append(len(net.history))
        self.log_["recent"].append(len(net.history))
        self.log_["counts"][training] += 1
        self.array_ += 1
        self.net_and_list_.append(net)


def all_of(est):
    module = est.module_
    changes = dict(est.callbacks_)["changes"]
    return {
        "state": {name: value.tolist() for name, value in module.state_dict().items()},
        "buffers": {name: value.tolist() for name, value in module.named_buffers()},
        "n_steps": module.n_steps,
        "learns": [parameter.requires_grad for parameter in module.parameters()],
        "groups": len(est.optimizer_.param_groups),
        "log": (str(changes.log_), changes.array_.tolist(), len(changes.net_and_list_)),
        "history": len(est.history),
    }


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_what_training_seldom_changes(data, error):
    callbacks = [("changes", ChangesParts()), ("fails", Fails())]
    settings = {"max_epochs": 3, "lr": 0.05, "random_state": 0, "verbose": 0}
    est = MultiLabelNetClassifier(Wears, callbacks=callbacks, **settings).fit(*data)
    before, proba = all_of(est), est.predict_proba(data[0])
    net = dict(est.callbacks_)["changes"].net_and_list_[0]
    dict(est.callbacks_)["fails"].set_params(after=4, error=error)
    with pytest.raises(error, match="on purpose"):
        est.partial_fit(*data)
    assert all_of(est) == before
    assert net is est
    assert dict(est.callbacks_)["changes"].net_and_list_[0] is est
    np.testing.assert_array_equal(est.predict_proba(data[0]), proba)


class FailsFrom(Fails):
    """Fails from the second training on."""

    def on_train_begin(self, net, **kwargs):
        self.n_trainings_ = getattr(self, "n_trainings_", 0) + 1
        self.after = 1 if self.n_trainings_ == 2 else None


def test_a_module_that_is_not_made_anew(data):
    """A factory that gives the same module each time, and a second fit that fails."""
    module = Wears(8, 4)
    est = MultiLabelNetClassifier(
        lambda: module, callbacks=[FailsFrom()], max_epochs=3, lr=0.05, random_state=0, verbose=0
    )
    proba = est.fit(*data).predict_proba(data[0])
    with pytest.raises(RuntimeError, match="on purpose"):
        est.fit(*data)
    np.testing.assert_array_equal(est.predict_proba(data[0]), proba)


class HasNoStateYet(Callback):
    def initialize(self):
        self.part_ = D2ACE()
        return self


@pytest.mark.parametrize("again", ["fit", "partial_fit", "warm_start"])
def test_a_selection_of_ones_own_trains_again(mlp, data, again):
    """A selector, and whatever else has no state to be kept before training begins."""
    est = MultiLabelNetClassifier(
        mlp,
        callbacks__batch_selection=BatchSelection(D2ACE(n_neighbors=3), random_state=0),
        callbacks=[HasNoStateYet()],
        max_epochs=2,
        random_state=0,
        verbose=0,
    ).fit(*data)
    if again == "warm_start":
        est.set_params(warm_start=True)
    getattr(est, "fit" if again == "warm_start" else again)(*data)
    assert len(est.history) == (2 if again == "fit" else 4)


class TwoModules(MultiLabelNetClassifier):
    """Another module that trains beside the network, as skorch allows."""

    def initialize_module(self):
        super().initialize_module()
        self.shift_ = nn.Linear(1, 4, bias=False)
        return self

    def infer(self, x, **fit_params):
        return super().infer(x, **fit_params) + self.shift_.weight[:, 0]


def test_modules_that_a_subclass_adds(mlp, data):
    settings = {"max_epochs": 3, "lr": 0.05, "random_state": 0, "verbose": 0}
    est = TwoModules(mlp, callbacks=[("fails", Fails())], **settings).fit(*data)
    before = est.shift_.weight.detach().clone()
    dict(est.callbacks_)["fails"].set_params(after=4)
    with pytest.raises(RuntimeError):
        est.partial_fit(*data)
    assert torch.equal(est.shift_.weight, before)
    dict(est.callbacks_)["fails"].set_params(after=None)
    assert not torch.equal(est.partial_fit(*data).shift_.weight, before)


def test_the_last_weights_and_the_best_ones_are_kept_apart(mlp, data):
    """A failed training has loaded the last weights in the place of the best: both come back."""
    best = BestEpoch("train_loss", lower_is_better=False)
    est = make(mlp, callbacks__best_epoch=best).fit(*data)
    assert est.best_epoch_ == 1
    proba = est.predict_proba(data[0])
    last = {
        name: value.clone()
        for name, value in dict(est.callbacks_)["best_epoch"].last_weights_.items()
    }
    dict(est.callbacks_)["fails"].set_params(after=5)
    with pytest.raises(RuntimeError):
        est.partial_fit(*data)
    np.testing.assert_array_equal(est.predict_proba(data[0]), proba)
    kept = dict(est.callbacks_)["best_epoch"].last_weights_
    assert all(torch.equal(kept[name], last[name]) for name in last)

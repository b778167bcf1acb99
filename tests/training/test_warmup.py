"""The learning rate at each step."""

import pytest
import torch
from skorch.callbacks import Callback

from skd2ace import MultiLabelNetClassifier
from skd2ace.training import LinearWarmup


class Rates(Callback):
    def initialize(self):
        self.rates_ = []
        return self

    def on_grad_computed(self, net, *args, **kwargs):
        self.rates_.append(net.optimizer_.param_groups[0]["lr"])


def make(mlp, warmup, **params):
    return MultiLabelNetClassifier(
        mlp,
        lr=0.1,
        batch_size=16,
        train_split=None,
        callbacks=[("warmup", LinearWarmup(warmup)), ("rates", Rates())],
        verbose=0,
        random_state=0,
        **params,
    )


def rates_of(net):
    return dict(net.callbacks_)["rates"].rates_


def test_rises_step_by_step_and_stays(mlp, data):
    net = make(mlp, 3, max_epochs=5).fit(*data)
    n_steps = 4 * 3
    expected = [0.1 * min(step / n_steps, 1) for step in range(1, 4 * 5 + 1)]
    assert rates_of(net) == pytest.approx(expected)


def test_none(mlp, data):
    assert set(rates_of(make(mlp, 0, max_epochs=2).fit(*data))) == {0.1}


def test_goes_on_in_the_middle(mlp, data):
    net = make(mlp, 3, max_epochs=2).fit(*data).partial_fit(*data)
    whole = make(mlp, 3, max_epochs=4).fit(*data)
    assert rates_of(net) == rates_of(whole)


def test_a_rate_set_in_between_is_the_new_full_rate(mlp, data):
    net = make(mlp, 3, max_epochs=2).fit(*data)
    net.set_params(lr=0.5).partial_fit(*data)
    assert rates_of(net)[-1] == 0.5


def test_groups_keep_their_ratio(mlp, data):
    groups = [("0.*", {"lr": 0.4})]
    net = make(mlp, 2, max_epochs=1, optimizer__param_groups=groups).fit(*data)
    first, rest = (group["lr"] for group in net.optimizer_.param_groups)
    assert (first, rest) == pytest.approx((0.2, 0.05))
    assert isinstance(net.optimizer_, torch.optim.Adam)

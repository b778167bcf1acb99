"""The learning rate of each epoch."""

import pickle

import pytest
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch.optim.lr_scheduler import LambdaLR

from skd2ace import MultiLabelNetClassifier
from skd2ace.training import LinearDecay, LinearWarmup


class Rates(Callback):
    def on_train_begin(self, net, **kwargs):
        self.rates_ = []

    def on_epoch_end(self, net, **kwargs):
        self.rates_.append([group["lr"] for group in net.optimizer_.param_groups])


def make(mlp, **params):
    return MultiLabelNetClassifier(
        mlp, lr=0.1, callbacks=[LinearDecay(), ("rates", Rates())], verbose=0, random_state=0,
        **params,
    )  # fmt: skip


def rates_of(net):
    return dict(net.callbacks_)["rates"].rates_


def slow_rates(*full, n_epochs):
    """By torch's scheduler."""
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "lr": rate} for rate in full])
    schedule = LambdaLR(optimizer, lambda epoch: 1 - epoch / n_epochs)
    rates = []
    for _ in range(n_epochs):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return rates


def test_falls_to_zero(mlp, data):
    net = make(mlp, max_epochs=5).fit(*data)
    assert rates_of(net) == [pytest.approx(rates) for rates in slow_rates(0.1, n_epochs=5)]


def test_each_fit_begins_at_the_full_rate(mlp, data):
    net = make(mlp, max_epochs=3).fit(*data)
    first = rates_of(net)
    assert rates_of(net.fit(*data)) == first
    assert rates_of(net.set_params(lr=0.4).fit(*data))[0] == [0.4]


def test_goes_on_to_the_end_of_the_longer_run(mlp, data):
    net = make(mlp, max_epochs=4).fit(*data)
    again = pickle.loads(pickle.dumps(net)).partial_fit(*data)
    expected = [pytest.approx(rates) for rates in slow_rates(0.1, n_epochs=8)[4:]]
    assert rates_of(again) == expected
    net.set_params(warm_start=True).fit(*data)
    assert rates_of(net) == expected


def test_a_fit_of_more_epochs(mlp, data):
    net = make(mlp, max_epochs=2).fit(*data).set_params(max_epochs=5).fit(*data)
    assert rates_of(net) == [pytest.approx(rates) for rates in slow_rates(0.1, n_epochs=5)]


def test_a_rate_set_in_between_is_the_new_full_rate(mlp, data):
    net = make(mlp, max_epochs=2).fit(*data).set_params(lr=0.8).partial_fit(*data)
    assert rates_of(net) == [pytest.approx(rates) for rates in slow_rates(0.8, n_epochs=4)[2:]]


def test_beside_a_warmup_that_has_not_ended(mlp, data):
    """Which of the two set the rates last: neither takes them for the full ones."""

    def fit(max_epochs):
        callbacks = [LinearWarmup(10), LinearDecay(), ("rates", Rates())]
        return make(mlp, max_epochs=max_epochs).set_params(callbacks=callbacks).fit(*data)

    whole = fit(14)
    assert rates_of(fit(4).set_params(max_epochs=10).partial_fit(*data)) == rates_of(whole)[4:]


def test_groups_keep_their_ratio(mlp, data):
    groups = [("0.*", {"lr": 0.01})]
    net = make(mlp, max_epochs=4, optimizer__param_groups=groups).fit(*data)
    found = [sorted(rates) for rates in rates_of(net)]
    assert found == [pytest.approx(rates) for rates in slow_rates(0.01, 0.1, n_epochs=4)]


def make_plain(mlp, X, Y, **params):
    return NeuralNet(
        mlp,
        criterion=torch.nn.BCEWithLogitsLoss,
        module__n_features=X.shape[1],
        module__n_labels=Y.shape[1],
        lr=0.1,
        train_split=None,
        callbacks=[LinearDecay(), ("rates", Rates())],
        verbose=0,
        **params,
    )


def test_a_plain_net_has_it_too(mlp, data):
    X, Y = (torch.as_tensor(part, dtype=torch.float32) for part in data)
    net = make_plain(mlp, X, Y, max_epochs=4).fit(X, Y)
    assert rates_of(net) == [pytest.approx(rates) for rates in slow_rates(0.1, n_epochs=4)]


def test_a_plain_net_is_planned_by_max_epochs(mlp, data):
    X, Y = (torch.as_tensor(part, dtype=torch.float32) for part in data)
    with pytest.raises(RuntimeError, match=r"epoch 4 of a run of 3.*Set max_epochs"):
        make_plain(mlp, X, Y, max_epochs=3).fit(X, Y, epochs=5)

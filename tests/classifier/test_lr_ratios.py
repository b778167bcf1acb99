"""Parameters that learn at a share of the learning rate: the gates of DELA."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler
from torch.optim.lr_scheduler import ExponentialLR

from skd2ace import MultiLabelNetClassifier


class Rates(Callback):
    """Notes both learning rates with which each step was made."""

    def initialize(self):
        self.pairs = []
        return self

    def on_batch_end(self, net, training=None, **kwargs):
        if training:
            self.pairs.append([group["lr"] for group in net.optimizer_.param_groups])


class Before(Callback):
    """Remembers the weights before the first step."""

    def on_train_begin(self, net, **kwargs):
        self.weight, self.bias = net.module_.weight.data.clone(), net.module_.bias.data.clone()


def rates(est):
    return np.array(dict(est.callbacks_)["rates"].pairs)


def test_gates_learn_at_their_share_through_warm_up_and_schedule(make_dela, data):
    schedule = ("schedule", LRScheduler(ExponentialLR, gamma=0.5))
    est = make_dela(callbacks=[("rates", Rates()), schedule], max_epochs=14).fit(*data)
    others, gates = rates(est).T
    assert len(set(others.round(12))) > 14
    np.testing.assert_allclose(gates, 0.8 * others, rtol=1e-12)


@pytest.mark.parametrize("ratio", [0.0, 0.3, 2.0])
def test_ratio_is_a_parameter(make_dela, data, ratio):
    est = make_dela(callbacks=[("rates", Rates())], module__gate_lr_ratio=ratio).fit(*data)
    np.testing.assert_allclose(rates(est)[:, 1], ratio * rates(est)[:, 0])


def test_rates_set_after_a_fit_keep_their_ratio(make_dela, data):
    est = make_dela(callbacks=[("rates", Rates())], callbacks__lr_warmup=None).fit(*data)
    est.set_params(lr=0.002).partial_fit(*data)
    np.testing.assert_allclose(rates(est)[-1], [0.002, 0.0016])


def test_going_on_within_the_warm_up_is_one_run(make_dela, data):
    """The gates' rate, made anew at each step, is not taken for one that a user has set."""
    whole = make_dela(max_epochs=6, batch_selector=None, train_split=None).fit(*data)
    parts = make_dela(max_epochs=3, batch_selector=None, train_split=None).fit(*data)
    parts.partial_fit(*data)
    for name, value in whole.module_.state_dict().items():
        assert torch.equal(value, parts.module_.state_dict()[name]), name


def test_any_network_may_have_ratios(data):
    class Slow(torch.nn.Linear):
        def lr_ratios(self):
            return [([self.bias], 0.1)]

    def make_network(n_features, n_labels):
        return Slow(n_features, n_labels)

    est = MultiLabelNetClassifier(
        make_network,
        optimizer=torch.optim.SGD,
        lr=0.5,
        max_epochs=1,
        batch_size=-1,
        train_split=None,
        random_state=0,
        verbose=0,
        callbacks=[("before", Before())],
    ).fit(*data)
    before, network = dict(est.callbacks_)["before"], est.module_
    torch.testing.assert_close(before.weight - 0.5 * network.weight.grad, network.weight.data)
    torch.testing.assert_close(before.bias - 0.05 * network.bias.grad, network.bias.data)


def test_only_gates_are_slowed(make_dela, data):
    est = make_dela().fit(*data)
    others, gates = est.optimizer_.param_groups
    names = {id(p): name for name, p in est.module_.named_parameters()}
    assert {names[id(p)] for p in gates["params"]} == {
        "gate_seed",
        "gate_scale.weight",
        "gate_scale.bias",
    }
    assert len(others["params"]) + 3 == len(names)

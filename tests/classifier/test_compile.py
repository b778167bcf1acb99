"""``compile=True``: what runs compiled, and that nothing else changes."""

import copy
import pickle

import pytest
import torch
from sklearn.base import clone
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from skd2ace import MultiLabelNetClassifier
from skd2ace.networks import LossOutput

# Whether each run of compiled code was one that a gradient follows: a training step.
RUNS = []

# Dynamo itself does what torch deprecates, where it meets a hand-written gradient, and advises
# against Python 3.13.0.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Guards may run slower on Python:RuntimeWarning"),
]


def counting(graph, inputs):
    """A backend for torch.compile that runs the graph as it is, and takes note of it."""

    def run(*args):
        RUNS.append(torch.is_grad_enabled())
        return graph.forward(*args)

    return run


class OwnLoss(nn.Linear):
    def __init__(self, n_features, n_labels, bias=True):
        super().__init__(n_features, n_labels, bias)

    def training_loss(self, X, Y, weights=None):
        logits = self(X)
        losses = binary_cross_entropy_with_logits(logits, Y, reduction="none")
        return LossOutput(losses.mean(), logits, losses, {"bce": losses.mean()})


@pytest.fixture(autouse=True)
def forgotten():
    RUNS.clear()
    torch._dynamo.reset()


@pytest.fixture
def make_own():
    def make_classifier(**params):
        few = {"max_epochs": 2, "batch_size": 16, "random_state": 0, "verbose": 0}
        return MultiLabelNetClassifier(OwnLoss, **few, **params)

    return make_classifier


# Of 60 instances 54 are trained on, in 4 batches of up to 16, for 2 epochs.
N_STEPS = 8


@pytest.mark.parametrize(
    "again",
    [lambda est: est, copy.deepcopy, lambda est: pickle.loads(pickle.dumps(est)), clone],
    ids=["itself", "deepcopy", "pickle", "clone"],
)
def test_every_step_of_a_loss_of_its_own_runs_compiled(make_own, data, again, assert_same):
    compiled = make_own(compile=True, compile__backend=counting).fit(*data)
    plain = make_own().fit(*data)
    assert RUNS.count(True) == N_STEPS
    assert_same(compiled, plain, data[0])
    compiled = again(compiled).partial_fit(*data)
    assert RUNS.count(True) == 2 * N_STEPS
    assert_same(compiled, again(plain).partial_fit(*data), data[0])


def test_another_network_is_compiled_anew(make_own, data):
    est = make_own(compile=True, compile__backend=counting).fit(*data)
    est.set_params(module__bias=False).fit(*data)
    assert est.module_.bias is None
    assert RUNS.count(True) == 2 * N_STEPS
    est.set_params(compile=False).fit(*data)
    assert RUNS.count(True) == 2 * N_STEPS


def test_compiled_training_goes_on_from_a_file(make_own, data, tmp_path, assert_same):
    compiled = {"compile": True, "compile__backend": counting}
    make_own(**compiled).fit(*data).save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", module=OwnLoss, **compiled)
    assert_same(again.partial_fit(*data), make_own().fit(*data).partial_fit(*data), data[0])
    assert RUNS.count(True) == 2 * N_STEPS


def test_clif_trains_compiled(make_clif, data, assert_same):
    params = {"max_epochs": 1, "batch_selector": None}
    compiled = make_clif(compile=True, compile__backend=counting, **params).fit(*data)
    assert RUNS.count(True) == N_STEPS / 2
    assert_same(compiled, make_clif(**params).fit(*data), data[0])


@pytest.mark.slow
@pytest.mark.parametrize("network", ["dela", "paca", "mpvae", "c2ae"])
def test_published_networks_train_compiled(network, data, request, assert_same):
    make = request.getfixturevalue(f"make_{network}")
    compiled = make(compile=True, compile__backend=counting, max_epochs=1).fit(*data)
    assert RUNS.count(True) == N_STEPS / 2
    assert_same(compiled, make(max_epochs=1).fit(*data), data[0])

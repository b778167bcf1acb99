"""What every network owes, whatever it is made of."""

import inspect
import pickle

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

import skd2ace.networks

B, D, Q = 7, 6, 4

NETWORKS = [
    cls
    for name in skd2ace.networks.__all__
    if inspect.isclass(cls := getattr(skd2ace.networks, name)) and issubclass(cls, nn.Module)
]


@pytest.fixture(params=NETWORKS)
def make(request):
    """Make the network of a seed; its label graph, where it has one, is of the labels below."""

    def make(n_labels=Q, seed=0):
        torch.manual_seed(seed)
        network = request.param(n_features=D, n_labels=n_labels)
        if hasattr(network, "fit_label_graph"):
            network.fit_label_graph(make_data(n_labels=n_labels)[1])
        return network

    return make


def make_data(n_instances=B, n_labels=Q, seed=0):
    generator = torch.Generator().manual_seed(seed)
    X = torch.rand(n_instances, D, generator=generator)
    return X, (torch.rand(n_instances, n_labels, generator=generator) < 0.4).float()


def loss_of(network, X, Y, weights=None):
    """The outcome of a step under a seed, so that dropout and noise are the same each time."""
    torch.manual_seed(1)
    return network.training_loss(X, Y, weights)


def assert_whole(out, network, Y, dtype=torch.float32):
    """Shapes and dtypes are those of the contract, and everything is finite."""
    assert out.loss.shape == ()
    assert out.logits.shape == out.label_losses.shape == Y.shape
    assert (out.label_losses >= 0).all()
    assert out.terms, "LossOutput.terms names the parts of the loss, at least one"
    for term in (out.loss, out.logits, out.label_losses, *out.terms.values()):
        assert term.dtype == dtype
        assert torch.isfinite(term).all()
    assert all(term.shape == () for term in out.terms.values())
    out.loss.backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("n_labels", [1, Q])
@pytest.mark.parametrize("n_instances", [1, B])
def test_a_step_is_whole(make, n_instances, n_labels, dtype):
    network = make(n_labels).to(dtype).train()
    X, Y = (part.to(dtype) for part in make_data(n_instances, n_labels))
    assert_whole(loss_of(network, X, Y), network, Y, dtype)
    logits = network.eval()(X)
    assert logits.shape == Y.shape
    assert logits.dtype == dtype


@pytest.mark.parametrize("scale", [0.0, 1e3])
def test_features_that_nobody_scaled(make, scale):
    network, (X, Y) = make().train(), make_data()
    assert_whole(loss_of(network, scale * (X - 0.5), Y), network, Y)


@pytest.mark.parametrize("value", [0, 1])
def test_labels_that_are_all_alike(make, value):
    network, (X, Y) = make().train(), make_data()
    assert_whole(loss_of(network, X, torch.full_like(Y, value)), network, Y)


def test_evaluation_is_of_the_prediction(make):
    """Logits are those of ``forward``, losses their cross-entropy; nothing is drawn."""
    network, (X, Y) = make().eval(), make_data()
    before = torch.get_rng_state()
    out = network.training_loss(X, Y)
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(out.logits, network(X))
    expected = binary_cross_entropy_with_logits(out.logits, Y, reduction="none")
    torch.testing.assert_close(out.label_losses, expected)


def test_an_instance_is_predicted_alone_as_among_others(make):
    network, (X, _) = make().eval(), make_data()
    alone = torch.cat([network(row) for row in X.split(1)])
    torch.testing.assert_close(network(X), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("shape", [(B,), (B, Q)], ids=str)
def test_weights_of_ones_change_nothing(make, shape, mode):
    network, (X, Y) = make().train(mode), make_data()
    plain, weighted = loss_of(network, X, Y), loss_of(network, X, Y, torch.ones(shape))
    torch.testing.assert_close(weighted.loss, plain.loss)
    assert weighted.terms.keys() == plain.terms.keys()
    for name, term in plain.terms.items():
        torch.testing.assert_close(weighted.terms[name], term)


@pytest.mark.parametrize("shape", [(B,), (B, Q)], ids=str)
def test_weights_reach_the_loss_only(make, shape):
    """The loss is linear in them; predictions and losses that selectors are told have none."""
    network, (X, Y) = make().double().eval(), [part.double() for part in make_data()]
    weights = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    plain = loss_of(network, X, Y)
    losses = []
    for factor in (0, 1, 2):
        out = loss_of(network, X, Y, factor * weights)
        torch.testing.assert_close(out.logits, plain.logits)
        torch.testing.assert_close(out.label_losses, plain.label_losses)
        losses.append(out.loss)
    torch.testing.assert_close(losses[2] - losses[1], losses[1] - losses[0])
    assert losses[1] != losses[0]


def test_instances_of_weight_zero_are_not_there(make):
    """What is left of the loss is of the parameters alone."""
    network, (X, Y) = make().eval(), make_data()
    nobody = torch.zeros(B)
    loss = loss_of(network, X, Y, nobody).loss
    torch.testing.assert_close(loss_of(network, 1 - X, 1 - Y, nobody).loss, loss)
    some = torch.tensor([1.0] * (B - 1) + [0.0])
    changed = X.clone(), Y.clone()
    changed[0][-1], changed[1][-1] = 1 - X[-1], 1 - Y[-1]
    torch.testing.assert_close(
        loss_of(network, *changed, some).loss, loss_of(network, X, Y, some).loss
    )


def test_pickles(make):
    network, (X, Y) = make(), make_data()
    copy = pickle.loads(pickle.dumps(network))
    assert loss_of(copy.train(), X, Y).loss == loss_of(network.train(), X, Y).loss
    assert torch.equal(copy.eval()(X), network.eval()(X))


def test_its_state_is_all_there_is_to_it(make):
    """After a step in training, so that running statistics have moved."""
    network, (X, Y) = make().train(), make_data()
    loss_of(network, X, Y).loss.backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= 0.1 * parameter.grad
    state = {name: value.clone() for name, value in network.state_dict().items()}
    other = make(seed=5)
    assert not torch.equal(other.eval()(X), network.eval()(X))
    other.load_state_dict(state)
    assert torch.equal(other.eval()(X), network.eval()(X))
    assert loss_of(other.train(), X, Y).loss == loss_of(network.train(), X, Y).loss


def test_a_seed_makes_one_network(make):
    X, Y = make_data()
    assert loss_of(make(), X, Y).loss == loss_of(make(), X, Y).loss
    assert loss_of(make(), X, Y).loss != loss_of(make(seed=5), X, Y).loss


def test_it_learns(make):
    network, (X, Y) = make().train(), make_data(60)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    before = network.eval().training_loss(X, Y).label_losses.mean().item()
    network.train()
    for _ in range(60):
        optimizer.zero_grad()
        network.training_loss(X, Y).loss.backward()
        optimizer.step()
    after = network.eval().training_loss(X, Y).label_losses.mean().item()
    assert after < 0.98 * before


def test_ratios_of_learning_rates_are_of_its_own_parameters(make):
    network = make()
    own = {id(parameter) for parameter in network.parameters()}
    for parameters, ratio in getattr(network, "lr_ratios", list)():
        assert {id(parameter) for parameter in parameters} <= own
        assert ratio > 0

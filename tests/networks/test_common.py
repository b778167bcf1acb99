"""What every network owes, whatever it is made of."""

import inspect
import pickle

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

import skd2ace.networks
from skd2ace.networks import C2AE, MPVAE, TabM

B, D, Q = 7, 6, 4

NETWORKS = [
    cls
    for name in skd2ace.networks.__all__
    if inspect.isclass(cls := getattr(skd2ace.networks, name)) and issubclass(cls, nn.Module)
    # Losses are none, heads of backbones have tests of their own, and the MLP, which is TabM of one
    # member, leaves its loss open.
    if "n_features" in inspect.signature(cls).parameters and hasattr(cls, "training_loss")
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


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_a_step_under_autocast_is_close_to_that_in_single_precision(make, dtype):
    network, (X, Y) = make().eval(), make_data()
    expected = loss_of(network, X, Y)
    with torch.autocast("cpu", dtype):
        out, logits = loss_of(network, X, Y), network(X)
    for found in (out.logits, logits):
        torch.testing.assert_close(found.float(), expected.logits, rtol=0.05, atol=0.05)
    torch.testing.assert_close(out.loss, expected.loss, rtol=0.02, atol=0.02)
    with torch.autocast("cpu", dtype):
        loss_of(network.train(), X, Y).loss.backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in network.parameters())


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


def gradients(network, out):
    network.zero_grad()
    out.loss.backward()
    return [parameter.grad for parameter in network.parameters()]


def hide(Y):
    hidden = torch.zeros(Y.shape, dtype=torch.bool)
    hidden[2], hidden[:, 1], hidden[3, 2] = True, True, True
    return torch.where(hidden, torch.nan, Y), hidden


# What a loss is of where it is not of the logits: a layer, when it is called first.
TRAINED = {TabM: "head", MPVAE: "feature_head", C2AE: "decoder"}


def taught(network, Y):
    """Labels that a step learns from: of C2AE those that can be compared with others."""
    known = ~Y.isnan()
    if not isinstance(network, C2AE):
        return known
    return known & (Y == 1).any(1, keepdim=True) & (Y == 0).any(1, keepdim=True)


@pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("shape", [None, (B,), (B, Q)], ids=["none", "rows", "cells"])
def test_unknown_labels_teach_nothing(make, shape, mode):
    network, (X, Y) = make().train(mode), make_data()
    Y, hidden = hide(Y)
    generator = torch.Generator().manual_seed(0)
    weights = None if shape is None else torch.rand(shape, generator=generator) + 0.1
    outputs = []
    for layer in (
        getattr(network, name) for kind, name in TRAINED.items() if isinstance(network, kind)
    ):
        layer.register_forward_hook(lambda module, given, output: outputs.append(output))
    out = loss_of(network, X, Y, weights)
    trained = outputs[0] if outputs else out.logits
    (slopes,) = torch.autograd.grad(out.loss, trained, retain_graph=True)
    expected = taught(network, Y)
    assert 0 < expected.sum() < Y.numel()
    expected = expected[:, None] if trained.ndim == 3 else expected
    assert torch.equal(slopes != 0, expected.expand_as(trained))
    assert all(step is None or torch.isfinite(step).all() for step in gradients(network, out))
    truth = binary_cross_entropy_with_logits(out.logits, Y.nan_to_num(), reduction="none")
    torch.testing.assert_close(out.label_losses, truth.masked_fill(hidden, 0))
    if mode:
        assert_whole(loss_of(network, X, Y, weights), network, Y)


def test_the_weight_of_an_unknown_label_changes_no_bit(make):
    network, (X, Y) = make().train(), make_data()
    Y, hidden = hide(Y)
    weights, outcomes = torch.rand(B, Q), []
    for held in (0.0, 1.0, 7.0):
        out = loss_of(network, X, Y, torch.where(hidden, held, weights))
        outcomes.append([out.loss, out.logits, out.label_losses, *gradients(network, out)])
    for other in outcomes[1:]:
        pairs = zip(outcomes[0], other, strict=True)
        assert all(a is b is None or torch.equal(a, b) for a, b in pairs)


# Terms that are of the prediction, where they are not called bce. C2AE's loss has none: what it
# ranks is decoded from the labels, all of which its encoder reads.
OF_PREDICTION = {MPVAE: ["nll", "ranking"], C2AE: []}


def test_what_a_cell_of_weight_zero_holds_changes_no_prediction_loss(make):
    network, (X, Y) = make().eval(), make_data()
    weights = torch.rand(B, Q) + 0.1
    weights[:, 1], weights[3, 2] = 0, 0
    outcomes = []
    for held in (0.0, 1.0, torch.nan):
        out = loss_of(network, X, torch.where(weights == 0, held, Y), weights)
        terms = [out.terms[name] for name in OF_PREDICTION.get(type(network), ["bce"])]
        outcomes.append([*terms, *out.logits.flatten(), *out.label_losses[weights > 0]])
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_a_label_graph_counts_by_weight(make):
    """Of instances by repeating them, of cells by loops; equal weights, of labels too, are none."""
    network, generator = make(), torch.Generator().manual_seed(2)
    if not hasattr(network, "fit_label_graph"):
        return

    def graph_of(Y, weights=None):
        network.fit_label_graph(Y, weights)
        return network.label_graph.clone()

    Y = (torch.rand(40, Q, generator=generator) < 0.4).float()
    Y[:, 3] = 0
    plain = graph_of(Y)
    assert plain.count_nonzero() == 6
    for equal in (torch.ones(40), torch.full((40,), 0.3), torch.full((40, Q), 7.0)):
        assert torch.equal(graph_of(Y, equal), plain)
    torch.testing.assert_close(graph_of(Y, torch.rand(Q).expand(40, Q)), plain)
    times = torch.randint(4, (40,), generator=generator)
    repeated = graph_of(Y.repeat_interleave(times, dim=0))
    assert not torch.allclose(repeated, plain, atol=0.01)
    torch.testing.assert_close(graph_of(Y, times), repeated)
    torch.testing.assert_close(graph_of(Y, 0.01 * times[:, None].expand(40, Q)), repeated)
    weights = torch.rand(40, Q, generator=generator)
    weights[torch.rand(40, Q, generator=generator) < 0.4] = 0
    hidden = torch.where(weights == 0, torch.nan, Y)
    torch.testing.assert_close(graph_of(hidden, weights), slow_graph(Y.tolist(), weights.tolist()))
    assert graph_of(torch.full((40, Q), torch.nan), torch.zeros(40)).count_nonzero() == 0


def slow_graph(Y, weights):
    graph = torch.zeros(Q, Q)
    for i in range(Q):
        for j in range(Q):
            of_i = [n for n in range(len(Y)) if Y[n][i] and weights[n][j] and i != j]
            pair = {n: (weights[n][i] * weights[n][j]) ** 0.5 for n in of_i}
            total = sum(pair.values())
            share = sum(w for n, w in pair.items() if Y[n][j]) / total if total else 0
            graph[i, j] += share / 2
            graph[j, i] += share / 2
    return graph


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
    if isinstance(network, MPVAE):
        # At its default the ranking of labels that depend on nothing is all that counts.
        network.ranking_weight = 1.0
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

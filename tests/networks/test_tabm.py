"""TabM against one plain network for each member, and who is blind to what."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, relu

from skd2ace.networks import MLP, TabM
from skd2ace.networks._blindness import Blindness
from skd2ace.networks._layers import ByteDropout
from skd2ace.networks._tabm import average_members

K = 6


def make(sharing="shared", **params):
    """A network in which every parameter is another for each member, in double precision."""
    torch.manual_seed(0)
    settings = {"k": K, "width": 8, "dropout": 0.0, "n_parts": 3, "sharing": sharing} | params
    network = TabM(5, 4, **settings).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return network


def make_data(n=7):
    generator = torch.Generator().manual_seed(1)
    X = torch.randn(n, 5, generator=generator, dtype=torch.float64)
    return X, (torch.rand(n, 4, generator=generator) < 0.4).double()


def one_member(network, m, x):
    """Logits of a member for one instance, layer by layer: w_m = s_m w r_m."""
    for layer in network.layers:
        if hasattr(layer, "r"):
            x = layer.s[m] * (layer.weight @ (layer.r[m] * x)) + layer.bias[m]
        elif layer.weight.ndim == 3:
            x = x @ layer.weight[m] + layer.bias[m]
        else:
            x = layer.weight @ x + layer.bias
        x = relu(x)
    return x @ network.head.weight[m] + network.head.bias[m]


def members_of(network, X):
    return [[one_member(network, m, x) for m in range(network.k)] for x in X]


@pytest.mark.parametrize("sharing", ["shared", "mini", "packed"])
def test_members_are_networks_of_their_own(sharing):
    network, (X, _) = make(sharing), make_data()
    slow = torch.stack([torch.stack(row) for row in members_of(network, X)])
    torch.testing.assert_close(network.member_logits(X), slow)
    torch.testing.assert_close(network(X).sigmoid(), slow.sigmoid().mean(1))


def test_how_much_is_shared():
    sizes = {kind: sum(p.numel() for p in make(kind).parameters()) for kind in ("mini", "packed")}
    whole = sum(p.numel() for p in make().parameters())
    assert sizes["mini"] < whole < sizes["packed"]
    alone = sum(p.numel() for p in MLP(5, 4, width=8).parameters())
    assert sizes["packed"] == K * alone
    assert alone == (5 * 8 + 8) + (8 * 8 + 8) + (8 * 4 + 4)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_the_mean_of_those_of_members_that_see_a_row(weighted):
    network, (X, Y) = make(), make_data()
    index = torch.tensor([3, 0, 11, 5, 8, 100, 2])
    weights = torch.rand(7, 4, dtype=torch.float64) if weighted else None
    blind = network.blindness(index)
    assert blind.any()
    total = 0.0
    rows = zip(members_of(network, X), Y, blind, strict=True)
    for i, (members, y, hidden) in enumerate(rows):
        seeing = [m for m in range(K) if not hidden[m]]
        proba = torch.stack([members[m].sigmoid() for m in seeing])
        losses = torch.stack([binary_cross_entropy(p, y, reduction="none") for p in proba])
        total += (losses.mean(0) * (1 if weights is None else weights[i])).sum()
        out = network.training_loss(X, Y, weights, index=index)
        torch.testing.assert_close(out.logits[i].sigmoid(), proba.mean(0))
        truth = binary_cross_entropy(proba.mean(0), y, reduction="none")
        torch.testing.assert_close(out.label_losses[i], truth)
    torch.testing.assert_close(out.loss, total / Y.numel())


def test_out_of_bag_are_those_that_do_not_see_a_row():
    network, (X, _) = make(k=5), make_data(30)
    index = torch.arange(30)
    blind = network.blindness(index)
    proba = network.out_of_bag_logits(X, index).sigmoid()
    for i, members in enumerate(members_of(network, X)):
        hidden = [members[m].sigmoid() for m in range(5) if blind[i, m]]
        torch.testing.assert_close(proba[i], torch.stack(hidden).mean(0))


def test_a_blind_member_learns_nothing_from_a_row():
    network, (X, Y) = make("packed"), make_data(1)
    index = torch.tensor([4])
    network.training_loss(X, Y, index=index).loss.backward()
    steps = network.head.weight.grad.flatten(1).abs().sum(1)
    assert torch.equal(steps == 0, network.blindness(index)[0])


def test_without_positions_nobody_is_blind():
    network, (X, Y) = make(), make_data()
    out = network.training_loss(X, Y)
    torch.testing.assert_close(out.logits, network(X))


@pytest.mark.parametrize(("n_members", "n_parts"), [(16, 4), (6, 2), (12, 3)])
def test_each_group_of_members_deals_out_the_rows_anew(n_members, n_parts):
    blindness = Blindness(n_members, n_parts)
    blind = blindness(torch.arange(20_000))
    assert (blind.view(20_000, -1, n_parts).sum(2) == 1).all()
    # Five standard deviations of a share of that many rows.
    share = 1 / n_parts
    spread = 5 * (share * (1 - share) / 20_000) ** 0.5
    assert (blind.double().mean(0) - share).abs().max() < spread
    others = torch.corrcoef(blind[:, ::n_parts].T.double()).fill_diagonal_(0)
    assert others.abs().max() < 5 / 20_000**0.5


def test_dealing_depends_on_the_seed_and_the_position_only():
    torch.manual_seed(0)
    first, second = Blindness(8, 4), Blindness(8, 4)
    index = torch.arange(100)
    assert not torch.equal(first(index), second(index))
    order = torch.randperm(100)
    assert torch.equal(first(index)[order], first(order))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(index), second(index))


def test_fewer_members_than_parts_leave_rows_that_all_see():
    network, (X, _) = make(k=2, n_parts=5), make_data(40)
    index = torch.arange(40)
    unseen = network.blindness(index).any(1)
    assert 0 < unseen.sum() < 40
    assert torch.equal(network.out_of_bag_logits(X, index).isnan().all(1), ~unseen)


def test_averages_of_probabilities_stay_finite():
    members = torch.tensor([[[-200.0, 200.0, 60.0], [-200.0, 200.0, -60.0]]])
    average = average_members(members)
    torch.testing.assert_close(average, torch.tensor([[-200.0, 200.0, 0.0]]))


def test_one_member_has_nothing_out_of_bag():
    network = TabM(5, 4, k=1)
    assert not network.has_out_of_bag
    with pytest.raises(ValueError, match="All members see all rows"):
        network.out_of_bag_logits(torch.rand(2, 5), torch.arange(2))


def copy_to_member(network, mlp):
    """Give the one member of a network the weights of an MLP."""
    mine = mlp.state_dict()
    for name, value in network.state_dict().items():
        theirs = mine[name]
        if not name.startswith("embedding"):
            theirs = (theirs.T if name.endswith("weight") else theirs)[None]
        value.copy_(theirs)


@pytest.mark.parametrize("embedding_size", [None, 3])
def test_one_member_is_the_mlp(embedding_size):
    """With the same weights, what is left out of a training step included."""
    settings = {"width": 8, "embedding_size": embedding_size}
    mlp, one = MLP(5, 4, **settings), TabM(5, 4, k=1, **settings)
    copy_to_member(one, mlp)
    X, Y = make_data()
    X, Y = X.float(), Y.float()
    losses = []
    for loss_of in (
        lambda: binary_cross_entropy_with_logits(mlp(X), Y),
        lambda: one.training_loss(X, Y).loss,
    ):
        torch.manual_seed(0)
        losses.append(loss_of())
        losses[-1].backward()
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(one.head.weight.grad[0].T, mlp.head.weight.grad)
    torch.testing.assert_close(one.eval()(X), mlp.eval()(X))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"sharing": "none"}, "sharing must be 'shared', 'mini' or 'packed', got 'none'"),
        ({"n_parts": 1}, "n_parts must be at least 2, or None, got 1"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"dropout": -0.1}, r"dropout must be in \[0, 1\), got -0.1"),
    ],
)
def test_settings_that_make_no_network(params, message):
    with pytest.raises(ValueError, match=message):
        TabM(5, 4, **params)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropout_leaves_out_its_share_and_keeps_the_mean(p):
    torch.manual_seed(0)
    dropout = ByteDropout(p)
    units = dropout(torch.ones(1000, 1000))
    share = round(256 * p) / 256
    torch.testing.assert_close(units.max(), torch.tensor(1 / (1 - share)))
    assert ((units == 0).double().mean() - share).abs() < 5 * (share * (1 - share)) ** 0.5 / 1000
    # No pattern from one byte of a random word to the next, where the sign of the word lies too.
    of_byte = (units == 0).view(-1, 8).double().mean(0)
    assert (of_byte - share).abs().max() < 5 * (share * (1 - share) / 125_000) ** 0.5
    assert torch.equal(dropout.eval()(units), units)


def test_an_embedding_is_piecewise_linear():
    """Second differences on a fine grid are zero but where a quantile of the normal law lies."""
    torch.manual_seed(0)
    network = TabM(1, 2, embedding_size=3).double()
    with torch.no_grad():
        for parameter in network.embedding.parameters():
            parameter.add_(torch.randn_like(parameter))
    grid = torch.linspace(-4, 4, 8001, dtype=torch.float64)[:, None]
    embedded = network.embedding(grid)[:, 0]
    bends = embedded.diff(n=2, dim=0).abs().amax(1) > 1e-9
    found = grid[1:-1, 0][bends]
    quantiles = torch.special.ndtri(torch.arange(1, 16, dtype=torch.float64) / 16)
    assert all((found - q).abs().min() < 2e-3 for q in quantiles)
    edges = torch.cat((quantiles, quantiles[[0, -1]] + torch.tensor([-1.0, 1.0])))
    assert all((edges - at).abs().min() < 2e-3 for at in found)

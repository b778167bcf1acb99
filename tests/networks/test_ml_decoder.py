"""ML-Decoder against its equations, written out in loops."""

import numpy as np
import pytest
import torch

from skd2ace.networks import MLDecoder

SMALL = {"embedding_size": 6, "n_heads": 2, "feedforward_size": 5}


def make(n_labels=7, n_channels=3, seed=0, **params):
    """A head whose parameters are all drawn: normalisations and biases say something too."""
    torch.manual_seed(seed)
    head = MLDecoder(n_channels, n_labels, **{**SMALL, **params}).double().eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_()
    return head


def make_map(n_images=2, n_channels=3, shape=(2, 3), seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_images, n_channels, *shape, generator=generator, dtype=torch.float64)


def normalize(x, weight, bias):
    mean = sum(x) / len(x)
    variance = sum((value - mean) ** 2 for value in x) / len(x)
    return np.array([(value - mean) / (variance + 1e-5) ** 0.5 for value in x]) * weight + bias


def attend(query, E, state, n_heads):
    """One query's multi-head attention over the rows of E (Vaswani et al. 2017, 3.2.2)."""
    d = len(query)
    W, b = state["attention.in_proj_weight"], state["attention.in_proj_bias"]
    heads = []
    for h in range(n_heads):
        rows = np.arange(h * d // n_heads, (h + 1) * d // n_heads)
        q = W[rows] @ query + b[rows]
        scores, values = [], []
        for e in E:
            k = W[d + rows] @ e + b[d + rows]
            scores.append(sum(q * k) / len(rows) ** 0.5)
            values.append(W[2 * d + rows] @ e + b[2 * d + rows])
        shares = np.exp(scores) / np.sum(np.exp(scores))
        heads.append(sum(share * value for share, value in zip(shares, values, strict=True)))
    out = np.concatenate(heads)
    return state["attention.out_proj.weight"] @ out + state["attention.out_proj.bias"]


def expected_logits(head, feature_map, n_labels, n_groups, n_heads=2):
    state = {name: value.numpy() for name, value in head.state_dict().items()}
    g = -(-n_labels // n_groups)
    logits = np.empty((len(feature_map), n_labels))
    for n, image in enumerate(feature_map.numpy()):
        places = [image[:, y, x] for y in range(image.shape[1]) for x in range(image.shape[2])]
        E = [state["embed.weight"] @ place + state["embed.bias"] for place in places]
        for i in range(n_labels):
            G = state["queries"][i // g]
            G1 = normalize(
                G + attend(G, E, state, n_heads),
                state["attention_norm.weight"],
                state["attention_norm.bias"],
            )
            hidden = state["feedforward.0.weight"] @ G1 + state["feedforward.0.bias"]
            hidden = np.array([max(unit, 0) for unit in hidden])
            out = state["feedforward.3.weight"] @ hidden + state["feedforward.3.bias"]
            G2 = normalize(
                G1 + out, state["feedforward_norm.weight"], state["feedforward_norm.bias"]
            )
            # Row i mod g of the layer of group i div g: groups are one below the other.
            row = (i // g) * g + i % g
            logits[n, i] = state["classifier.weight"][row] @ G2 + state["classifier.bias"][row]
    return torch.from_numpy(logits)


# Labels and groups; the groups that there are, and their size.
GROUPS = {(7, 7): (7, 1), (7, 3): (3, 3), (6, 2): (2, 3), (5, 4): (3, 2), (7, 1): (1, 7),
          (1, 1): (1, 1)}  # fmt: skip


@pytest.mark.parametrize(("sizes", "made"), GROUPS.items(), ids=str)
def test_the_equations_written_out(sizes, made):
    n_labels, n_groups = sizes
    head, feature_map = make(n_labels, n_groups=n_groups), make_map()
    assert (len(head.queries), head.group_size) == made
    torch.testing.assert_close(
        head(feature_map), expected_logits(head, feature_map, n_labels, n_groups)
    )


def test_groups_are_as_many_as_labels_up_to_a_hundred():
    for n_labels, n_queries in ((1, 1), (20, 20), (100, 100), (101, 51), (1000, 100)):
        assert len(MLDecoder(3, n_labels, **SMALL).queries) == n_queries


def test_defaults_are_the_papers():
    head = MLDecoder(2048, 80)
    assert head.queries.shape == (80, 768)
    assert (head.attention.num_heads, head.attention.dropout) == (8, 0.1)
    assert head.feedforward[0].out_features == 2048


def test_a_label_is_told_by_the_query_of_its_group():
    """Another query changes the labels of its group, and no other."""
    head, feature_map = make(7, n_groups=3), make_map()
    before = head(feature_map)
    head.queries[1] += 1
    changed = (head(feature_map) != before).all(0)
    assert changed.tolist() == [False] * 3 + [True] * 3 + [False]


def test_positions_have_no_order():
    head, feature_map = make(), make_map()
    shuffled = feature_map.flatten(2)[:, :, torch.randperm(6)].view(feature_map.shape)
    torch.testing.assert_close(head(shuffled), head(feature_map))


def test_features_without_positions():
    head, features = make(), make_map(shape=(1, 1))
    torch.testing.assert_close(head(features[:, :, 0, 0]), head(features))


def test_an_instance_is_predicted_alone_as_among_others():
    head, feature_map = make(), make_map(5)
    alone = torch.cat([head(image) for image in feature_map.split(1)])
    torch.testing.assert_close(head(feature_map), alone)


def test_gradients_are_those_of_finite_differences():
    head, feature_map = make(5, n_groups=2), make_map().requires_grad_()
    parameters = dict(head.named_parameters())

    def logits(feature_map, *values):
        changed = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(head, changed, (feature_map,))

    assert torch.autograd.gradcheck(logits, (feature_map, *parameters.values()))


def test_queries_are_drawn_once_and_never_trained():
    head, same, other = make(), make(), make(seed=5)
    assert torch.equal(head.queries, same.queries)
    assert not torch.equal(head.queries, other.queries)
    queries = head.queries.clone()
    head.train()
    optimizer = torch.optim.Adam(head.parameters(), weight_decay=0.1)
    head(make_map()).sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
    optimizer.step()
    assert torch.equal(head.queries, queries)
    other.load_state_dict(head.state_dict())
    assert torch.equal(other(make_map()), head.eval()(make_map()))


def test_dropout_is_of_training():
    head, feature_map = make(dropout=0.5), make_map()
    assert torch.equal(head(feature_map), head(feature_map))
    head.train()
    assert not torch.equal(head(feature_map), head(feature_map))
    without = make(dropout=0.0)
    assert torch.equal(without.train()(feature_map), without.eval()(feature_map))


@pytest.mark.parametrize("scale", [0.0, 1e4])
def test_features_that_nobody_scaled(scale):
    head = MLDecoder(3, 4, **SMALL)
    logits = head(scale * make_map(1).float())
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in head.parameters())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_groups": 5}, "n_groups must be at most n_labels=4, got 5"),
        ({"n_labels": "4"}, "'n_labels' parameter of MLDecoder"),
        ({"n_groups": 0}, "'n_groups' parameter of MLDecoder"),
        ({"n_heads": 4}, "n_heads must divide embedding_size=6, got 4"),
        ({"embedding_size": 0}, "'embedding_size' parameter of MLDecoder"),
        ({"feedforward_size": 2.5}, "'feedforward_size' parameter of MLDecoder"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_what_is_out_of_range(params, message):
    with pytest.raises(ValueError, match=message):
        MLDecoder(**{"n_channels": 3, "n_labels": 4, **SMALL, **params})

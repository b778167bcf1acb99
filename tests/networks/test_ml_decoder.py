"""ML-Decoder against its equations, written out in loops over queries, heads and positions."""

import math

import pytest
import torch

from skd2ace.networks import MLDecoder


@pytest.fixture
def make():
    def make_head(n_labels=5, n_groups=2, **params):
        torch.manual_seed(0)
        small = {"embedding_size": 6, "n_heads": 2, "feedforward_size": 7, **params}
        head = MLDecoder(3, n_labels, n_groups, **small).double()
        for parameter in head.parameters():
            torch.nn.init.normal_(parameter)
        return head.eval()

    return make_head


def layer_norm(v, norm):
    mean = sum(v) / len(v)
    variance = sum((x - mean) ** 2 for x in v) / len(v)
    scaled = [(x - mean) / math.sqrt(variance + norm.eps) for x in v]
    return [float(w) * x + float(b) for w, x, b in zip(norm.weight, scaled, norm.bias, strict=True)]


def affine(v, weight, bias):
    return [
        sum(float(w) * x for w, x in zip(row, v, strict=True)) + float(b)
        for row, b in zip(weight, bias, strict=True)
    ]


def attend(query, positions, attention):
    """softmax(q . k / sqrt(size of a head)) of each head, its values summed by that."""
    e, n_heads = attention.embed_dim, attention.num_heads
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    q = affine(query, weights[0], biases[0])
    keys, values = ([affine(p, weights[i], biases[i]) for p in positions] for i in (1, 2))
    size, found = e // n_heads, []
    for h in range(n_heads):
        part = slice(h * size, (h + 1) * size)
        scores = [
            sum(a * b for a, b in zip(q[part], k[part], strict=True)) / size**0.5 for k in keys
        ]
        shares = [math.exp(s) for s in scores]
        for c in range(part.start, part.stop):
            found.append(sum(w * v[c] for w, v in zip(shares, values, strict=True)) / sum(shares))
    return affine(found, attention.out_proj.weight, attention.out_proj.bias)


def logits_of(head, feature_map):
    """Logits (q,) of one map, a list of positions each of n_channels numbers."""
    positions = [
        [max(x, 0.0) for x in affine(p, head.project.weight, head.project.bias)]
        for p in feature_map
    ]
    logits = []
    for k, query in enumerate(head.queries.tolist()):
        start = layer_norm(query, head.norms[0])
        found = attend(start, positions, head.attend)
        gathered = layer_norm([a + b for a, b in zip(start, found, strict=True)], head.norms[1])
        first, last = head.feed_forward[0], head.feed_forward[-1]
        hidden = [max(x, 0.0) for x in affine(gathered, first.weight, first.bias)]
        added = affine(hidden, last.weight, last.bias)
        group = layer_norm([a + b for a, b in zip(gathered, added, strict=True)], head.norms[2])
        for j in range(math.ceil(head.n_labels / len(head.queries))):
            w = head.group_weight[k, :, j].tolist()
            product = sum(a * b for a, b in zip(w, group, strict=True))
            logits.append(product + float(head.group_bias[k, j]))
    return logits[: head.n_labels]


@pytest.mark.parametrize(("n_labels", "n_groups"), [(5, 2), (4, 4), (7, 3), (1, 1)])
def test_the_equations_written_out(make, n_labels, n_groups):
    head = make(n_labels, n_groups).requires_grad_(False)
    maps = torch.randn(2, 3, 2, 2, dtype=torch.float64)
    expected = [logits_of(head, m.flatten(1).T.tolist()) for m in maps]
    torch.testing.assert_close(head(maps), torch.tensor(expected, dtype=torch.float64))
    pooled = torch.randn(2, 3, dtype=torch.float64)
    expected = [logits_of(head, [row]) for row in pooled.tolist()]
    torch.testing.assert_close(head(pooled), torch.tensor(expected, dtype=torch.float64))


def test_gradients_are_those_of_finite_differences(make):
    head = make(embedding_size=4)
    maps = torch.randn(2, 3, 2, 1, dtype=torch.float64, requires_grad=True)
    parameters = dict(head.named_parameters())
    assert "queries" not in parameters

    def logits(maps, *values):
        changed = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(head, changed, (maps,))

    assert torch.autograd.gradcheck(logits, (maps, *parameters.values()))


def test_an_image_does_not_depend_on_the_others(make):
    head, maps = make(), torch.randn(3, 3, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(head(maps)[1:2], head(maps[1:2]))


@pytest.mark.parametrize(("n_labels", "n_groups"), [(20, 20), (100, 100), (983, 100)])
def test_as_many_groups_as_labels_and_a_hundred_at_most(n_labels, n_groups):
    head = MLDecoder(4, n_labels, embedding_size=8)
    assert len(head.queries) == n_groups
    assert head(torch.randn(2, 4, 3, 3)).shape == (2, n_labels)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_groups": 5}, "n_groups=5 is more than the 4 labels"),
        ({"n_groups": 0}, "'n_groups' parameter of MLDecoder"),
        ({"embedding_size": 12}, "embedding_size=12 is no multiple of n_heads=8"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_what_is_out_of_range(params, message):
    with pytest.raises(ValueError, match=message):
        MLDecoder(5, 4, **params)

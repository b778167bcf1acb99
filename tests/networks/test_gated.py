"""The blockwise pass against plain operations."""

import pytest
import torch
from torch.nn import functional as F

from skd2ace.networks import _gated
from skd2ace.networks._gated import gated_logits


def plain(features, gates, weight, bias, classifier_weight, classifier_bias):
    product = features[:, None] * gates
    hidden = F.leaky_relu(product @ weight.T + bias, 0.1)
    return (hidden * classifier_weight).sum(-1) + classifier_bias


def arguments(b, q, h, dtype=torch.float64):
    torch.manual_seed(0)
    shapes = [(b, h), (q, h), (h, h), (h,), (q, h), (q,)]
    return [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes]


@pytest.fixture(params=[1, 8, 1000], ids="{} rows".format)
def rows(request, monkeypatch):
    monkeypatch.setattr(_gated, "_CPU_ROWS", request.param)


@pytest.mark.parametrize(("b", "q"), [(1, 1), (4, 7), (3, 5)])
@pytest.mark.usefixtures("rows")
def test_values_and_gradients(b, q):
    ours, theirs = arguments(b, q, 6), arguments(b, q, 6)
    direction = torch.randn(b, q, dtype=torch.float64)
    out, expected = gated_logits(*ours), plain(*theirs)
    torch.testing.assert_close(out, expected)
    (out * direction).sum().backward()
    (expected * direction).sum().backward()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad)
    with torch.no_grad():
        torch.testing.assert_close(gated_logits(*ours), expected)


@pytest.mark.usefixtures("rows")
def test_gradcheck():
    assert torch.autograd.gradcheck(gated_logits, arguments(3, 4, 5))

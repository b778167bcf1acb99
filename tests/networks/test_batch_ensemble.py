"""The layer in one pass against the package's layer and torch's operations, one by one."""

import pytest
import torch
from tabm import LinearBatchEnsemble
from torch.nn.functional import relu

from skd2ace.networks._batch_ensemble import apply_hidden_layer
from skd2ace.networks._layers import ByteDropout

K, N_IN, N_OUT = 4, 5, 7


def make_layer(dtype=torch.float32):
    torch.manual_seed(0)
    layer = LinearBatchEnsemble(N_IN, N_OUT, k=K, scaling_init=("random-signs", "ones"))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return layer.to(dtype)


def one_by_one(layer, dropout, x):
    return dropout(relu(layer(x)))


def make_input(b, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(b, K, N_IN, generator=generator, dtype=dtype)


def step(function, layer, dropout, x):
    """Units, and the gradients of a weighted sum of them."""
    layer.zero_grad()
    x = x.clone().requires_grad_()
    torch.manual_seed(2)
    units = function(layer, dropout, x)
    (units * torch.linspace(-1, 1, units.numel()).view(units.shape)).sum().backward()
    return units.detach(), x.grad, *(parameter.grad for parameter in layer.parameters())


@pytest.mark.parametrize("b", [1, 3, 64])
@pytest.mark.parametrize("p", [0.0, 0.3, 0.8])
def test_the_same_bits_as_one_operation_after_the_other(b, p):
    layer, dropout, x = make_layer(), ByteDropout(p), make_input(b)
    ours, theirs = (step(f, layer, dropout, x) for f in (apply_hidden_layer, one_by_one))
    assert (ours[0] == 0).any()
    assert ours[1].any()
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)


def test_the_same_for_one_input_of_all_members():
    layer, x = make_layer(), make_input(6)[:, :1]
    results = []
    for function in (apply_hidden_layer, one_by_one):
        leaf = x.clone().requires_grad_()
        function(layer, ByteDropout(0.0), leaf.expand(-1, K, -1)).square().sum().backward()
        results.append(leaf.grad)
    assert torch.equal(*results)


def test_gradients_are_differences():
    layer, dropout = make_layer(torch.float64), ByteDropout(0.5)
    x = make_input(3, torch.float64).requires_grad_()

    def units(x, *parameters):
        values = dict(zip(("weight", "r", "s", "bias"), parameters, strict=True))
        moved = make_layer(torch.float64)
        for name, value in values.items():
            delattr(moved, name)
            setattr(moved, name, value)
        torch.manual_seed(3)
        return apply_hidden_layer(moved, dropout, x)

    parameters = [getattr(layer, name).detach() for name in ("weight", "r", "s", "bias")]
    assert torch.autograd.gradcheck(units, (x, *(p.requires_grad_() for p in parameters)))


@pytest.mark.parametrize("training", [False, True])
def test_without_gradients(training):
    layer, dropout, x = make_layer(), ByteDropout(0.3).train(training), make_input(6)
    outputs = []
    for function in (apply_hidden_layer, one_by_one):
        torch.manual_seed(2)
        with torch.no_grad():
            outputs.append(function(layer, dropout, x))
    assert torch.equal(*outputs)
    assert not outputs[0].requires_grad


def test_autocast_chooses_the_precision_of_the_product():
    layer, x = make_layer(), make_input(6)
    dropout = ByteDropout(0.0)
    with torch.autocast("cpu", torch.bfloat16):
        ours, theirs = (step(f, layer, dropout, x) for f in (apply_hidden_layer, one_by_one))
    exact = step(one_by_one, layer, dropout, x)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)
    assert not torch.equal(ours[0], exact[0])

"""The flows of PACA against autograd, finite differences, and their definition."""

import pytest
import torch
from torch.autograd import gradcheck
from torch.distributions import Normal

from skd2ace.networks import _flow
from skd2ace.networks._flow import ConditionalFlow, autoregressive_masks, sigmoid_flow


@pytest.fixture
def numbers():
    generator = torch.Generator().manual_seed(0)

    def draw(*shape, scale=1.0):
        return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)

    return draw


def slow_flow(x, parameters):
    """Images of x (n,) by parameters (3 K, n)."""
    raw_slopes, offsets, raw_weights = parameters.chunk(3)
    slopes = torch.log1p(raw_slopes.exp())
    weights = raw_weights.exp() / raw_weights.exp().sum(0)
    mixture = (weights * torch.sigmoid(slopes * x + offsets)).sum(0)
    return torch.logit((1 - 1e-6) * mixture + 0.5e-6)


def test_flow_and_its_slope_follow_the_definition(numbers):
    x, few, weight, bias = numbers(50).requires_grad_(), numbers(2, 50), numbers(12, 2), numbers(12)
    y, log_slope = sigmoid_flow(x, few, weight, bias)
    expected = slow_flow(x, weight @ few + bias[:, None])
    torch.testing.assert_close(y, expected)
    (slope,) = torch.autograd.grad(expected.sum(), x)
    torch.testing.assert_close(log_slope, slope.log())


@pytest.mark.parametrize("block", [3, 100])
def test_flow_gradients(numbers, block, monkeypatch):
    monkeypatch.setattr(_flow, "_CPU_BLOCK", block)
    inputs = (numbers(10, scale=2), numbers(2, 10, scale=2), numbers(9, 2), numbers(9))
    assert gradcheck(sigmoid_flow, [tensor.requires_grad_() for tensor in inputs])


def test_flow_is_finite_far_out():
    x = torch.tensor([-1e7, -300.0, 0.0, 300.0, 1e7])
    few = torch.randn(2, 5, generator=torch.Generator().manual_seed(0)) * 30
    inputs = [x, few, torch.ones(12, 2).tril(-3), torch.zeros(12)]
    outputs = sigmoid_flow(*[tensor.requires_grad_() for tensor in inputs])
    sum(outputs).sum().backward()
    for tensor in (*outputs, *(tensor.grad for tensor in inputs)):
        assert torch.isfinite(tensor).all()


@pytest.fixture
def flow():
    torch.manual_seed(0)
    flow = ConditionalFlow(n_labels=3, latent_size=4, hidden_units=5, conditioner_width=16)
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return flow.double()


def push(flow, code, label):
    """The flow's image of one code under one label, written from its parts."""
    hidden = (flow.conditioner_input.weight * flow.input_mask) @ code
    hidden = hidden + flow.conditioner_input.bias
    one_hot = torch.eye(3, dtype=torch.float64)[label]
    hidden = torch.nn.functional.elu(hidden + flow.conditioner_label(one_hot))
    out = (flow.conditioner_output.weight * flow.output_mask) @ hidden
    out = (out + flow.conditioner_output.bias).view(-1, 4).T
    moved = slow_flow(code, flow.unit_parameters(out).T)
    return torch.nn.functional.softplus(flow.scale()[label]) * moved + flow.shift()[label]


def test_density_follows_from_a_numerical_jacobian(flow, numbers):
    codes = numbers(6, 4)
    log_densities = flow(codes)
    step = 1e-6
    for i, code in enumerate(codes):
        for label in range(3):
            columns = [
                (push(flow, code + d, label) - push(flow, code - d, label)) / (2 * step)
                for d in step * torch.eye(4, dtype=torch.float64)
            ]
            jacobian = torch.stack(columns, dim=1)
            # Autoregressive: no output moves with a later input.
            torch.testing.assert_close(jacobian, jacobian.tril(), atol=1e-8, rtol=0)
            image = push(flow, code, label)
            expected = Normal(0, 1).log_prob(image).sum() + jacobian.det().abs().log()
            torch.testing.assert_close(log_densities[i, label], expected, rtol=1e-6, atol=1e-6)


def test_densities_integrate_to_one():
    torch.manual_seed(0)
    flow = ConditionalFlow(n_labels=2, latent_size=1, hidden_units=4, conditioner_width=8)
    torch.nn.init.normal_(flow.unit_parameters.weight)
    grid = torch.linspace(-60, 60, 40_001)[:, None]
    with torch.no_grad():
        mass = torch.trapezoid(flow(grid).exp(), grid[:, 0], dim=0)
    torch.testing.assert_close(mass, torch.ones(2), atol=1e-3, rtol=0)


def test_gradients_of_densities(flow, numbers):
    assert gradcheck(flow, (numbers(3, 4).requires_grad_(),))


def test_affine_flow_begins_as_identity():
    flow = ConditionalFlow(n_labels=3, latent_size=4, hidden_units=5, conditioner_width=16)
    scale = torch.nn.functional.softplus(flow.scale())
    torch.testing.assert_close(scale, torch.ones(3, 4), atol=0.02, rtol=0)
    torch.testing.assert_close(flow.shift(), torch.zeros(3, 4), atol=0.02, rtol=0)


@pytest.mark.parametrize(("size", "width"), [(1, 4), (2, 8), (5, 32), (20, 6), (700, 256)])
def test_masks_let_earlier_inputs_through(size, width):
    inputs, outputs = autoregressive_masks(size, width)
    paths = outputs.double() @ inputs.double()
    assert torch.equal(paths, paths.tril(-1))
    if size <= width:
        assert (paths + torch.ones(size, size).triu() > 0).all()
    assert outputs[1:].any(1).all()
    # Long codes are looked at over nearly all their length.
    assert inputs.any(0).sum() >= min(size - 1, size * (1 - 1 / width) - size // width)


def test_labels_condition_long_codes():
    """Where the published conditioner gives nothing: codes longer than it is wide."""
    torch.manual_seed(0)
    flow = ConditionalFlow(n_labels=2, latent_size=20, hidden_units=4, conditioner_width=8)
    assert flow.unit_parameters.in_features == 3
    densities = flow(torch.randn(3, 20))
    assert not torch.allclose(densities[:, 0], densities[:, 1], atol=0.01)
    assert torch.isfinite(densities).all()

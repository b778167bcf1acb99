"""Conditional normalising flows: one density per label, of codes that all labels share."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ._autograd import apply_to_one_dtype

# Keeps the flow's image away from 0 and 1, whose logits are infinite.
_MARGIN = 1e-6
# Numbers x mapped at a time.
_CPU_BLOCK, _DEVICE_BLOCK = 8192, 262_144


class ConditionalFlow(nn.Module):
    """A density per label: neural autoregressive flow, then affine flow, to a standard normal.

    Parameters
    ----------
    n_labels, latent_size : int
        q, and the length of a code.
    hidden_units : int
        Sigmoid units per dimension of the autoregressive flow.
    conditioner_width : int
        Hidden units of the network that makes their parameters.

    References
    ----------
    .. [1] Huang et al. (2018). Neural Autoregressive Flows. ICML.
    """

    input_mask: Tensor
    output_mask: Tensor

    def __init__(
        self, n_labels: int, latent_size: int, hidden_units: int, conditioner_width: int
    ) -> None:
        super().__init__()
        # Numbers that the conditioner gives per dimension; the published code gives none where
        # the latent code is longer than the conditioner is wide.
        n_numbers = 3 * max(1, conditioner_width // latent_size)
        self.conditioner_input = nn.Linear(latent_size, conditioner_width)
        self.conditioner_label = nn.Linear(n_labels, conditioner_width)
        nn.init.zeros_(self.conditioner_label.bias)
        self.conditioner_output = nn.Linear(conditioner_width, n_numbers * latent_size)
        self.unit_parameters = nn.Linear(n_numbers, 3 * hidden_units)
        masks = autoregressive_masks(latent_size, conditioner_width)
        self.register_buffer("input_mask", masks[0])
        self.register_buffer("output_mask", masks[1].repeat(n_numbers, 1))
        # softplus of it is 1: together with small weights, the affine flow begins as identity.
        self.scale = LabelTransform(n_labels, latent_size, initial=math.log(math.e - 1))
        self.shift = LabelTransform(n_labels, latent_size, initial=0.0)

    def forward(self, codes: Tensor) -> Tensor:
        """Log-density of codes (b, latent) under each label's distribution, (b, q)."""
        scale, shift = F.softplus(self.scale()), self.shift()
        moved, log_slope = self._autoregress(codes)
        normal = scale * moved + shift
        log_density = log_slope + torch.log(scale) - (normal.square() + math.log(2 * math.pi)) / 2
        return log_density.sum(2)

    def _autoregress(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Images (b, q, latent) of codes under the first flow, and the logarithms of its slopes."""
        b, latent_size = codes.shape
        weight = self.conditioner_input.weight * self.input_mask
        hidden = F.linear(codes, weight, self.conditioner_input.bias)
        context = self.conditioner_label.weight.T + self.conditioner_label.bias
        hidden = F.elu(hidden[:, None] + context).flatten(0, 1)
        weight = self.conditioner_output.weight * self.output_mask
        numbers = F.linear(hidden, weight, self.conditioner_output.bias)
        # One row for each of the numbers that a dimension has, as the flow wants them.
        numbers = numbers.view(len(hidden), -1, latent_size).transpose(0, 1).flatten(1)
        every = codes[:, None].expand(b, len(context), latent_size)
        units = self.unit_parameters
        moved, log_slope = sigmoid_flow(every.flatten(), numbers, units.weight, units.bias)
        return moved.view_as(every), log_slope.view_as(every)


class LabelTransform(nn.Module):
    """One vector per label: a linear map of its one-hot code beside one with a hidden layer."""

    def __init__(self, n_labels: int, size: int, initial: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_labels, size)
        self.output = nn.Linear(size, size)
        self.skip = nn.Linear(n_labels, size)
        for layer in (self.output, self.skip):
            nn.init.uniform_(layer.weight, -1e-3, 1e-3)
            nn.init.constant_(layer.bias, initial / 2)

    def forward(self) -> Tensor:
        """Vectors (q, size)."""
        hidden = torch.relu(self.hidden.weight.T + self.hidden.bias)
        return self.output(hidden) + self.skip.weight.T + self.skip.bias


def autoregressive_masks(size: int, width: int) -> tuple[Tensor, Tensor]:
    """Masks by which output k of a network with one hidden layer sees inputs before k only.

    Returns
    -------
    Tensor of shape (width, size) and Tensor of shape (size, width), bool
    """
    n_degrees = max(size - 1, 1)
    # Every degree in turn; where there are more than hidden units, evenly spread ones.
    spread = torch.arange(width) * max(n_degrees, width) // width
    degrees = spread % n_degrees + min(size - 1, 1)
    places = torch.arange(1, size + 1)
    return degrees[:, None] >= places, places[:, None] > degrees


def sigmoid_flow(x: Tensor, numbers: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Monotone map of each number by a mixture of sigmoids, and the logarithm of its slope.

    y = logit((1 - m) sum_k w_k sigmoid(a_k x + b_k) + m / 2), with m = 1e-6, positive slopes a
    and weights w that sum to 1 (Neural Autoregressive Flows, Eq. 8). The 3 K parameters are a
    linear map of a few numbers for each x; they are made for one block of x at a time, small
    enough for a CPU's cache, and made again for the gradient, which is written out: of tensors
    of size (3 K, n) none is kept. Differentiable once. Under torch.autocast it is computed in the
    parameters' precision.

    Parameters
    ----------
    x : Tensor of shape (n,)
    numbers : Tensor of shape (m, n)
    weight : Tensor of shape (3 K, m)
    bias : Tensor of shape (3 K,)
        What they give are softplus^-1(a), b and the logits of w, one after another.

    Returns
    -------
    y, log_slope : Tensor of shape (n,)
        Finite for finite x; log_slope is log dy/dx.
    """
    y, log_slope = apply_to_one_dtype(_SigmoidFlow, (x, numbers, weight, bias))
    return y, log_slope


class _SigmoidFlow(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, numbers: Tensor, weight: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x, numbers, weight, bias)
        y, log_slope = torch.empty_like(x), torch.empty_like(x)
        for block in _blocks(x):
            units = _Units(x[block], torch.addmm(bias[:, None], weight, numbers[:, block]))
            y[block], log_slope[block] = units.image()
        return y, log_slope

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor, grad_log_slope: Tensor) -> tuple[Tensor, ...]:
        x, numbers, weight, bias = ctx.saved_tensors
        grad_x, grad_numbers = torch.empty_like(x), torch.empty_like(numbers)
        grad_weight, grad_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        for block in _blocks(x):
            units = _Units(x[block], torch.addmm(bias[:, None], weight, numbers[:, block]))
            grad_x[block], by_parameters = units.gradient(grad_y[block], grad_log_slope[block])
            torch.mm(weight.T, by_parameters, out=grad_numbers[:, block])
            grad_weight.addmm_(by_parameters, numbers[:, block].T)
            grad_bias += by_parameters.sum(1)
        return grad_x, grad_numbers, grad_weight, grad_bias


def _blocks(x: Tensor) -> list[slice]:
    size = _CPU_BLOCK if x.device.type == "cpu" else _DEVICE_BLOCK
    return [slice(start, start + size) for start in range(0, len(x), size)]


class _Units:
    """The sigmoid units of one block: parameters (3 K, n), everything else (K, n) or (n,)."""

    def __init__(self, x: Tensor, parameters: Tensor) -> None:
        raw_slopes, offsets, raw_weights = parameters.chunk(3)
        self.x = x
        self.slopes = F.softplus(raw_slopes)
        self.weights = torch.softmax(raw_weights, dim=0)
        z = torch.addcmul(offsets, self.slopes, x)
        distance = z.abs()
        # sigmoid' = e^-|z| / (1 + e^-|z|)^2 underflows far from all offsets: the nearest one's
        # e^-|z| is taken out of the sum, and put back as a logarithm.
        self.nearest = distance.amin(dim=0)
        decay = torch.exp_(self.nearest - distance)
        self.shrink = torch.exp(-self.nearest)
        tail = decay * self.shrink
        inverse = (1 + tail).reciprocal_()
        self.bumps = decay.mul_(inverse).mul_(inverse)
        self.sigmoids = torch.where(z >= 0, 1, tail).mul_(inverse)
        self.slope = (self.weights * self.slopes).mul_(self.bumps).sum(0).clamp_(min=1e-30)
        self.mixture = (self.weights * self.sigmoids).sum(0)
        self.inside = self.mixture * (1 - _MARGIN) + _MARGIN / 2

    def image(self) -> tuple[Tensor, Tensor]:
        """Images of x, and the logarithms of the slopes there."""
        log_slope = torch.log(self.slope) - self.nearest + math.log1p(-_MARGIN)
        log_slope -= torch.log(self.inside) + torch.log1p(-self.inside)
        return torch.logit(self.inside), log_slope

    def gradient(self, grad_y: Tensor, grad_log_slope: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients by x and by the parameters."""
        by_mixture = grad_y - grad_log_slope * (1 - 2 * self.inside)
        by_mixture = by_mixture * (1 - _MARGIN) / (self.inside * (1 - self.inside))
        # By the sum of weighted bumps, in units of the nearest one, as the bumps are.
        by_bumps = (grad_log_slope / self.slope) * self.bumps
        curved = by_bumps * self.slopes
        by_z = (by_mixture * self.shrink) * self.bumps
        by_z.addcmul_(curved, 1 - 2 * self.sigmoids).mul_(self.weights)
        by_slopes = by_bumps.mul_(self.weights).addcmul_(by_z, self.x)
        # The derivative of softplus, by its value.
        by_slopes.mul_(-torch.expm1(-self.slopes))
        mean = by_mixture * self.mixture + grad_log_slope
        by_weights = curved.addcmul_(by_mixture, self.sigmoids).sub_(mean).mul_(self.weights)
        grad_x = (by_z * self.slopes).sum(0)
        return grad_x, torch.cat((by_slopes, by_z, by_weights))

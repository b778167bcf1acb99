"""Building blocks that the published networks share."""

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from skd2ace._constraints import Pair, check_parameters
from skd2ace._sklearn import Interval

_SIZE = Interval(Integral, 1, None, closed="left")


def check_sizes(network: str, **sizes: Any) -> list[Any]:
    """Refuse sizes of a network, given by name, that are not positive integers.

    Returns
    -------
    list of int, and of pairs of int
        The sizes as Python's own integers.

    Raises
    ------
    InvalidParameterError
        A ValueError, if one is not, or ``hidden_sizes`` are not a pair of them.
    """
    constraints = {name: [Pair(_SIZE) if name == "hidden_sizes" else _SIZE] for name in sizes}
    return list(check_parameters(constraints, sizes, network).values())


def kaiming_linear(n_in: int, n_out: int, negative_slope: float = 0.0) -> nn.Linear:
    """Linear layer with Kaiming-uniform weights and biases uniform in [0, 0.1]."""
    linear = nn.Linear(n_in, n_out)
    nn.init.kaiming_uniform_(linear.weight, a=negative_slope, nonlinearity="leaky_relu")
    nn.init.uniform_(linear.bias, 0.0, 0.1)
    return linear


class RowNorm(nn.BatchNorm1d):
    """BatchNorm that uses its running statistics where there is a single row.

    One row has no variance; torch raises an error there in training mode.
    """

    def forward(self, rows: Tensor) -> Tensor:
        """Normalise rows (n, d)."""
        if len(rows) > 1 or not self.training:
            return super().forward(rows)
        return nn.functional.batch_norm(
            rows, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


def leaky_mlp(sizes: list[int], *, dropout: float, batch_norm: bool = False) -> nn.Sequential:
    """Linear, normalised if asked for, LeakyReLU 0.1 and dropout, for each pair of sizes."""
    layers: list[Any] = []
    for n_in, n_out in pairwise(sizes):
        layers.append(kaiming_linear(n_in, n_out, negative_slope=0.1))
        if batch_norm:
            layers.append(RowNorm(n_out))
        layers += [nn.LeakyReLU(0.1, inplace=True), nn.Dropout(dropout)]
    return nn.Sequential(*layers)


class ByteDropout(nn.Module):
    """Dropout that draws a byte for each unit, an eighth of the random numbers of torch's.

    On a CPU those are what dropout costs, and in a small network a third of the training.

    Parameters
    ----------
    p : float
        Probability that a unit is left out, in [0, 1); as a multiple of 1/256.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"dropout must be in [0, 1), got {p!r}.")
        self.n_dropped = min(round(256 * p), 255)

    @property
    def scale(self) -> float:
        """What units that are kept are multiplied by, so that the mean stays."""
        return 256 / (256 - self.n_dropped)

    def draw_factors(self, shape: Sequence[int], like: Tensor) -> Tensor | None:
        """Draw what units are multiplied by, 0 or ``scale``; None outside training.

        Parameters
        ----------
        shape : sequence of int
            That of the units.
        like : Tensor
            Of the units' device and dtype.

        Returns
        -------
        Tensor of that shape, or None
        """
        if not (self.training and self.n_dropped):
            return None
        n_units = math.prod(shape)
        words = torch.empty(-(-n_units // 8), dtype=torch.int64, device=like.device)
        drawn = words.random_(-(2**63), None).view(torch.uint8)[:n_units]
        # Comparing bytes, and multiplying by booleans, costs three times as much on a CPU.
        kept = drawn.view(*shape).to(like.dtype).sub_(self.n_dropped - 1).clamp_(0, 1)
        return kept.mul_(self.scale)

    def forward(self, units: Tensor) -> Tensor:
        """Leave units out in training, and scale the others so that the mean stays."""
        factors = self.draw_factors(units.shape, units)
        return units if factors is None else units * factors


class GINLayer(nn.Module):
    """One layer of a graph isomorphism network (Xu et al. 2019), with a residual connection.

    Parameters
    ----------
    size : int
        Length of a node's embedding, in and out.
    dropout : float
    """

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(1))
        self.mlp = leaky_mlp([size, math.ceil(size / 2), size], dropout=dropout, batch_norm=True)

    def forward(self, nodes: Tensor, graph: Tensor) -> Tensor:
        """Map embeddings (q, d_e) over a weighted graph (q, q) to new ones (q, d_e)."""
        gathered = torch.addmm((1 + self.eps) * nodes, graph, nodes)
        return nodes + self.mlp(gathered)


def relu_mlp(sizes: Sequence[int], *, dropout: float, last: bool = True) -> nn.Sequential:
    """Linear, ReLU and dropout for each pair of sizes; without ``last``, it ends in a Linear."""
    layers: list[Any] = []
    for n_in, n_out in pairwise(sizes):
        layers += [kaiming_linear(n_in, n_out), nn.ReLU(inplace=True), nn.Dropout(dropout)]
    return nn.Sequential(*(layers if last else layers[:-2]))


def squared_weights(network: nn.Module) -> Tensor:
    """Sum of the squared weights of all Linear layers of a network, without their biases."""
    squares = [
        part.weight.square().sum() for part in network.modules() if isinstance(part, nn.Linear)
    ]
    return torch.stack(squares).sum()

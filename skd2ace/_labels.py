"""What more than one package asks of a label matrix: that it is 0/1, and statistics of it."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

# Of wrong labels, to show a few different ones.
_N_LOOKED_AT = 1000


def check_zero_one(values: NDArray, name: str, hint: str = "") -> None:
    """Refuse labels in an array that are not all 0 or 1.

    Parameters
    ----------
    values : ndarray
        Labels, of any shape and dtype; of a sparse matrix, its entries.
    name : str
        What the caller calls them.
    hint : str, default=""
        What else to say in the error.

    Raises
    ------
    ValueError
        With up to five of the values that are neither.
    """
    wrong = values[(values != 0) & (values != 1)]
    if wrong.size:
        raise _not_zero_one(wrong[:_N_LOOKED_AT].tolist(), name, hint)


def check_zero_one_tensor(values: Tensor, name: str) -> None:
    """Refuse labels in a tensor, on any device, that are not all 0 or 1.

    Parameters
    ----------
    values : Tensor
        Labels, of any shape and dtype.
    name : str
        What the caller calls them.

    Raises
    ------
    ValueError
        With up to five of the values that are neither.
    """
    wrong = values[(values != 0) & (values != 1)]
    if wrong.numel():
        raise _not_zero_one(wrong[:_N_LOOKED_AT].tolist(), name)


def _not_zero_one(wrong: list[Any], name: str, hint: str = "") -> ValueError:
    found = ", ".join(sorted({repr(value) for value in wrong})[:5])
    return ValueError(f"{name} must hold zeros and ones; found {found}. {hint}".rstrip())


def cooccurrence_graph(Y: Tensor) -> Tensor:
    """Mean conditional probability of two labels given each other.

    Parameters
    ----------
    Y : Tensor of shape (n, q)
        0/1 in any dtype.

    Returns
    -------
    Tensor of shape (q, q), float32
        A_ij = (P(l_j | l_i) + P(l_i | l_j)) / 2, symmetric with a zero diagonal. A label without
        positives has no conditional probability and gets no edge.
    """
    Y = Y.to(torch.float32)
    conditional = (Y.T @ Y) / Y.sum(0).clamp(min=1)[:, None]
    graph = (conditional + conditional.T) / 2
    return graph.fill_diagonal_(0)


def imbalance_ratios(Y: Tensor) -> Tensor:
    """IRLbl: positives of the most frequent label over those of each label.

    Parameters
    ----------
    Y : Tensor of shape (n, q)
        0/1 in any dtype.

    Returns
    -------
    Tensor of shape (q,), float64
        At least 1; infinite for a label without positives.

    References
    ----------
    Charte et al. (2015). Addressing imbalance in multilabel classification: measures and random
    resampling algorithms. Neurocomputing 163, 3-16.
    """
    counts = Y.sum(0, dtype=torch.float64)
    return torch.where(counts > 0, counts.max() / counts, torch.inf)


def mean_imbalance_ratio(ratios: Tensor) -> Tensor:
    """MeanIR: mean of IRLbl (q,) over the labels that have positives; 0 where none has."""
    finite = torch.isfinite(ratios)
    return torch.where(finite, ratios, 0).sum() / finite.sum().clamp(min=1)

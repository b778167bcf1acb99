"""What more than one package asks of a label matrix: what of it is known, 0/1, statistics."""

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

# Of wrong labels, to show a few different ones.
_N_LOOKED_AT = 1000
# What labels that are relevant are called where they are words.
_RELEVANT = frozenset(
    {"true", "yes", "t", "y", "relevant", "positive", "present", "pos", "on", "active"}
)
_IRRELEVANT = frozenset(
    {"false", "no", "f", "n", "irrelevant", "negative", "absent", "neg", "off", "inactive"}
)
_TINY = torch.finfo(torch.float64).tiny


def check_zero_one(values: NDArray, name: str, hint: str = "") -> None:
    """Refuse labels in an array that are not all 0, 1 or, where they are not known, NaN.

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
    # NaN, alone, is not equal to itself.
    wrong = values[(values != 0) & (values != 1) & (values == values)]
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
    remedies = " ".join(part for part in (_find_remedy(wrong), hint) if part)
    return ValueError(f"{name} must hold zeros and ones; found {found}. {remedies}".rstrip())


def _find_remedy(wrong: list[Any]) -> str:
    """What to do about values that others use for labels, or nothing."""
    if -1 in wrong:
        return "Where -1 means not relevant, pass (Y > 0); where it means not known, pass NaN."
    words = {value for value in wrong if isinstance(value, str)}
    relevant = sorted(word for word in words if word.strip().lower() in _RELEVANT)
    if relevant:
        return f"Pass (Y == {relevant[0]!r}).astype(int)."
    return "Pass Y.astype(int)." if words & {"0", "1"} else ""


def find_relevant(values: Sequence[str]) -> int:
    """Find which of two values means that a label is relevant.

    Parameters
    ----------
    values : sequence of two str
        Words or numbers.

    Returns
    -------
    int
        The position of the one that says so, or of which the other says the opposite; of numbers,
        the larger one's; and 1 where they say nothing.
    """
    words = [value.strip().lower() for value in values]
    if (words[0] in _RELEVANT) != (words[1] in _RELEVANT):
        return int(words[1] in _RELEVANT)
    if (words[0] in _IRRELEVANT) != (words[1] in _IRRELEVANT):
        return int(words[0] in _IRRELEVANT)
    try:
        return int(float(words[1]) >= float(words[0]))
    except ValueError:
        return 1


def keep_known(values: Tensor, known: Tensor | None) -> Tensor:
    """Put 0 into the cells that are not known, whatever they hold; NaN too, and its gradient.

    Parameters
    ----------
    values : Tensor of shape (n, q)
        Labels, losses or scores, of any dtype, which stays.
    known : Tensor of shape (n, q), bool, or None
        None: all are.

    Returns
    -------
    Tensor of shape (n, q)
    """
    return values if known is None else values.masked_fill(~known, 0)


def conditional_probabilities(
    Y: Tensor, cell_weight: Tensor | None = None, *, unknown_is_absent: bool = False
) -> Tensor:
    """Probability of each label given another one, counted by weight.

    P(l_j | l_i) is the sum over instances n of w_nij Y_ni Y_nj over that of w_nij Y_ni, with
    w_nij = sqrt(w_ni w_nj): the weight of the instance where its cells have the same, 0 where one
    of the two labels is not known. Weights that all instances share, of labels too, cancel out.

    Parameters
    ----------
    Y : Tensor of shape (n, q)
        0/1 in any dtype; anything in cells of weight 0.
    cell_weight : Tensor of shape (n,) or (n, q), optional
        w, not negative; None is 1 for all.
    unknown_is_absent : bool, default=False
        Whether P(l_j | l_i) is the share of all of l_i's positives in which l_j is known to be
        relevant too: w_ni in the place of w_nij in the second sum.

    Returns
    -------
    Tensor of shape (q, q), float32
        P(l_j | l_i) in row i and column j; a row of 0 for a label without positives.
    """
    if cell_weight is None:
        Y = Y.to(torch.float32)
        both, positives = Y.T @ Y, Y.sum(0)[:, None]
    else:
        roots = _scaled_roots(cell_weight).expand(Y.shape)
        Y = keep_known(Y, roots > 0).to(torch.float32) * roots
        both = Y.T @ Y
        positives = both.diagonal()[:, None] if unknown_is_absent else Y.T @ roots
    return both / torch.where(positives > 0, positives, 1)


def cooccurrence_graph(Y: Tensor, cell_weight: Tensor | None = None) -> Tensor:
    """Mean conditional probability of two labels given each other, counted by weight.

    Parameters
    ----------
    Y, cell_weight
        As for :func:`conditional_probabilities`.

    Returns
    -------
    Tensor of shape (q, q), float32
        A_ij = (P(l_j | l_i) + P(l_i | l_j)) / 2, symmetric with a zero diagonal. A label without
        positives has no conditional probability and gets no edge.
    """
    conditional = conditional_probabilities(Y, cell_weight)
    graph = (conditional + conditional.T) / 2
    return graph.fill_diagonal_(0)


def _scaled_roots(weight: Tensor) -> Tensor:
    """Square roots (n, 1) or (n, q) of weights over the largest: equal ones are 1 to the bit."""
    weight = weight.to(torch.float64)
    roots = (weight / weight.max().clamp(min=_TINY)).sqrt().to(torch.float32)
    return roots if roots.ndim == 2 else roots[:, None]


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

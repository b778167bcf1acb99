"""Mutual information between labels, for ML-Unc."""

from typing import Any

import torch
from torch import Tensor

# Labels and instances in one block of the matrix product: fastest on two cores from 20 to 40
# labels and 2000 to 10000 instances.
_N_LABELS, _N_INSTANCES = 32, 2000


def mutual_information(scores: Tensor, n_bins: int = 10, known: Tensor | None = None) -> Tensor:
    """Mutual information of each pair of columns, estimated from a joint histogram.

    Parameters
    ----------
    scores : Tensor of shape (n, q)
        Finite.
    n_bins : int, default=10
        Bins of equal width between the smallest and the largest score of a column.
    known : Tensor of shape (n, q), bool, optional
        The smallest and the largest are those of known cells. P(a, b) of two labels, and the
        P(a) and P(b) by which it is divided, are over the instances of which both are known; 0
        where there are none.

    Returns
    -------
    Tensor of shape (q, q), in the dtype of ``scores``
        In nats, symmetric, not negative: the sum over bins a, b of
        P(a, b) log(P(a, b) / (P(a) P(b))). The diagonal is the entropy of each column. A column
        that does not vary has 0 with all.

    Notes
    -----
    All joint histograms come from products of one-hot matrices, O(n q^2 n_bins^2) at the speed
    of such products. They are taken in blocks of instances and labels: beside the result, memory
    is about 26 bytes per (instance, label) for the bins and 150 KB per label for a block.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import mutual_information
    >>> scores = torch.tensor([[0.0, 1.0, 5.0], [1.0, 0.0, 5.0]])
    >>> mutual_information(scores)
    tensor([[0.6931, 0.6931, 0.0000],
            [0.6931, 0.6931, 0.0000],
            [0.0000, 0.0000, 0.0000]])
    """
    n_labels = scores.shape[1]
    codes = _codes(scores if known is None else _fill(scores, known), n_bins)
    joint = scores.new_zeros(n_labels, n_labels, dtype=torch.float64)
    apart = torch.zeros_like(joint)
    for start in range(0, n_labels, _N_LABELS):
        block = slice(start, start + _N_LABELS), slice(start, None)
        # Symmetric: only what is right of the block's first label.
        counts = _joint_counts(codes, start, n_bins, known).to(torch.float64)
        shares = counts / counts.sum((1, 3), keepdim=True).clamp(min=1)
        joint[block] = torch.special.entr(shares).sum((1, 3))
        if known is not None:
            apart[block] = torch.special.entr(shares.sum(3)).sum(1)
            apart[block] += torch.special.entr(shares.sum(1)).sum(2)
    joint = joint.triu() + joint.triu(1).T
    marginal = joint.diagonal()
    apart = marginal[:, None] + marginal if known is None else apart.triu() + apart.triu(1).T
    return (apart - joint).clamp_(min=0).to(scores.dtype)


def _fill(scores: Tensor, known: Tensor) -> Tensor:
    """Put a column's smallest known score, which moves no bin, into cells that are not known."""
    lowest = scores.masked_fill(~known, torch.inf).amin(0)
    return torch.where(known, scores, torch.where(known.any(0), lowest, 0))


def _codes(scores: Tensor, n_bins: int) -> Tensor:
    """Column of the one-hot matrix that each score falls into, (n, q): bin + n_bins * label."""
    lowest, highest = scores.aminmax(dim=0)
    width = highest - lowest
    scaled = (scores - lowest) / torch.where(width > 0, width, 1)
    # The largest score belongs to the last bin, as in numpy's histograms.
    bins = (scaled * n_bins).to(torch.int64).clamp_(max=n_bins - 1)
    return bins + n_bins * torch.arange(scores.shape[1], device=scores.device)


def _joint_counts(codes: Tensor, start: int, n_bins: int, known: Tensor | None) -> Tensor:
    """How often each bin of some labels, from ``start`` on, comes with each of all from there on.

    An instance of which one of two labels is not known counts for no pair of their bins.

    Returns
    -------
    Tensor of shape (_N_LABELS or fewer, n_bins, q - start, n_bins), float32
        Exact up to 2^24 instances.
    """
    n_labels = codes.shape[1] - start
    first = slice(min(_N_LABELS, n_labels) * n_bins)
    single: dict[str, Any] = {"dtype": torch.float32, "device": codes.device}
    counts = torch.zeros(first.stop, n_labels * n_bins, **single)
    for begin in range(0, len(codes), _N_INSTANCES):
        rows = slice(begin, begin + _N_INSTANCES)
        block = codes[rows, start:] - n_bins * start
        one_hot = torch.zeros(len(block), n_labels * n_bins, **single)
        one_hot.scatter_(1, block, 1.0)
        if known is not None:
            one_hot.view(*block.shape, n_bins).mul_(known[rows, start:, None])
        counts.addmm_(one_hot[:, first].T, one_hot)
    return counts.view(-1, n_bins, n_labels, n_bins)

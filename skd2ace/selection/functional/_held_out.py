"""What others say of an instance: predictions that did not see it, and their loss."""

import torch
from torch import Tensor

from ._known import keep_known
from ._neighbors import EXACT, NeighborSearch


def neighbor_frequencies(
    X: Tensor,
    Y: Tensor,
    n_neighbors: int = 10,
    known: Tensor | None = None,
    search: NeighborSearch = EXACT,
) -> Tensor:
    """Share of an instance's nearest others that carry a label, with its frequency as one more.

    (sum of y_mj over the neighbours m + f_j) / (k + 1), with f_j the share of instances that carry
    label j: the instance's own labels have no part in its neighbours' sum.

    Parameters
    ----------
    X : Tensor of shape (n, d)
        Features, dense or sparse CSR, on any device.
    Y : Tensor of shape (n, q)
        0/1 in any dtype.
    n_neighbors : int, default=10
        Neighbours as :func:`local_labels` finds them; as many as there are where fewer exist.
    known : Tensor of shape (n, q), bool, optional
        The sum and k are over the neighbours of which label j is known, f_j over such instances.
    search : NeighborSearch, optional
        As for :func:`local_labels`.

    Returns
    -------
    Tensor of shape (n, q), float64, on the device of Y

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import neighbor_frequencies
    >>> X, Y = torch.tensor([[0.0], [1.0], [9.0]]), torch.tensor([[1], [0], [0]])
    >>> neighbor_frequencies(X, Y, n_neighbors=1)  # f = 1/3
    tensor([[0.1667],
            [0.6667],
            [0.1667]], dtype=torch.float64)
    """
    counted = torch.ones_like(Y, dtype=torch.bool) if known is None else known
    relevant = keep_known(Y, known).to(torch.float64)
    frequency = relevant.sum(0) / counted.sum(0).clamp(min=1)
    proba = frequency.expand(Y.shape).clone()
    for rows, near in search.blocks(X, n_neighbors):
        near = near.to(Y.device)
        proba[rows] = (relevant[near].sum(1) + frequency) / (counted[near].sum(1) + 1)
    return proba


def clipped_cross_entropy(proba: Tensor, Y: Tensor, least: float) -> Tensor:
    """Binary cross-entropy of probabilities that count as neither 0 nor 1.

    Parameters
    ----------
    proba : Tensor of shape (n, q)
    Y : Tensor of shape (n, q)
        0/1 in any dtype.
    least : float
        In (0, 0.5]: probabilities are clipped to [least, 1 - least].

    Returns
    -------
    Tensor of shape (n, q)
        In nats, at most -log(least).

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import clipped_cross_entropy
    >>> clipped_cross_entropy(torch.tensor([[0.0, 0.5]]), torch.tensor([[1, 0]]), least=0.1)
    tensor([[2.3026, 0.6931]])
    """
    proba = proba.clamp(least, 1 - least)
    return -torch.where(Y.to(torch.bool), proba, 1 - proba).log()

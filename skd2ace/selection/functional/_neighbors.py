"""Which labels appear around each instance: equation 10."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from skd2ace._labels import keep_known

from ._approximate_neighbors import approximate_blocks, has_index, is_too_many
from ._exact_neighbors import exact_blocks

Search = Literal["auto", "exact"]


def local_labels(
    X: Tensor,
    Y: Tensor,
    n_neighbors: int,
    known: Tensor | None = None,
    neighbors: Search = "exact",
) -> Tensor:
    """Labels that the instance or one of its nearest neighbours carries (Z, Eq. 10).

    Exact neighbours are those by Euclidean distance in float64, found in blocks of rows where X
    lives: in float32, with those in float64 where these leave a doubt. The instance itself counts beside its ``n_neighbors`` neighbours; among neighbours at
    the same distance the lower index goes first.

    Parameters
    ----------
    X : Tensor of shape (n, d)
        Features, dense or sparse CSR, on any device.
    Y : Tensor of shape (n, q)
        0/1 in any dtype.
    n_neighbors : int
        K of the paper; as many as there are where fewer than K others exist. 0 gives Y itself.
    known : Tensor of shape (n, q), bool, optional
        Z_ij is the largest known_mj Y_mj of i and its neighbours m: these are the same whatever is
        known of them.
    neighbors : {"exact", "auto"}, default="exact"
        With "auto", exact ones too, unless X is on the CPU and so large that they take more than
        some seconds (n^2 d > 5e11) and faiss is installed: then approximate ones, with a warning
        that says how many of the nearest ones of 300 instances are found.

    Returns
    -------
    Tensor of shape (n, q), dense, in the dtype and on the device of Y

    Examples
    --------
    >>> import torch
    >>> X = torch.tensor([[0.0], [1.0], [5.0]])
    >>> local_labels(X, torch.eye(3, dtype=torch.int8), n_neighbors=1)
    tensor([[1, 1, 0],
            [1, 1, 0],
            [0, 1, 1]], dtype=torch.int8)
    """
    Y = keep_known(Y, known)
    local = Y.clone()
    for rows, near in neighbor_blocks(X, n_neighbors, neighbors):
        near = near.to(Y.device)
        around = Y[near].amax(1) if Y.dtype != torch.bool else Y[near].any(1)
        local[rows] = torch.maximum(local[rows], around)
    return local


def neighbor_blocks(
    X: Tensor, n_neighbors: int, neighbors: Search = "exact"
) -> Iterator[tuple[slice, Tensor]]:
    """Nearest neighbours, one block of instances at a time.

    Yields
    ------
    rows : slice
        The instances of the block.
    near : Tensor of shape (rows, n_neighbors), int64, on the device of X
        Indices of their neighbours, themselves excluded; fewer columns where fewer others
        exist. Nothing is yielded where there are none.
    """
    n_neighbors = min(n_neighbors, X.shape[0] - 1)
    if n_neighbors < 1:
        return
    if neighbors == "auto" and is_too_many(X) and has_index():
        yield from approximate_blocks(X, n_neighbors)
    else:
        yield from exact_blocks(X, n_neighbors)

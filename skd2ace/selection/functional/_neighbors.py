"""Which labels appear around each instance: equation 10."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from skd2ace._labels import keep_known

from ._approximate_neighbors import NeighborIndex, has_index, is_too_many
from ._exact_neighbors import exact_blocks

Neighbors = Literal["auto", "exact"]


class NeighborSearch:
    """Finds nearest neighbours, exact ones or nearly all of them.

    Parameters
    ----------
    neighbors : {"exact", "auto"}, default="exact"
        "auto" gives exact ones too, unless X is on the CPU and so large that they take more than
        some seconds (n^2 d > 2.5e11; sparse: n times the nonzeros > 2.5e10) and faiss is installed.

    Attributes
    ----------
    recall_ : float
        Share of the found neighbours that are as close as the nearest ones, of 300 instances
        where they are approximate; 1 where they are exact.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import NeighborSearch
    >>> search = NeighborSearch("auto")
    >>> [near.tolist() for _, near in search.blocks(torch.tensor([[0.0], [1.0], [5.0]]), 1)]
    [[[1], [0], [1]]]
    >>> search.recall_
    1.0
    """

    def __init__(self, neighbors: Neighbors = "exact") -> None:
        self.neighbors = neighbors
        self.recall_ = 1.0

    def blocks(self, X: Tensor, n_neighbors: int) -> Iterator[tuple[slice, Tensor]]:
        """Nearest neighbours, one block of instances at a time.

        Parameters
        ----------
        X : Tensor of shape (n, d)
            Features, dense or sparse CSR.
        n_neighbors : int

        Yields
        ------
        rows : slice
            The instances of the block.
        near : Tensor of shape (rows, n_neighbors), int64, on the device of X
            Indices of their neighbours, themselves excluded; fewer columns where fewer others
            exist. Nothing is yielded where there are none.

        Warns
        -----
        UserWarning
            If "auto" finds no faiss, or a recall below .9.
        """
        # Where none are wanted, X may be anything.
        if n_neighbors < 1 or X.shape[0] < 2:
            return
        n_neighbors = min(n_neighbors, X.shape[0] - 1)
        if self.neighbors == "auto" and is_too_many(X) and has_index():
            index = NeighborIndex(X, n_neighbors)
            self.recall_ = index.recall_
            yield from index.blocks()
        else:
            yield from exact_blocks(X, n_neighbors)


EXACT = NeighborSearch()


def local_labels(
    X: Tensor,
    Y: Tensor,
    n_neighbors: int,
    known: Tensor | None = None,
    search: NeighborSearch = EXACT,
) -> Tensor:
    """Labels that the instance or one of its nearest neighbours carries (Z, Eq. 10).

    Neighbours are those by Euclidean distance in float64, found in blocks of rows where X lives:
    in float32, and again in float64 where that leaves a doubt. The instance itself counts beside
    its ``n_neighbors`` neighbours; among neighbours at the same distance the lower index goes
    first. Distances that differ by 1e-12 of the squared norms are the same: of centred features,
    or, where less than a third of a sparse matrix is stored, of those with only the columns
    centred that every row stores. There others should not lie far from 0.

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
    search : NeighborSearch, optional
        What finds the neighbours; by default all are exact.

    Returns
    -------
    Tensor of shape (n, q), dense, in the dtype and on the device of Y

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import local_labels
    >>> X = torch.tensor([[0.0], [1.0], [5.0]])
    >>> local_labels(X, torch.eye(3, dtype=torch.int8), n_neighbors=1)
    tensor([[1, 1, 0],
            [1, 1, 0],
            [0, 1, 1]], dtype=torch.int8)
    """
    Y = keep_known(Y, known)
    local = Y.clone()
    for rows, near in search.blocks(X, n_neighbors):
        near = near.to(Y.device)
        around = Y[near].amax(1) if Y.dtype != torch.bool else Y[near].any(1)
        local[rows] = torch.maximum(local[rows], around)
    return local

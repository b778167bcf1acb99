"""Which labels appear around each instance: equation 10."""

from collections.abc import Iterator

import torch
from torch import Tensor

from skd2ace._labels import keep_known
from skd2ace._sparse import gather_rows

# Numbers in one block of the distance matrix: 64 MB of float64.
_BLOCK_SIZE = 8_000_000


def local_labels(X: Tensor, Y: Tensor, n_neighbors: int, known: Tensor | None = None) -> Tensor:
    """Labels that the instance or one of its nearest neighbours carries (Z, Eq. 10).

    Neighbours are exact, by Euclidean distance in float64, computed in blocks of rows where X
    lives. The instance itself counts beside its ``n_neighbors`` neighbours; among neighbours at
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
    for rows, near in neighbor_blocks(X, n_neighbors):
        near = near.to(Y.device)
        around = Y[near].amax(1) if Y.dtype != torch.bool else Y[near].any(1)
        local[rows] = torch.maximum(local[rows], around)
    return local


def neighbor_blocks(X: Tensor, n_neighbors: int) -> Iterator[tuple[slice, Tensor]]:
    """Exact nearest neighbours, one block of instances at a time.

    Yields
    ------
    rows : slice
        The instances of the block.
    near : Tensor of shape (rows, n_neighbors), int64, on the device of X
        Indices of their neighbours, themselves excluded; fewer columns where fewer others
        exist. Nothing is yielded where there are none.
    """
    n_instances = X.shape[0]
    n_neighbors = min(n_neighbors, n_instances - 1)
    if n_neighbors < 1:
        return
    block = min(max(_BLOCK_SIZE // n_instances, 1), n_instances)
    points, norms = _points(X)
    # One buffer for all blocks: fresh memory costs as much as the distances that go into it.
    buffer = norms.new_empty(block, n_instances)
    for start in range(0, n_instances, block):
        rows = torch.arange(start, min(start + block, n_instances), device=X.device)
        distances = _relative_distances(points, norms, rows, out=buffer[: len(rows)])
        yield slice(start, start + len(rows)), _nearest(distances, norms[rows], n_neighbors)


def _points(X: Tensor) -> tuple[Tensor, Tensor]:
    """X in float64, centred where it is dense (smaller numbers round less), and its norms."""
    points = X.to(torch.float64)
    if X.layout is torch.strided:
        points = points - points.mean(0)
        return points, points.square().sum(1)
    squares = torch.zeros(len(X), dtype=torch.float64, device=X.device)
    rows = torch.repeat_interleave(X.crow_indices().diff(), output_size=len(X.col_indices()))
    return points, squares.index_add_(0, rows, points.values().square())


def _relative_distances(points: Tensor, norms: Tensor, rows: Tensor, out: Tensor) -> Tensor:
    """Squared distances from some points to all, less the former's own squared norms."""
    block = gather_rows(points, rows)
    if points.layout is torch.strided:
        torch.addmm(norms, block, points.T, alpha=-2, out=out)
    else:
        torch.add(norms, torch.sparse.mm(points, block.T).T, alpha=-2, out=out)
    out[torch.arange(len(rows), device=rows.device), rows] = torch.inf
    return out


def _nearest(distances: Tensor, norms: Tensor, n_neighbors: int) -> Tensor:
    """Indices (rows, n_neighbors) of the smallest distances, of points with these norms."""
    # One more than asked for shows whether the last place is shared.
    found = distances.topk(min(n_neighbors + 1, distances.shape[1] - 1), largest=False)
    furthest = found.values[:, n_neighbors - 1]
    tolerance = 1e-12 * (2 * norms + furthest)
    near = found.indices[:, :n_neighbors]
    if found.values.shape[1] > n_neighbors:
        shared = found.values[:, n_neighbors] <= furthest + tolerance
        near[shared] = _lowest_of_tied(
            distances[shared], furthest[shared, None], tolerance[shared, None], n_neighbors
        )
    return near


def _lowest_of_tied(
    distances: Tensor, furthest: Tensor, tolerance: Tensor, n_neighbors: int
) -> Tensor:
    """All that are closer than the furthest neighbour, then the lowest indices at its distance.

    Distances that differ by no more than their rounding are the same distance: copies of one
    instance are ties whatever order the sums were taken in.
    """
    closer = distances < furthest - tolerance
    tied = (distances <= furthest + tolerance) & ~closer
    places = n_neighbors - closer.sum(1, keepdim=True)
    chosen = closer | (tied & (tied.cumsum(1) <= places))
    return chosen.nonzero()[:, 1].view(len(distances), n_neighbors)

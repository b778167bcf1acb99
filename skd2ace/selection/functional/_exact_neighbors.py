"""Exact nearest neighbours: found in single precision where that is certain, else in double."""

from collections.abc import Iterator

import torch
from torch import Tensor

from skd2ace._sparse import gather_rows

# Numbers in one block of the distance matrix: 64 MB of float64.
_BLOCK_SIZE = 8_000_000
# Found in single precision beyond those asked for, so that the last of them is well beyond.
_N_SPARE = 8
# Half the distance of 1 from the next larger float32.
_ROUNDING = 2.0**-24


def exact_blocks(X: Tensor, n_neighbors: int) -> Iterator[tuple[slice, Tensor]]:
    """Exact nearest neighbours, one block of instances at a time.

    Parameters
    ----------
    X : Tensor of shape (n, d)
        Features, dense or sparse CSR.
    n_neighbors : int
        At least 1 and at most n - 1.

    Yields
    ------
    rows : slice
        The instances of the block.
    near : Tensor of shape (rows, n_neighbors), int64, on the device of X
        Indices of their neighbours, themselves excluded; the lower index goes first among equals.
    """
    n_instances = X.shape[0]
    points, norms = _points(X)
    single = None
    if X.layout is torch.strided and torch.get_float32_matmul_precision() == "highest":
        single = SingleSearch(points, norms, n_neighbors)
    block = min(max(_BLOCK_SIZE // n_instances, 1), n_instances)
    # One buffer for all blocks: fresh memory costs as much as the distances that go into it.
    buffer = norms.new_empty(block * n_instances)
    for start in range(0, n_instances, block):
        rows = torch.arange(start, min(start + block, n_instances), device=X.device)
        if single is None:
            near = find_nearest(points, norms, rows, n_neighbors, buffer)
        else:
            near, certain = single.find(rows, buffer)
            unsure = rows[~certain]
            if len(unsure):
                near[~certain] = find_nearest(points, norms, unsure, n_neighbors, buffer)
            # Data full of ties: the first look is in vain.
            single = single if 2 * len(unsure) <= len(rows) else None
        yield slice(start, start + len(rows)), near


class SingleSearch:
    """Neighbours by distances in single precision, near ties told apart in double.

    Of points a and b of d features the computed ``|b|^2 - 2 ab`` is off by no more than
    ``u (2 (d + 4) |a| |b| + 3 |b|^2)``, with u half a unit in the last place, in whatever order
    sums are taken (Higham 2002, Eq. 3.5). No neighbour is further from the origin than a is
    and the neighbour from a together, which bounds |b|: where the next point found is further away
    than the last neighbour by more than that, no other point can be a neighbour.

    Parameters
    ----------
    points : Tensor of shape (n, d), float64
    norms : Tensor of shape (n,), float64
        Their squared norms.
    n_neighbors : int
    """

    def __init__(self, points: Tensor, norms: Tensor, n_neighbors: int) -> None:
        # In a range where nothing overflows or vanishes.
        largest = points.abs().amax() if points.numel() else norms.new_ones(())
        scale = torch.where(largest > 0, largest, 1)
        self.points, self.norms, self.scale = points, norms, scale
        self.small = (points / scale).to(torch.float32)
        self.small_norms = (norms / scale**2).to(torch.float32)
        self.n_neighbors = n_neighbors
        # Where these are all points, each finds itself last, at an infinite distance.
        self.n_candidates = min(n_neighbors + 1 + _N_SPARE, len(points))

    def find(self, rows: Tensor, buffer: Tensor) -> tuple[Tensor, Tensor]:
        """Neighbours (b, n_neighbors) of instances, and for which of them that is certain (b,)."""
        distances = _relative_distances(self.small, self.small_norms, rows, buffer)
        found = distances.topk(self.n_candidates, largest=False)
        values = found.values.to(torch.float64) * self.scale**2
        near = found.indices[:, : self.n_neighbors].clone()
        own = self.norms[rows]
        furthest = values[:, self.n_neighbors - 1]
        furthest = furthest + self._error(own.sqrt(), self.norms[near].amax(1).sqrt())
        certain = self._are_others_beyond(values, self.n_neighbors, furthest, own)
        (unsure,) = (~certain).nonzero(as_tuple=True)
        for part in unsure.split(max(_BLOCK_SIZE // (self.n_candidates * self.small.shape[1]), 1)):
            near[part], furthest = self._decide(rows[part], found.indices[part])
            certain[part] = self._are_others_beyond(
                values[part], -1, furthest, own[part]
            )
        return near, certain

    def _decide(self, rows: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Neighbours among the candidates, and the distance of the last of them."""
        # In the order of their indices, by which ties are told apart.
        candidates = candidates.sort(1).values
        products = torch.bmm(self.points[candidates], self.points[rows, :, None]).squeeze(2)
        distances = self.norms[candidates] - 2 * products
        distances.masked_fill_(candidates == rows[:, None], torch.inf)
        places = _nearest(distances, self.norms[rows], self.n_neighbors)
        return candidates.gather(1, places), distances.gather(1, places).amax(1)

    def _are_others_beyond(
        self, values: Tensor, place: int, furthest: Tensor, norms: Tensor
    ) -> Tensor:
        """Whether all points from a place in the order of rough distances on are no neighbours."""
        furthest = furthest + _tolerance(norms, furthest)
        own = norms.sqrt()
        error = self._error(own, own + (norms + furthest).clamp(min=0).sqrt())
        return values[:, place] - error > furthest

    def _error(self, own: Tensor, other: Tensor) -> Tensor:
        """Bound of what a rough distance of two points of such norms is off by."""
        n_features = self.points.shape[1]
        error = _ROUNDING * (2 * (n_features + 4) * own * other + 3 * other.square())
        # With room for the rounding of these lines, and of numbers too small for float32.
        return 1.01 * error + n_features * 1e-36 * self.scale**2


def find_nearest(
    points: Tensor, norms: Tensor, rows: Tensor, n_neighbors: int, buffer: Tensor
) -> Tensor:
    """Exact neighbours (b, n_neighbors) of some instances by distances in double precision."""
    distances = _relative_distances(points, norms, rows, buffer)
    return _nearest(distances, norms[rows], n_neighbors)


def _points(X: Tensor) -> tuple[Tensor, Tensor]:
    """X in float64, centred where it is dense (smaller numbers round less), and its norms."""
    points = X.to(torch.float64)
    if X.layout is torch.strided:
        points = points - points.mean(0)
        return points, points.square().sum(1)
    squares = torch.zeros(len(X), dtype=torch.float64, device=X.device)
    rows = torch.repeat_interleave(X.crow_indices().diff(), output_size=len(X.col_indices()))
    return points, squares.index_add_(0, rows, points.values().square())


def _relative_distances(points: Tensor, norms: Tensor, rows: Tensor, buffer: Tensor) -> Tensor:
    """Squared distances from some points to all, less the former's own squared norms."""
    block = gather_rows(points, rows)
    out = buffer.view(points.dtype)[: len(rows) * len(points)].view(len(rows), len(points))
    if points.layout is torch.strided:
        torch.addmm(norms, block, points.T, alpha=-2, out=out)
    else:
        torch.add(norms, torch.sparse.mm(points, block.T).T, alpha=-2, out=out)
    out[torch.arange(len(rows), device=rows.device), rows] = torch.inf
    return out


def _tolerance(norms: Tensor, furthest: Tensor) -> Tensor:
    """By how much equal distances may differ by their rounding, in double precision."""
    return 1e-12 * (2 * norms + furthest)


def _nearest(distances: Tensor, norms: Tensor, n_neighbors: int) -> Tensor:
    """Places (rows, n_neighbors) of the smallest distances, of points with these norms."""
    # One more than asked for shows whether the last place is shared.
    found = distances.topk(min(n_neighbors + 1, distances.shape[1]), largest=False)
    furthest = found.values[:, n_neighbors - 1]
    tolerance = _tolerance(norms, furthest)
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

"""Exact nearest neighbours: found in single precision where that is certain, else in double."""

from collections.abc import Iterator

import torch
from torch import Tensor

from skd2ace._sparse import gather_rows

from ._tiled_search import N_SPARE, ROUNDING, TiledSearch

# Bytes in one block of the distance matrix.
_BLOCK_BYTES = 64_000_000
# And of what is gathered at once.
_CACHE_BYTES = 2_000_000
# Points for each candidate from which on a sample of them tells candidates from others.
_N_PER_CANDIDATE = 32
# Of whole features up to such a squared norm, all sums are whole numbers that float32 has.
_LARGEST_EXACT = 2**22


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
    points, norms = _points(X)
    full = FullSearch(points, norms, n_neighbors)
    quick = QuickSearch(points, norms, n_neighbors) if _can_be_quick(points, n_neighbors) else None
    for rows in torch.arange(len(X), device=X.device).split(_count_rows(torch.float32, len(X))):
        if quick is None:
            near = full.find(rows)
        else:
            near, certain = quick.find(rows)
            unsure = rows[~certain]
            if len(unsure):
                near[~certain] = full.find(unsure)
            # Data full of ties: the first look is in vain.
            quick = quick if 2 * len(unsure) <= len(rows) else None
        yield slice(int(rows[0]), int(rows[-1]) + 1), near


def nearest_of(X: Tensor, rows: Tensor, n_neighbors: int) -> Tensor:
    """Nearest neighbours (b, n_neighbors) of some instances (b,), in the precision of X."""
    return FullSearch(X, _squared_norms(X), n_neighbors).find(rows)


class FullSearch:
    """Neighbours by distances in the precision of the points.

    Parameters
    ----------
    points : Tensor of shape (n, d), dense or sparse CSR
    norms : Tensor of shape (n,)
        Their squared norms.
    n_neighbors : int
    """

    def __init__(self, points: Tensor, norms: Tensor, n_neighbors: int) -> None:
        self.points, self.norms, self.n_neighbors = points, norms, n_neighbors
        n = len(points)
        # One for all blocks: fresh memory costs as much as the distances that go into it.
        self.buffer = norms.new_empty(_count_rows(norms.dtype, n), n)

    def find(self, rows: Tensor) -> Tensor:
        """Neighbours (b, n_neighbors) of instances (b,)."""
        return torch.cat([self._find(part) for part in rows.split(len(self.buffer))])

    def _find(self, rows: Tensor) -> Tensor:
        out = self.buffer[: len(rows)]
        distances = _relative_distances(self.points, self.norms, rows, out)
        return _nearest(distances, self.norms[rows], self.n_neighbors)


class QuickSearch:
    """Neighbours by distances in single precision, near ties told apart in double.

    Of points a and b of d features the computed ``(|b|^2 - 2 ab) + |a|^2`` is off by no more than
    ``u ((d + 5) (2 |a| |b| + |b|^2) + 2 |a|^2)``, with u half a unit in the last place, in whatever
    order the sum of the products is taken (Higham 2002, Eq. 3.5). No neighbour is further from the
    origin than a is and the neighbour from a together, which bounds |b|: where the next point is
    further away than the last neighbour by more than that, no other point can be a neighbour.

    Parameters
    ----------
    points : Tensor of shape (n, d), float64
    norms : Tensor of shape (n,), float64
        Their squared norms.
    n_neighbors : int
    """

    def __init__(self, points: Tensor, norms: Tensor, n_neighbors: int) -> None:
        # In a range where nothing overflows or vanishes.
        largest = points.abs().amax()
        scale = torch.where(largest > 0, largest, 1)
        self.points, self.norms, self.scale = points, norms, scale
        self.n_neighbors = n_neighbors
        search = TiledSearch(
            (points / scale).to(torch.float32),
            (norms / scale**2).to(torch.float32),
            n_neighbors + 1,
        )
        self.values, self.candidates, self.limits = search.find()

    def find(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Neighbours (b, n_neighbors) of instances, and for which of them that is certain (b,)."""
        own, candidates = self.norms[rows], self.candidates[rows]
        values = self.values[rows].to(torch.float64) * self.scale**2 - own[:, None]
        limits = self.limits[rows].to(torch.float64) * self.scale**2 - own
        near = candidates[:, : self.n_neighbors].clone()
        furthest = values[:, self.n_neighbors - 1]
        furthest = furthest + self._error(own.sqrt(), self.norms[near].amax(1).sqrt())
        next_one = torch.minimum(values[:, self.n_neighbors], limits)
        certain = self._are_others_beyond(next_one, furthest, own)
        (unsure,) = (~certain).nonzero(as_tuple=True)
        n_at_once = _CACHE_BYTES // (8 * candidates.shape[1] * self.points.shape[1])
        for part in unsure.split(max(n_at_once, 1)):
            near[part], furthest = self._decide(rows[part], candidates[part])
            certain[part] = self._are_others_beyond(limits[part], furthest, own[part])
        return near, certain

    def _decide(self, rows: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Neighbours among the candidates, and the distance of the last of them."""
        # In the order of their indices, by which ties are told apart.
        candidates = candidates.sort(1).values
        products = torch.bmm(self.points[candidates], self.points[rows, :, None]).squeeze(2)
        distances = self.norms[candidates] - 2 * products
        # Itself stands where fewer candidates were found.
        distances.masked_fill_(candidates == rows[:, None], torch.inf)
        places = _nearest(distances, self.norms[rows], self.n_neighbors)
        return candidates.gather(1, places), distances.gather(1, places).amax(1)

    def _are_others_beyond(self, values: Tensor, furthest: Tensor, norms: Tensor) -> Tensor:
        """Whether no points that are so far, by rough distances, and further are neighbours."""
        furthest = furthest + _tolerance(norms, furthest)
        own = norms.sqrt()
        error = self._error(own, own + (norms + furthest).clamp(min=0).sqrt())
        return values - error > furthest

    def _error(self, own: Tensor, other: Tensor) -> Tensor:
        """Bound of what a rough distance of two points of such norms is off by."""
        n_features = self.points.shape[1]
        error = ROUNDING * ((n_features + 5) * (2 * own + other) * other + 2 * own**2)
        # With room for the rounding of these lines, and of numbers too small for float32.
        return 1.01 * error + n_features * 1e-36 * self.scale**2


def _can_be_quick(points: Tensor, n_neighbors: int) -> bool:
    """Whether float32 is faster, and there are enough points for a sample of them."""
    is_double = points.layout is torch.strided and points.dtype == torch.float64
    are_many = len(points) > _N_PER_CANDIDATE * (n_neighbors + 1 + N_SPARE)
    return is_double and _is_single_exact() and are_many


def _is_single_exact() -> bool:
    """Whether products in float32 are, not in a faster type that the user has chosen."""
    return torch.get_float32_matmul_precision() == "highest"


def _count_rows(dtype: torch.dtype, n: int) -> int:
    """Instances whose distances from all n make up one block."""
    return min(max(_BLOCK_BYTES // (dtype.itemsize * n), 1), n)


def _points(X: Tensor) -> tuple[Tensor, Tensor]:
    """X in float64, or in float32 where that is as exact, and its squared norms.

    Float64 is centred: smaller numbers round less. Sparse features that are hardly so become dense,
    of others only columns without zeros are centred.
    """
    points = X.to(torch.float64)
    norms = _squared_norms(points)
    if _is_single_exact() and _are_whole(X) and (norms < _LARGEST_EXACT).all():
        return X.to(torch.float32), norms.to(torch.float32)
    if _is_hardly_sparse(X):
        points = points.to_dense()
    if points.layout is torch.strided:
        points = points - points.mean(0)
    else:
        points = _centre_full_columns(points)
    return points, _squared_norms(points)


def _is_hardly_sparse(X: Tensor) -> bool:
    """Whether X is sparse and takes about as much memory as if it were dense."""
    return X.layout is not torch.strided and 3 * len(X.values()) > X.shape[0] * X.shape[1]


def _centre_full_columns(points: Tensor) -> Tensor:
    """Take their means from the columns of a CSR matrix that every row has an entry of."""
    columns, values = points.col_indices(), points.values()
    n, n_columns = points.shape
    is_full = torch.bincount(columns, minlength=n_columns) == n
    sums = values.new_zeros(n_columns).index_add_(0, columns, values)
    values = values - torch.where(is_full, sums / n, 0)[columns]
    return torch.sparse_csr_tensor(
        points.crow_indices(), columns, values, size=points.shape, check_invariants=False
    )


def _are_whole(X: Tensor) -> bool:
    values = X if X.layout is torch.strided else X.values()
    if not values.is_floating_point():
        return True
    # Most features show in a few rows that they are not.
    return all(bool((part == part.round()).all()) for part in (values[:100], values))


def _squared_norms(points: Tensor) -> Tensor:
    if points.layout is torch.strided:
        return points.square().sum(1)
    squares = points.values().square()
    rows = torch.repeat_interleave(points.crow_indices().diff(), output_size=len(squares))
    return squares.new_zeros(len(points)).index_add_(0, rows, squares)


def _relative_distances(points: Tensor, norms: Tensor, rows: Tensor, out: Tensor) -> Tensor:
    """Squared distances from some points to all, less the former's own squared norms."""
    block = gather_rows(points, rows)
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
    rows, places = (distances <= furthest + tolerance).nonzero(as_tuple=True)
    closer = distances[rows, places] < (furthest - tolerance)[rows, 0]
    n_closer, n_tied = (
        torch.zeros(len(distances), dtype=torch.int64, device=rows.device).index_add_(0, rows, of)
        for of in (closer.long(), (~closer).long())
    )
    # Of the tied ones so many come first, of the same row.
    rank = (~closer).cumsum(0) - (n_tied.cumsum(0) - n_tied)[rows]
    chosen = closer | (rank <= (n_neighbors - n_closer)[rows])
    return places[chosen].view(len(distances), n_neighbors)

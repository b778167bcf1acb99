"""The least of all distances in single precision, of which each is computed once."""

import torch
from torch import Tensor

# Found beyond those asked for, where they are hardly further.
N_SPARE = 8
# Half the distance of 1 from the next larger float32.
ROUNDING = 2.0**-24
# Rows and columns of the largest tile of distances, a multiple of the group.
_TILE = 1024
# Distances of which only the smallest is looked at at first.
_GROUP = 8
# Distances found before the least are kept.
_N_FOUND = 300_000


class TiledSearch:
    """The least distances in single precision, each computed once for both of its points.

    Of the symmetric matrix of distances a tile of the upper half serves the points of its rows and
    those of its columns; only distances below a limit of their point are looked at. The points are
    shuffled: the first of them are a sample, which gives limits that few others are below.

    Parameters
    ----------
    points : Tensor of shape (n, d), float32
    norms : Tensor of shape (n,), float32
        Their squared norms.
    n_least : int
        So many are found for each point, and up to N_SPARE more that are hardly further.
    """

    def __init__(self, points: Tensor, norms: Tensor, n_least: int) -> None:
        n, n_features = points.shape
        self.n_least = n_least
        self.order = torch.randperm(n, generator=torch.Generator().manual_seed(0)).to(norms.device)
        # Up to whole groups, with points infinitely far away.
        self.n_points = -(-n // _GROUP) * _GROUP
        self.points = points.new_zeros(self.n_points, n_features)
        self.points[:n] = points[self.order]
        self.norms = norms.new_full((self.n_points,), torch.inf)
        self.norms[:n] = norms[self.order]
        # At least four a side: those on the diagonal are computed in full.
        self.tile = min(_TILE, -(-n // (4 * _GROUP)) * _GROUP)
        # One for all tiles, so that it stays in the cache.
        self.buffer = norms.new_empty(self.tile**2)
        self.values = norms.new_full((self.n_points, n_least + N_SPARE), torch.inf)
        self.itself = torch.arange(self.n_points, device=norms.device)[:, None]
        self.others = self.itself.expand_as(self.values)
        self.found: list[tuple[Tensor, Tensor, Tensor]] = []

    def find(self) -> tuple[Tensor, Tensor, Tensor]:
        """Squared distances (n, n_least + N_SPARE), ascending, to which points, and limits (n,).

        All that are not found are at least as far as the limit. Where fewer are found, the rest is
        infinite, to the point itself. Where most points have too many others within the errors of
        single precision, the search ends early, and all limits are -inf.
        """
        self.limits = self._guess_limits()
        starts = range(0, self.n_points, self.tile)
        for row in starts:
            for column in starts[row // self.tile :]:
                self._search_tile(row, column)
                if sum(len(rows) for rows, _, _ in self.found) > _N_FOUND:
                    self._keep_least()
            # These points are done, and others are likely to be like them.
            if row == 0 and self._are_most_in_doubt():
                self.limits.fill_(-torch.inf)
                break
        self._keep_least()
        place = self.order.argsort()
        return self.values[place], self.order[self.others[place]], self.limits[place]

    def _guess_limits(self) -> Tensor:
        """Limits (n_points,) by the nearest of a sample."""
        n_sample = max(self.n_points // 16, 64 * (self.n_least + 2))
        n_sample = min(n_sample, self.n_points, self.tile**2) // _GROUP * _GROUP
        # One more for the point itself, and one that is not below the limit.
        n_found = self.values.shape[1] + 2
        limits = torch.empty_like(self.norms)
        for row in range(0, self.n_points, self.tile**2 // n_sample):
            rows = slice(row, row + self.tile**2 // n_sample)
            groups = self._distances(rows, slice(n_sample)).unflatten(1, (_GROUP, -1))
            values = groups.amin(1).topk(n_found, largest=False).values
            limits[rows] = self._end_doubt(values[:, 2:], self.norms[rows]).minimum(values[:, -1])
        return limits

    def _end_doubt(self, values: Tensor, norms: Tensor) -> Tensor:
        """Where others are surely beyond the least asked for, by the least distances (b, n)."""
        least = values[:, self.n_least - 1].clamp(min=0)
        error = (self.points.shape[1] + 6) * (2 * norms.sqrt() + least.sqrt()).square()
        return least + 2.1 * ROUNDING * error

    def _are_most_in_doubt(self) -> bool:
        """Whether of most points in the first tiles too many others are hardly further."""
        self._keep_least()
        ends = self._end_doubt(self.values[: self.tile], self.norms[: self.tile])
        return 2 * int((self.limits[: self.tile] < ends).sum()) > len(ends)

    def _search_tile(self, row: int, column: int) -> None:
        rows, columns = slice(row, row + self.tile), slice(column, column + self.tile)
        distances = self._distances(rows, columns)
        if row == column:
            distances.fill_diagonal_(torch.inf)
        else:
            groups = distances.unflatten(0, (_GROUP, -1))
            group, i, j, values = _find_below(groups, self.limits[columns])
            self.found.append((column + j, row + group * groups.shape[1] + i, values))
        groups = distances.unflatten(1, (_GROUP, -1)).movedim(1, 0)
        group, i, j, values = _find_below(groups, self.limits[rows, None])
        self.found.append((row + i, column + group * groups.shape[2] + j, values))

    def _distances(self, rows: slice, columns: slice) -> Tensor:
        points, others = self.points[rows], self.points[columns]
        out = self.buffer[: len(points) * len(others)].view(len(points), len(others))
        torch.addmm(self.norms[columns], points, others.T, alpha=-2, out=out)
        return out.add_(self.norms[rows, None])

    def _keep_least(self) -> None:
        """Keep the least of what was found before and since, and lower the limits by them."""
        if not self.found:
            return
        rows, others, values = (torch.cat(part) for part in zip(*self.found, strict=True))
        self.found.clear()
        # By row, then by value: as integers, which are in the same order and sorted faster.
        order = values.view(torch.int32).argsort()
        order = order[rows[order].argsort(stable=True)]
        rows = rows[order]
        n_of_row = torch.bincount(rows, minlength=self.n_points)
        rank = torch.arange(len(rows), device=rows.device) - (n_of_row.cumsum(0) - n_of_row)[rows]
        is_least = rank < self.values.shape[1]
        place, order = (rows[is_least], rank[is_least]), order[is_least]
        all_values = torch.cat([torch.full_like(self.values, torch.inf), self.values], 1)
        all_others = torch.cat([self.itself.expand_as(self.others), self.others], 1)
        all_values[place], all_others[place] = values[order], others[order]
        self.values, least = all_values.topk(self.values.shape[1], largest=False)
        self.others = all_others.gather(1, least)
        ends = self._end_doubt(self.values, self.norms)
        self.limits = self.limits.minimum(ends).minimum(self.values[:, -1])


def _find_below(groups: Tensor, limits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Places in groups (_GROUP, a, b) of distances that are below their limits, and these."""
    i, j = (groups.amin(0) < limits).nonzero(as_tuple=True)
    values = groups[:, i, j]
    group, place = (values < limits.expand(groups.shape[1:])[i, j]).nonzero(as_tuple=True)
    return group, i[place], j[place], values[group, place].clamp_(min=0)

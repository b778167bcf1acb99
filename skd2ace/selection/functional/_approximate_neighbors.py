"""Approximate nearest neighbours for data so large that exact ones take minutes: faiss's."""

import importlib.util
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from ._exact_neighbors import nearest_of

# Multiplications that exact neighbours may take: seconds on two cores. Those of sparse features
# are slower.
_MOST_WORK = 2.5e11
_MOST_SPARSE_WORK = 2.5e10
# Rows by which the recall is measured, what it has to be for no more lists to be looked at, and
# below which a warning says that it is low.
_N_MEASURED = 300
_RECALL = 0.96
_LOW_RECALL = 0.9
_MOST_PROBES = 32
# Random directions in the place of sparse features, and how many of the closest by these are looked
# at for each neighbour.
_N_DIRECTIONS = 256
_N_LOOKED_AT = 16
_BLOCK_SIZE = 16384


def is_too_many(X: Tensor) -> bool:
    """Whether exact neighbours would take more than some seconds, on a CPU."""
    if X.device.type != "cpu":
        return False
    if X.layout is torch.strided:
        return len(X) ** 2 * X.shape[1] > _MOST_WORK
    return len(X) * len(X.values()) > _MOST_SPARSE_WORK


def has_index() -> bool:
    """Whether faiss can be imported; says so where it cannot."""
    if importlib.util.find_spec("faiss") is not None:
        return True
    warnings.warn(
        "The neighbours of so many instances take minutes, by the square of their number. "
        "`pip install skd2ace[neighbors]` brings an index that finds nearly all of them in "
        "seconds; neighbors='exact' takes the time without this warning.",
        stacklevel=2,
    )
    return False


class NeighborIndex:
    """An inverted file of faiss: only the lists closest to an instance are looked at.

    How many is found out by 300 rows, whose exact neighbours are known: as few as give a recall
    of .96, and 32 at most. Instances are clustered into 2 sqrt(n) lists. Of sparse features, 256
    random directions are indexed, and of the instances closest by these, 16 for each neighbour,
    the closest by all features are taken.

    Parameters
    ----------
    X : Tensor of shape (n, d)
        Dense or sparse CSR, on the CPU.
    n_neighbors : int

    Attributes
    ----------
    recall_ : float
        Share of the found neighbours of 300 rows that are as close as their nearest ones.

    Warns
    -----
    UserWarning
        If that is below .9.
    """

    def __init__(self, X: Tensor, n_neighbors: int) -> None:
        import faiss

        self.faiss, self.n_neighbors = faiss, n_neighbors
        self.is_sparse = X.layout is not torch.strided
        self.X = X.to(torch.float32) if self.is_sparse else _centre(X)
        self.points = _project(self.X) if self.is_sparse else np.ascontiguousarray(self.X.numpy())
        self.matrix = _as_scipy(self.X) if self.is_sparse else self.points
        n_found = (_N_LOOKED_AT if self.is_sparse else 1) * n_neighbors + 1
        self.n_found = min(n_found, len(self.points))
        n, d = self.points.shape
        with _threads(faiss):
            self.index = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, max(int(2 * math.sqrt(n)), 1))
            self.index.cp.seed, self.index.cp.niter = 0, 5
            self.index.cp.max_points_per_centroid = 40
            self.index.train(self.points)
            self.index.add(self.points)
            self.recall_ = self._choose_probes()

    def blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """Neighbours of all instances, as :func:`exact_blocks` gives them."""
        n = len(self.points)
        for start in range(0, n, _BLOCK_SIZE):
            rows = np.arange(start, min(start + _BLOCK_SIZE, n))
            with _threads(self.faiss):
                near = self._find(rows)
            yield slice(start, start + len(rows)), torch.from_numpy(near)

    def _choose_probes(self) -> float:
        n = len(self.points)
        rows = np.sort(np.random.default_rng(0).permutation(n)[:_N_MEASURED])
        exact = nearest_of(self.X, torch.from_numpy(rows), self.n_neighbors).numpy()
        furthest = self._measure(rows, exact).max(1)[:, None] * (1 + 1e-4)
        self.index.nprobe = 2
        while True:
            recall = float((self._measure(rows, self._find(rows)) <= furthest).mean())
            if recall >= _RECALL or self.index.nprobe >= min(_MOST_PROBES, self.index.nlist):
                break
            self.index.nprobe = 2 * self.index.nprobe
        if recall < _LOW_RECALL:
            warnings.warn(
                f"The neighbours of {n} instances are approximate: of {len(rows)} instances' "
                f"{self.n_neighbors} nearest, {recall:.0%} are found. neighbors='exact' finds all, "
                "in time that grows with the square of the instances.",
                stacklevel=2,
            )
        return recall

    def _find(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Neighbours (b, n_neighbors) of instances (b,)."""
        _, found = self.index.search(self.points[rows], self.n_found)
        near = _leave_out(rows, found)
        (short,) = np.nonzero((near < 0).any(1))
        if len(short):
            # The lists that were looked at hold fewer.
            found = self.faiss.knn(self.points[rows[short]], self.points, self.n_found)[1]
            near[short] = _leave_out(rows[short], found)
        if near.shape[1] == self.n_neighbors:
            return near
        order = self._measure(rows, near).argsort(1, kind="stable")[:, : self.n_neighbors]
        return np.take_along_axis(near, order, 1)

    def _measure(self, rows: NDArray[Any], near: NDArray[Any]) -> NDArray[Any]:
        """Squared distances (b, m) of instances (b,) from others (b, m) by all features."""
        distances = np.empty(near.shape, dtype=np.float64)
        for part in np.array_split(np.arange(len(rows)), max(near.size // _BLOCK_SIZE, 1)):
            others = self.matrix[near[part].ravel()]
            steps = others - self.matrix[rows[part].repeat(near.shape[1])]
            squares = steps.multiply(steps) if self.is_sparse else np.square(steps)
            distances[part] = squares.sum(1).reshape(-1, near.shape[1])
        return distances


def _centre(X: Tensor) -> Tensor:
    """Take the means from features: far from 0, single precision would round distances away."""
    X = X.to(torch.promote_types(X.dtype, torch.float32))
    return (X - X.mean(0, dtype=torch.float64).to(X.dtype)).to(torch.float32)


def _as_scipy(X: Tensor) -> sp.csr_array:
    parts = X.values().numpy(), X.col_indices().numpy(), X.crow_indices().numpy()
    return sp.csr_array(parts, shape=tuple(X.shape))


def _project(X: Tensor) -> NDArray[np.float32]:
    """Sparse features on random directions, by which distances are kept on average."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(X.shape[1], _N_DIRECTIONS, generator=generator) / _N_DIRECTIONS**0.5
    return torch.sparse.mm(X, directions).numpy()


def _leave_out(rows: NDArray[Any], found: NDArray[Any]) -> NDArray[Any]:
    """Drop one column of each row: that of the instance itself, or else the last."""
    own = found == rows[:, None]
    own[~own.any(1), -1] = True
    return found[~own].reshape(len(rows), -1)


@contextmanager
def _threads(faiss: Any) -> Iterator[None]:
    """Let faiss use as many threads as torch does."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(torch.get_num_threads())
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)

"""Approximate nearest neighbours for data so large that exact ones take minutes: faiss's."""

import importlib.util
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Exact neighbours of so many, in multiplications of their features, take seconds on two cores.
_MOST_WORK = 5e11
# Rows by which the recall is measured, and what it has to be for fewer lists to be looked at.
_N_MEASURED = 300
_RECALL = 0.96
_MOST_PROBES = 32
# Columns to which a random projection brings sparse features.
_N_PROJECTED = 256
_BLOCK_SIZE = 65536


def is_too_many(X: Tensor) -> bool:
    """Whether exact neighbours would take more than some seconds, on a CPU."""
    return X.device.type == "cpu" and len(X) ** 2 * X.shape[1] > _MOST_WORK


def has_index() -> bool:
    """Whether faiss can be imported; says so where it cannot."""
    if importlib.util.find_spec("faiss") is not None:
        return True
    warnings.warn(
        "Exact neighbours of so many instances take time that grows with their square. "
        "`pip install skd2ace[neighbors]` brings an index that finds nearly all of them in a "
        "part of it.",
        stacklevel=2,
    )
    return False


class NeighborIndex:
    """An inverted file of faiss: only the lists closest to an instance are looked at.

    How many is found out by 300 rows, whose exact neighbours are known: as few as give a recall
    of .96, and 32 at most. Instances are clustered into 2 sqrt(n) lists.

    Parameters
    ----------
    X : Tensor of shape (n, d)
        Dense or sparse CSR, on the CPU. A sparse one is projected to 256 random directions.
    n_neighbors : int

    Attributes
    ----------
    recall_ : float
        Share of the nearest neighbours of the 300 rows that are found, by distances in the
        dense or projected features.
    """

    def __init__(self, X: Tensor, n_neighbors: int) -> None:
        import faiss

        self.faiss, self.n_neighbors = faiss, n_neighbors
        self.points = _as_dense(X)
        n_lists = max(int(2 * math.sqrt(len(X))), 1)
        with _threads(faiss):
            quantizer = faiss.IndexFlatL2(self.points.shape[1])
            self.index = faiss.IndexIVFFlat(quantizer, self.points.shape[1], n_lists)
            self.index.cp.seed, self.index.cp.niter = 0, 10
            self.index.cp.max_points_per_centroid = 64
            self.index.train(self.points)
            self.index.add(self.points)
            self.recall_ = self._choose_probes()

    def blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """Neighbours of all instances, as :func:`exact_blocks` gives them."""
        for start in range(0, len(self.points), _BLOCK_SIZE):
            rows = np.arange(start, min(start + _BLOCK_SIZE, len(self.points)))
            with _threads(self.faiss):
                near = torch.from_numpy(self._find(rows))
            yield slice(start, start + len(rows)), near

    def _choose_probes(self) -> float:
        rng = np.random.default_rng(0)
        rows = rng.permutation(len(self.points))[:_N_MEASURED]
        _, found = self.faiss.knn(self.points[rows], self.points, self.n_neighbors + 1)
        exact = _without_oneself(rows, found)
        self.index.nprobe = 2
        while True:
            near = self._find(rows)
            recall = float((near[:, :, None] == exact[:, None, :]).any(2).mean())
            if recall >= _RECALL or self.index.nprobe >= min(_MOST_PROBES, self.index.nlist):
                return recall
            self.index.nprobe = 2 * self.index.nprobe

    def _find(self, rows: NDArray[Any]) -> NDArray[Any]:
        _, found = self.index.search(self.points[rows], self.n_neighbors + 1)
        near = _without_oneself(rows, found)
        # Of lists with fewer instances than asked for: the closest stands for the missing ones.
        (short,) = np.nonzero((near < 0).any(1))
        if len(short):
            exact = self.faiss.knn(self.points[rows[short]], self.points, self.n_neighbors + 1)[1]
            near[short] = _without_oneself(rows[short], exact)
        return near


def approximate_blocks(X: Tensor, n_neighbors: int) -> Iterator[tuple[slice, Tensor]]:
    """Approximate neighbours, one block of instances at a time; warns of what recall they have.

    Parameters
    ----------
    X : Tensor of shape (n, d)
        Dense or sparse CSR, on the CPU.
    n_neighbors : int
        At least 1 and at most n - 1.

    Yields
    ------
    rows : slice
    near : Tensor of shape (rows, n_neighbors), int64
    """
    index = NeighborIndex(X, n_neighbors)
    warnings.warn(
        f"The neighbours of {len(X)} instances are approximate: of {_N_MEASURED} instances' "
        f"{n_neighbors} nearest, {index.recall_:.3f} are found. neighbors='exact' finds all, in "
        "time that grows with the square of the instances.",
        stacklevel=2,
    )
    yield from index.blocks()


def _as_dense(X: Tensor) -> NDArray[np.float32]:
    """Features in single precision, centred, or projected where they are sparse."""
    if X.layout is torch.strided:
        points = X.to(torch.float32)
        return np.ascontiguousarray((points - points.mean(0)).numpy())
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(X.shape[1], _N_PROJECTED, generator=generator) / _N_PROJECTED**0.5
    return torch.sparse.mm(X.to(torch.float32), directions).numpy()


def _without_oneself(rows: NDArray[Any], found: NDArray[Any]) -> NDArray[Any]:
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

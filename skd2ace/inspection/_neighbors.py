"""Instances that look alike and are labelled otherwise."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skd2ace._images import list_paths
from skd2ace._sparse import gather_rows
from skd2ace.selection.functional import NeighborSearch
from skd2ace.training._data import to_tensor

Rows = NDArray[np.int64]

_ROWS_AT_ONCE = 1024


def find_nearest(estimator: Any, X: Any, n_neighbors: int) -> Rows | None:
    """Rows (n, k) of the nearest neighbours by the features that the network sees, in their order.

    They are exact up to where that takes some seconds, as those of selectors are. Images, and data
    sets that are read item by item, have none.
    """
    if n_neighbors == 0:
        return None
    prepare = getattr(estimator, "preprocessor_", None)
    features = X if prepare is None else prepare.transform(X)
    if not _is_table(features):
        return None
    table = to_tensor(features)
    near = torch.empty(len(table), min(n_neighbors, len(table) - 1), dtype=torch.int64)
    for block, found in NeighborSearch("auto").blocks(table, n_neighbors):
        near[block] = found
    for rows in torch.arange(len(table)).split(_ROWS_AT_ONCE):
        near[rows] = _sort_by_distance(table, rows, near[rows])
    return near.numpy()


def _sort_by_distance(table: Tensor, rows: Tensor, near: Tensor) -> Tensor:
    """Put neighbours (b, k) of rows (b,) into the order of their distance, then of their number."""
    near = near.sort(dim=1).values
    own = gather_rows(table, rows)
    distances = torch.empty(near.shape)
    for column, other in enumerate(near.T):
        distances[:, column] = (gather_rows(table, other) - own).norm(dim=1)
    return near.gather(1, distances.argsort(dim=1, stable=True))


def _is_table(features: Any) -> bool:
    if hasattr(features, "columns") and list_paths(features) is not None:
        return False
    if hasattr(features, "ndim"):
        return bool(features.ndim == 2)
    return isinstance(features, (list, tuple)) and np.ndim(features[0]) == 1


def list_opposed(
    near: Rows, Y: NDArray[np.float64], rows: Rows, labels: Rows
) -> list[tuple[int, ...]]:
    """For each cell the neighbours that carry the other value of its label."""
    others = Y[near[rows], labels[:, None]] == 1 - Y[rows, labels][:, None]
    return [
        tuple(around[is_other].tolist())
        for around, is_other in zip(near[rows], others, strict=True)
    ]

"""Instances that look alike and are labelled otherwise."""

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from sklearn.utils import check_array

from skd2ace._containers import count_dimensions, open_features
from skd2ace._sparse import csr_from_scipy
from skd2ace.selection.functional import NeighborSearch

Rows = NDArray[np.int64]


def find_nearest(estimator: Any, X: Any, n_neighbors: int) -> Rows | None:
    """Rows (n, k) of the nearest neighbours by the features that the network sees, none of images.

    They are exact up to where that takes some seconds, as those of selectors are.
    """
    prepare = getattr(estimator, "preprocessor_", None)
    features = open_features(X if prepare is None else prepare.transform(X))
    if n_neighbors == 0 or count_dimensions(features) != 2:
        return None
    features = check_array(features, accept_sparse="csr", dtype=np.float32)
    if sp.issparse(features):
        table = csr_from_scipy(sp.csr_array(features))
    else:
        table = torch.as_tensor(features)
    near = np.empty((len(table), min(n_neighbors, len(table) - 1)), dtype=np.int64)
    for rows, found in NeighborSearch("auto").blocks(table, n_neighbors):
        near[rows] = found.numpy()
    return np.sort(near)


def list_opposed(
    near: Rows, Y: NDArray[np.float64], rows: Rows, labels: Rows
) -> list[tuple[int, ...]]:
    """For each cell the neighbours that carry the other value of its label."""
    others = Y[near[rows], labels[:, None]] == 1 - Y[rows, labels][:, None]
    return [
        tuple(around[is_other].tolist())
        for around, is_other in zip(near[rows], others, strict=True)
    ]

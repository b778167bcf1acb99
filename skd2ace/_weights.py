"""Weights of instances and of their labels, as users give them."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_array

from ._containers import read_container


def check_weights(sample_weight: Any, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Check weights of instances, or of each of their labels.

    Parameters
    ----------
    sample_weight : array-like of shape (n,) or (n, q), or None
    shape : tuple of int
        Of the labels, (n, q).

    Returns
    -------
    ndarray of shape (n,) or (n, q), float64, or None

    Raises
    ------
    ValueError
        If they have another shape, or are not finite or negative.
    """
    if sample_weight is None:
        return None
    values = read_container(sample_weight)
    values = values.toarray() if sp.issparse(values) else values
    if values.dtype.kind not in "biuf":
        raise ValueError(f"sample_weight must hold numbers, got {sample_weight!r:.200}.")
    if values.shape not in (shape[:1], shape):
        raise ValueError(
            f"sample_weight must have shape {shape[:1]} or {shape}, one weight per instance or "
            f"per instance and label, got {values.shape}."
        )
    weight: NDArray[np.float64] = check_array(
        values, dtype=np.float64, ensure_2d=False, input_name="sample_weight"
    )
    if (weight < 0).any():
        raise ValueError(f"sample_weight must not be negative; found {weight.min():.6g}.")
    return weight


def per_cell(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (n, q), or (n, 1) of instances, that go with labels (n, q)."""
    return weight if weight.ndim == 2 else weight[:, None]

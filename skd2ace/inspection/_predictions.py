"""What displays of predictions are given."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skd2ace._containers import find_names, read_container
from skd2ace._labels import check_zero_one

Floats = NDArray[np.float64]


def read_predictions(
    Y: Any, proba: Any, label_names: Sequence[str] | None
) -> tuple[Floats, Floats, list[str]]:
    """Return labels (n, q) with NaN where not known, scores (n, q), and names (q,).

    Of instances without scores, rows of NaN alone, no label is known.

    Raises
    ------
    ValueError
        If shapes differ, labels are not 0/1, or there are not as many names as labels.
    """
    truth, names = read_labels(Y, label_names)
    scores = np.asarray(proba, dtype=np.float64)
    if np.ndim(Y) == 1:
        scores = scores.reshape(len(scores), -1)[:, -1:]
    if truth.shape != scores.shape:
        raise ValueError(f"Y and proba must be (n, q) both, got {truth.shape} and {scores.shape}.")
    has_scores = ~np.isnan(scores).all(axis=1, keepdims=True)
    return np.where(has_scores, truth, np.nan), np.where(has_scores, scores, 0.0), names


def read_labels(Y: Any, label_names: Sequence[str] | None) -> tuple[Floats, list[str]]:
    """Return labels (n, q) with NaN where not known, and names (q,).

    Raises
    ------
    ValueError
        If labels are not 0/1, or there are not as many names as labels.
    """
    values = read_container(Y)
    dense = np.asarray(values.toarray() if sp.issparse(values) else values)
    hint = "It is 0 or 1, or NaN where it is not known."
    try:
        truth = dense.astype(np.float64)
    except (TypeError, ValueError):
        # Words, of which it says which they are.
        check_zero_one(dense.astype(object), "Y", hint)
        raise
    truth = truth[:, None] if truth.ndim == 1 else truth
    check_zero_one(truth, "Y", hint)
    names = find_names(Y) if label_names is None else label_names
    shown = name_labels(names, truth.shape[1])
    if len(shown) != truth.shape[1]:
        raise ValueError(f"label_names has {len(shown)} names for {truth.shape[1]} labels.")
    return truth, shown


def name_labels(names: Iterable[Any] | None, n_labels: int) -> list[str]:
    """Names of the labels as they are shown; by default the numbers of their columns."""
    return [str(name) for name in (range(n_labels) if names is None else names)]

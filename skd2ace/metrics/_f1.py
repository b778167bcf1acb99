"""F1 averaged over labels."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import f1_score

from ._cells import Cells, read_predicted


def macro_f1(
    Y_true: ArrayLike, Y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Mean over labels of the F1 score; a label with neither positives nor predictions has 0.

    Parameters
    ----------
    Y_true, Y_pred : array-like or sparse matrix of shape (n, q)
        0/1; Y_true NaN where unknown. A label without a cell that counts is left out.
    sample_weight : array-like of shape (n,) or (n, q), optional
        What instances or cells count, not negative; those of 0 may hold anything.

    Returns
    -------
    float
        In [0, 1], larger is better; NaN where nothing counts.

    Raises
    ------
    ValueError
        If labels that count are not 0/1, or shapes or weights do not fit.
    """
    return _f1(read_predicted(Y_true, Y_pred, sample_weight), "macro")


def micro_f1(
    Y_true: ArrayLike, Y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """F1 score over all (instance, label) pairs; 0 with neither positives nor predictions.

    Parameters
    ----------
    Y_true, Y_pred, sample_weight
        As for :func:`macro_f1`.

    Returns
    -------
    float
        In [0, 1], larger is better; NaN where nothing counts.

    Raises
    ------
    ValueError
        As for :func:`macro_f1`.
    """
    return _f1(read_predicted(Y_true, Y_pred, sample_weight), "micro")


def _f1(cells: Cells, average: str) -> float:
    if cells.weighs_nothing:
        return float("nan")
    relevant, predicted, weight = cells
    if weight is not None and weight.ndim == 2:
        return _f1_of_cells(cells, average)
    # Of a single column f1_score would average over the classes 0 and 1.
    average = "binary" if relevant.shape[1] == 1 else average
    return float(
        f1_score(relevant, predicted, average=average, zero_division=0, sample_weight=weight)
    )


def _f1_of_cells(cells: Cells, average: str) -> float:
    """F1 score where the labels of an instance weigh differently."""
    relevant, predicted, weight = cells.relevant, cells.answer, cells.weigh_cells()
    hits = np.where(relevant & predicted, weight, 0).sum(axis=0)
    marked = (weight * relevant + weight * predicted).sum(axis=0)
    if average == "micro":
        hits, marked = hits.sum(keepdims=True), marked.sum(keepdims=True)
    else:
        counted = weight.any(axis=0)
        hits, marked = hits[counted], marked[counted]
    return float(np.divide(2 * hits, marked, where=marked > 0, out=0 * marked).mean())

"""Metrics of scores that scikit-learn lacks, or defines only where every label has two classes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from ._cells import Cells, read_scored


def roc_auc_per_label(
    Y_true: ArrayLike, Y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Area under the ROC curve of each label.

    Parameters
    ----------
    Y_true : array-like or sparse matrix of shape (n, q)
        0/1; NaN where unknown.
    Y_score : array-like of shape (n, q)
        Probabilities, logits, or any score that is larger for more relevant labels.
    sample_weight : array-like of shape (n,) or (n, q), optional
        What instances or cells count, not negative; those of 0 may hold anything.

    Returns
    -------
    ndarray of shape (q,)
        NaN for a label that is relevant to all instances that count, or to none.

    Raises
    ------
    ValueError
        If labels that count are not 0/1, a score that counts is NaN, or shapes or weights do not
        fit.

    Notes
    -----
    The Mann-Whitney statistic from average ranks: ``sklearn.metrics.roc_auc_score`` for all
    labels in one pass, ties included.

    Examples
    --------
    >>> from skd2ace.metrics import roc_auc_per_label
    >>> roc_auc_per_label([[1, 0], [0, 0], [1, 0]], [[0.9, 0.5], [0.4, 0.2], [0.3, 0.1]])
    array([0.5, nan])
    """
    cells = read_scored(Y_true, Y_score, sample_weight)
    if cells.weight is not None:
        return _weigh_pairs(cells)
    relevant, scores, _ = cells
    n_positive = relevant.sum(axis=0)
    n_pairs = n_positive * (len(relevant) - n_positive)
    rank_sums = np.where(relevant, _rank(scores, axis=0), 0).sum(axis=0)
    n_won = rank_sums - n_positive * (n_positive + 1) / 2
    return np.divide(n_won, n_pairs, out=np.full(len(n_pairs), np.nan), where=n_pairs > 0)


def _weigh_pairs(cells: Cells) -> NDArray[np.float64]:
    """Share of the weight of pairs, w_i w_j, that are in order; of ties a half."""
    relevant, scores, weight = cells.relevant, cells.answer, cells.weigh_cells()
    levels = _rank(scores, method="dense", axis=0).astype(np.int64)
    areas = np.full(relevant.shape[1], np.nan)
    for label in range(len(areas)):
        positive = np.where(relevant[:, label], weight[:, label], 0)
        negative = np.where(relevant[:, label], 0, weight[:, label])
        if not (positive.any() and negative.any()):
            continue
        # Shares, whose products neither overflow nor vanish.
        won = np.bincount(levels[:, label], positive / positive.sum())
        lost = np.bincount(levels[:, label], negative / negative.sum())
        areas[label] = won @ (lost.cumsum() - lost / 2)
    return areas.clip(0, 1)


def macro_auc(
    Y_true: ArrayLike, Y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Mean area under the ROC curve over the labels where it is defined.

    How many labels that leaves out, ``np.isnan(roc_auc_per_label(Y_true, Y_score)).sum()`` says.

    Parameters
    ----------
    Y_true, Y_score, sample_weight
        As for :func:`roc_auc_per_label`.

    Returns
    -------
    float
        In [0, 1], larger is better; NaN where no label is left.

    Raises
    ------
    ValueError
        As for :func:`roc_auc_per_label`.

    Examples
    --------
    >>> from skd2ace.metrics import macro_auc
    >>> macro_auc([[1, 0], [0, 0]], [[0.9, 0.5], [0.4, 0.2]])
    1.0
    """
    areas = roc_auc_per_label(Y_true, Y_score, sample_weight=sample_weight)
    defined = areas[~np.isnan(areas)]
    return float(defined.mean()) if defined.size else float("nan")


def mean_average_precision(
    Y_true: ArrayLike, Y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Mean average precision (mAP) over the labels that are relevant to some instance.

    Parameters
    ----------
    Y_true, Y_score, sample_weight
        As for :func:`roc_auc_per_label`.

    Returns
    -------
    float
        In [0, 1], larger is better; NaN where no label is left.

    Raises
    ------
    ValueError
        As for :func:`roc_auc_per_label`.

    Notes
    -----
    Each label's average precision is ``sklearn.metrics.average_precision_score``: the sum over
    recalls, without interpolation (VOC2007's own figures interpolate at 11 points).

    Examples
    --------
    >>> from skd2ace.metrics import mean_average_precision
    >>> mean_average_precision([[1, 0], [0, 0], [1, 0]], [[0.9, 0.5], [0.4, 0.2], [0.3, 0.1]])
    0.8333333333333333
    """
    cells = read_scored(Y_true, Y_score, sample_weight)
    weight, scores = cells.weigh_cells(), np.nan_to_num(cells.answer)
    precisions = []
    for label in range(scores.shape[1]):
        counted = weight[:, label] > 0
        relevant = cells.relevant[counted, label]
        if relevant.any():
            # By the largest, so that products of tiny or huge weights are numbers.
            weights = weight[counted, label] / weight[counted, label].max()
            area = average_precision_score(relevant, scores[counted, label], sample_weight=weights)
            precisions.append(area)
    return float(np.mean(precisions)) if precisions else float("nan")


def one_error(
    Y_true: ArrayLike, Y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of instances whose highest-scored label is not relevant.

    Parameters
    ----------
    Y_true, Y_score, sample_weight
        As for :func:`roc_auc_per_label`; of labels with the same score the first counts. An
        instance is ranked by its cells that count, and counts their mean weight.

    Returns
    -------
    float
        In [0, 1], smaller is better. An instance without labels is an error. NaN where
        nothing counts.

    Raises
    ------
    ValueError
        As for :func:`roc_auc_per_label`.

    Examples
    --------
    >>> from skd2ace.metrics import one_error
    >>> one_error([[1, 0], [0, 1]], [[0.9, 0.5], [0.4, 0.2]])
    0.5
    """
    cells = read_scored(Y_true, Y_score, sample_weight)
    if cells.weighs_nothing:
        return float("nan")
    scores = cells.answer
    if cells.weight is not None and cells.weight.ndim == 2:
        scores = rank_counted(cells)
    top = scores.argmax(axis=1)
    hit = cells.relevant[np.arange(len(top)), top]
    if cells.weight is None:
        return float(1 - hit.mean())
    return float(np.average(~hit, weights=cells.weigh_instances()))


def rank_counted(cells: Cells) -> NDArray:
    """Scores' ranks (n, q) within each instance from 1, ties alike; 0 where nothing counts."""
    ranks = _rank(cells.answer, method="dense", axis=1)
    return np.where(cells.weigh_cells() > 0, ranks, 0)


def _rank(scores: NDArray, *, axis: int, method: str = "average") -> NDArray[np.float64]:
    """Ranks from 1. Infinite scores count as the largest finite ones: scipy 1.12 has no others."""
    ranks: NDArray[np.float64] = rankdata(np.nan_to_num(scores), method=method, axis=axis)
    return ranks

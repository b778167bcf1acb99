"""scikit-learn's multi-label metrics, made to take weights of cells, unknown labels, one label.

Where all labels are known and weights are those of instances the value is scikit-learn's.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn.metrics
from numpy.typing import ArrayLike

from ._cells import Cells, read_predicted, read_scored
from ._ranking import rank_counted


def hamming_loss(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of (instance, label) pairs that are predicted wrongly, by weight.

    Parameters
    ----------
    y_true, y_pred : array-like or sparse matrix of shape (n, q)
        0/1; y_true NaN where unknown.
    sample_weight : array-like of shape (n,) or (n, q), optional
        What instances or cells count, not negative; those of 0 may hold anything.

    Returns
    -------
    float
        In [0, 1], smaller is better; NaN where nothing counts.

    Raises
    ------
    ValueError
        If labels that count are not 0/1, or shapes or weights do not fit.

    See Also
    --------
    sklearn.metrics.hamming_loss : The same where the labels of an instance weigh the same.

    Examples
    --------
    >>> from skd2ace.metrics import hamming_loss
    >>> hamming_loss([[1, 0], [0, float("nan")]], [[1, 1], [0, 0]])
    0.3333333333333333
    """
    cells = read_predicted(y_true, y_pred, sample_weight)
    relevant, predicted, weight = cells
    if cells.weighs_nothing:
        return float("nan")
    if weight is not None and weight.ndim == 2:
        return float(np.average(relevant != predicted, weights=weight))
    return float(sklearn.metrics.hamming_loss(relevant, predicted, sample_weight=weight))


def coverage_error(
    y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Mean over instances of how many labels from the top hold all relevant ones.

    MULAN counts ranks from 0: its convention is one less.

    Parameters
    ----------
    y_true, y_score, sample_weight
        As for :func:`label_ranking_loss`.

    Returns
    -------
    float
        In [0, q], smaller is better: an instance without labels has 0, labels of the same score
        count as the last of them. Of one label it is the share of instances that have it. NaN
        where nothing counts.

    Raises
    ------
    ValueError
        As for :func:`label_ranking_loss`.

    See Also
    --------
    sklearn.metrics.coverage_error : The same where the labels of an instance weigh the same.

    Examples
    --------
    >>> from skd2ace.metrics import coverage_error
    >>> coverage_error([[1, 0], [0, 1]], [[0.9, 0.5], [0.4, 0.2]])
    1.5
    """
    return _rank(sklearn.metrics.coverage_error, read_scored(y_true, y_score, sample_weight))


def label_ranking_average_precision_score(
    y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Mean over instances and their labels of the share of relevant ones among those not below.

    Parameters
    ----------
    y_true, y_score, sample_weight
        As for :func:`label_ranking_loss`.

    Returns
    -------
    float
        In (0, 1], larger is better. An instance that has none of its labels, or all, has 1: of
        one label it is 1 whatever the scores. NaN where nothing counts.

    Raises
    ------
    ValueError
        As for :func:`label_ranking_loss`.

    See Also
    --------
    sklearn.metrics.label_ranking_average_precision_score : The same where the labels of an
        instance weigh the same.

    Examples
    --------
    >>> from skd2ace.metrics import label_ranking_average_precision_score
    >>> label_ranking_average_precision_score([[1, 0], [0, 1]], [[0.9, 0.5], [0.4, 0.2]])
    0.75
    """
    cells = read_scored(y_true, y_score, sample_weight)
    return _rank(sklearn.metrics.label_ranking_average_precision_score, cells)


def label_ranking_loss(
    y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Mean over instances of the share of (relevant, irrelevant) pairs of labels out of order.

    Parameters
    ----------
    y_true : array-like or sparse matrix of shape (n, q)
        0/1; NaN where unknown.
    y_score : array-like of shape (n, q)
        Probabilities, logits, or any score that is larger for more relevant labels.
    sample_weight : array-like of shape (n,) or (n, q), optional
        What instances or cells count, not negative; those of 0 may hold anything. An instance is
        ranked by its cells that count, and counts their mean weight.

    Returns
    -------
    float
        In [0, 1], smaller is better; ties are out of order. An instance that has none of its
        labels, or all, has 0: of one label it is 0 whatever the scores. NaN where nothing counts.

    Raises
    ------
    ValueError
        If labels that count are not 0/1, a score that counts is NaN, or shapes or weights do not
        fit.

    See Also
    --------
    sklearn.metrics.label_ranking_loss : The same where the labels of an instance weigh the same.

    Examples
    --------
    >>> from skd2ace.metrics import label_ranking_loss
    >>> label_ranking_loss([[1, 0], [0, 1]], [[0.9, 0.5], [0.4, 0.2]])
    0.5
    """
    cells = read_scored(y_true, y_score, sample_weight)
    if cells.weight is None or cells.weight.ndim == 1 or cells.weighs_nothing:
        return _rank(sklearn.metrics.label_ranking_loss, cells)
    counted = (cells.weight > 0).sum(axis=1)
    positive = cells.relevant.sum(axis=1)
    weight: Any = cells.weigh_instances()
    # scikit-learn's pairs are those with every label, and those with a label below all are right.
    pairs = positive * (counted - positive)
    all_pairs = positive * (cells.relevant.shape[1] - positive)
    scaled = weight * np.divide(all_pairs, pairs, where=pairs > 0, out=np.ones(len(pairs)))
    loss = sklearn.metrics.label_ranking_loss(
        cells.relevant, rank_counted(cells), sample_weight=scaled
    )
    return float(loss * (scaled.sum() / weight.sum()))


def _rank(metric: Callable[..., float], cells: Cells) -> float:
    """Measure with one of scikit-learn's metrics to which labels below all others are nothing."""
    if cells.weighs_nothing:
        return float("nan")
    relevant, scores = cells.relevant, cells.answer
    is_of_cells = cells.weight is not None and cells.weight.ndim == 2
    # Infinite scores scikit-learn refuses, which have an order too.
    if is_of_cells or not np.isfinite(scores).all():
        scores = rank_counted(cells)
    if relevant.shape[1] == 1:
        # scikit-learn wants two labels; one that nothing has, below the other, changes no value.
        relevant, scores = np.pad(relevant, ((0, 0), (0, 1))), np.array([[1, 0]] * len(relevant))
    return float(metric(relevant, scores, sample_weight=cells.weigh_instances()))

"""F1 averaged over labels, and the thresholds that make it largest."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import f1_score, precision_recall_curve

from ._ranking import relevance, relevance_and_scores


def macro_f1(Y_true: ArrayLike, Y_pred: ArrayLike) -> float:
    """Mean over labels of the F1 score; a label with neither positives nor predictions has 0.

    Parameters
    ----------
    Y_true, Y_pred : array-like or sparse matrix of shape (n, q)
        0/1.

    Returns
    -------
    float
        In [0, 1], larger is better.
    """
    return _f1(Y_true, Y_pred, "macro")


def micro_f1(Y_true: ArrayLike, Y_pred: ArrayLike) -> float:
    """F1 score over all (instance, label) pairs; 0 with neither positives nor predictions.

    Parameters
    ----------
    Y_true, Y_pred : array-like or sparse matrix of shape (n, q)
        0/1.

    Returns
    -------
    float
        In [0, 1], larger is better.
    """
    return _f1(Y_true, Y_pred, "micro")


def best_f1_thresholds(
    Y_true: ArrayLike, Y_proba: ArrayLike, *, default: float = 0.5
) -> NDArray[np.float64]:
    """Threshold of each label that makes its F1 largest.

    Parameters
    ----------
    Y_true : array-like or sparse matrix of shape (n, q)
        0/1.
    Y_proba : array-like of shape (n, q)
        Probabilities; a label is predicted where its probability is at least the threshold.
    default : float, default=0.5
        Threshold of a label without positives, whose F1 is 0 at any.

    Returns
    -------
    ndarray of shape (q,)
        Each is one of the label's probabilities, the highest of equally good ones.

    Raises
    ------
    ValueError
        If the shapes differ or a probability is NaN.

    Examples
    --------
    >>> best_f1_thresholds([[1], [1], [0]], [[0.3], [0.2], [0.1]])
    array([0.2])
    """
    relevant, proba = relevance_and_scores(Y_true, Y_proba)
    thresholds = np.full(relevant.shape[1], default, dtype=np.float64)
    for label in np.flatnonzero(relevant.any(axis=0)):
        precision, recall, cuts = precision_recall_curve(relevant[:, label], proba[:, label])
        # The curve ends in a point without a threshold.
        total = precision[:-1] + recall[:-1]
        f1 = np.divide(2 * precision[:-1] * recall[:-1], total, where=total > 0, out=0 * total)
        thresholds[label] = cuts[len(f1) - 1 - f1[::-1].argmax()]
    return thresholds


def _f1(Y_true: ArrayLike, Y_pred: ArrayLike, average: str) -> float:
    relevant, predicted = relevance(Y_true, Y_pred)
    # Of a single column f1_score would average over the classes 0 and 1.
    average = "binary" if relevant.shape[1] == 1 else average
    return float(f1_score(relevant, predicted, average=average, zero_division=0))

"""Metrics of scores that scikit-learn lacks, or defines only where every label has two classes."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from scipy.stats import rankdata

from skd2ace._labels import check_zero_one


def label_matrix(Y: Any) -> NDArray:
    """Return Y dense, with a one-dimensional Y as a single column."""
    dense = np.asarray(Y.toarray() if issparse(Y) else Y)
    return dense.reshape(len(dense), -1)


def relevance(*labels: Any) -> list[NDArray[np.bool_]]:
    """Return label arrays as bool: 0 and 1, or vectors of two classes, the larger relevant.

    The arrays are read together: predictions may hold one of the two classes only.

    Raises
    ------
    ValueError
        If a matrix holds anything but 0 and 1, or the vectors not two classes.
    """
    matrices = [label_matrix(Y) for Y in labels]
    if all(matrix.shape[1] == 1 for matrix in matrices):
        return _larger_of_two(matrices)
    for matrix in matrices:
        check_zero_one(matrix, "Labels")
    return [matrix.astype(bool) for matrix in matrices]


def _larger_of_two(columns: list[NDArray]) -> list[NDArray[np.bool_]]:
    """Return where single columns hold 1, or the larger of two other classes."""
    classes = np.unique(np.concatenate(columns))
    if set(classes.tolist()) <= {0, 1}:
        return [column.astype(bool) for column in columns]
    if len(classes) != 2:
        raise ValueError(
            f"Labels must be zeros and ones, or vectors of two classes; found "
            f"{classes[:5].tolist()}."
        )
    return [column == classes[-1] for column in columns]


def relevance_and_scores(Y_true: Any, Y_score: Any) -> tuple[NDArray[np.bool_], NDArray]:
    """Return labels as bool and scores as they are, two matrices of one shape.

    Raises
    ------
    ValueError
        If the labels are not as :func:`relevance` wants them, the shapes differ, or a score is
        NaN.
    """
    (relevant,), scores = relevance(Y_true), label_matrix(Y_score)
    if relevant.shape != scores.shape:
        raise ValueError(f"Y_true has shape {relevant.shape} and the scores {scores.shape}.")
    if np.isnan(scores).any():
        raise ValueError("The scores contain NaN.")
    return relevant, scores


def roc_auc_per_label(Y_true: ArrayLike, Y_score: ArrayLike) -> NDArray[np.float64]:
    """Area under the ROC curve of each label.

    Parameters
    ----------
    Y_true : array-like or sparse matrix of shape (n, q)
        0/1.
    Y_score : array-like of shape (n, q)
        Probabilities, logits, or any score that is larger for more relevant labels.

    Returns
    -------
    ndarray of shape (q,)
        NaN for a label that is relevant to all instances or to none.

    Raises
    ------
    ValueError
        If the shapes differ or a score is NaN.

    Notes
    -----
    The Mann-Whitney statistic from average ranks: ``sklearn.metrics.roc_auc_score`` for all
    labels in one pass, ties included.

    Examples
    --------
    >>> roc_auc_per_label([[1, 0], [0, 0], [1, 0]], [[0.9, 0.5], [0.4, 0.2], [0.3, 0.1]])
    array([0.5, nan])
    """
    relevant, scores = relevance_and_scores(Y_true, Y_score)
    n_positive = relevant.sum(axis=0)
    n_pairs = n_positive * (len(relevant) - n_positive)
    rank_sums = np.where(relevant, rankdata(scores, axis=0), 0).sum(axis=0)
    n_won = rank_sums - n_positive * (n_positive + 1) / 2
    return np.divide(n_won, n_pairs, out=np.full(len(n_pairs), np.nan), where=n_pairs > 0)


def macro_auc(Y_true: ArrayLike, Y_score: ArrayLike) -> float:
    """Mean area under the ROC curve over the labels where it is defined.

    How many labels that leaves out, ``np.isnan(roc_auc_per_label(Y_true, Y_score)).sum()`` says.

    Parameters
    ----------
    Y_true, Y_score : array-like of shape (n, q)
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
    >>> macro_auc([[1, 0], [0, 0]], [[0.9, 0.5], [0.4, 0.2]])
    1.0
    """
    areas = roc_auc_per_label(Y_true, Y_score)
    defined = areas[~np.isnan(areas)]
    return float(defined.mean()) if defined.size else float("nan")


def one_error(Y_true: ArrayLike, Y_score: ArrayLike) -> float:
    """Share of instances whose highest-scored label is not relevant.

    Parameters
    ----------
    Y_true, Y_score : array-like of shape (n, q)
        As for :func:`roc_auc_per_label`; of labels with the same score the first counts.

    Returns
    -------
    float
        In [0, 1], smaller is better. An instance without labels is an error.

    Raises
    ------
    ValueError
        As for :func:`roc_auc_per_label`.

    Examples
    --------
    >>> one_error([[1, 0], [0, 1]], [[0.9, 0.5], [0.4, 0.2]])
    0.5
    """
    relevant, scores = relevance_and_scores(Y_true, Y_score)
    top = scores.argmax(axis=1)
    return float(1 - relevant[np.arange(len(top)), top].mean())

"""What the papers of the field do to a data set before they split it."""

from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from skd2ace._containers import keep_numbers, read_container
from skd2ace._sklearn import Interval, validate_parameter_constraints

from ._label_matrix import read_label_matrix


def drop_rare_labels(Y: Any, min_positives: int = 1) -> Any:
    """Keep the labels that enough instances have.

    Parameters
    ----------
    Y : array-like, sparse matrix, Tensor or DataFrame of shape (n, q)
        0/1, NaN where unknown.
    min_positives : int, default=1
        Labels with fewer positives are dropped.

    Returns
    -------
    Same type as Y, of shape (n, number of labels kept)
        Of lists an ndarray, of sparse tensors and matrices that cannot be indexed a CSR one.

    Raises
    ------
    ValueError
        If ``min_positives`` is no whole number of at least 0, Y holds anything but 0, 1 and NaN, or
        no label is left.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.datasets import drop_rare_labels
    >>> drop_rare_labels(np.array([[1, 0, 1], [1, 1, 0], [1, 0, 1]]), min_positives=2)
    array([[1, 1],
           [1, 0],
           [1, 1]])
    """
    validate_parameter_constraints(
        {"min_positives": [Interval(Integral, 0, None, closed="left")]},
        {"min_positives": min_positives},
        caller_name="drop_rare_labels",
    )
    labels = read_label_matrix(Y).positives
    counts = np.bincount(labels.indices, minlength=labels.shape[1])
    kept = np.flatnonzero(counts >= min_positives)
    if not kept.size:
        raise ValueError(f"No label has {min_positives} positives.")
    return _take(Y, kept, axis=1)


def drop_unlabelled(X: Any, Y: Any) -> tuple[Any, Any]:
    """Keep the instances that have a label, or may have one that is not known.

    Parameters
    ----------
    X : array-like, sparse matrix, Tensor or DataFrame of shape (n, d)
    Y : array-like, sparse matrix, Tensor or DataFrame of shape (n, q)
        0/1, NaN where unknown.

    Returns
    -------
    X, Y : same types as given
        The same rows of both; of lists an ndarray, of sparse tensors and matrices that cannot be
        indexed a CSR one.

    Raises
    ------
    ValueError
        If the lengths differ, Y holds anything but 0, 1 and NaN, or no instance has a label.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.datasets import drop_unlabelled
    >>> drop_unlabelled(np.array([[0.1], [0.2]]), np.array([[0, 0], [0, 1]]))
    (array([[0.2]]), array([[0, 1]]))
    """
    labels, n_unknown = read_label_matrix(Y)
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if n_rows != labels.shape[0]:
        raise ValueError(f"X has {n_rows} rows and Y {labels.shape[0]}.")
    kept = np.flatnonzero(np.diff(labels.indptr) + n_unknown)
    if not kept.size:
        raise ValueError("No instance has a label.")
    return _take(X, kept, axis=0), _take(Y, kept, axis=0)


def select_top_features(X: Any, fraction: float) -> Any:
    """Keep the features of the largest column sums, which for words are the frequent ones.

    Parameters
    ----------
    X : array-like, sparse matrix, frame or Tensor of shape (n, d)
        Missing values count as zero.
    fraction : float
        In (0, 1]; the share of features kept, rounded down, and at least one. The papers keep
        2 % of rcv1's 47236 words, which are 944, and 1 % of the 49060 of tmc2007, which are 490.

    Returns
    -------
    Same type as X, of shape (n, number of features kept)
        Of lists an ndarray, of sparse tensors and matrices that cannot be indexed a CSR one.
        Columns stay in their order. Of equal sums the first count as larger.

    Raises
    ------
    ValueError
        If the fraction is not in (0, 1].

    Notes
    -----
    The labels play no part, and yet the sums are of all rows: where the papers' numbers are not
    to be matched, select within the fold.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.datasets import select_top_features
    >>> select_top_features(np.array([[3, 0, 1, 2], [3, 1, 0, 0]]), fraction=0.5)
    array([[3, 2],
           [3, 0]])
    """
    validate_parameter_constraints(
        {"fraction": [Interval(Real, 0, 1, closed="right")]},
        {"fraction": fraction},
        caller_name="select_top_features",
    )
    sums = _column_sums(X)
    # 0.29 * 100 is a little less than 29.
    n_kept = max(1, int(fraction * len(sums) + 1e-9))
    return _take(X, np.sort(np.argsort(-sums, kind="stable")[:n_kept]), axis=1)


def _column_sums(X: Any) -> NDArray[Any]:
    """Sum each column, without what is missing."""
    X = read_container(X)
    if sp.issparse(X):
        entries = sp.coo_array(X)
        values = np.nan_to_num(entries.data.astype(np.float64))
        return np.bincount(entries.col, weights=values, minlength=X.shape[1])
    return np.nansum(np.asarray(X, dtype=np.float64), axis=0)


def _take(matrix: Any, index: NDArray[np.intp], axis: int) -> Any:
    if hasattr(matrix, "iloc"):
        return matrix.iloc[index] if axis == 0 else matrix.iloc[:, index]
    if sp.issparse(matrix):
        matrix = matrix.tocsr()
    elif not hasattr(matrix, "shape") or getattr(matrix, "layout", torch.strided) != torch.strided:
        is_rows = isinstance(matrix, (list, tuple))
        matrix = read_container(keep_numbers(matrix) if is_rows else matrix)
    return matrix[index] if axis == 0 else matrix[:, index]

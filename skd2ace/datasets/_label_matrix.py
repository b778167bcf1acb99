"""A label matrix as the functions on data sets take it."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skd2ace._containers import read_container
from skd2ace._labels import check_zero_one


class LabelMatrix(NamedTuple):
    """Where a label matrix (n, q) has ones, and where it is not known."""

    positives: sp.csr_array
    """1 there, in sorted order; nothing else is stored."""
    n_unknown: NDArray[np.int64]
    """Cells of each instance that are not known, (n,)."""


def read_label_matrix(Y: Any) -> LabelMatrix:
    """Read a label matrix out of any container, which stays as it is.

    Parameters
    ----------
    Y : array-like, sparse matrix, Tensor or DataFrame of shape (n, q)
        0/1, NaN where unknown.

    Returns
    -------
    LabelMatrix

    Raises
    ------
    ValueError
        If Y is empty, is no matrix or holds anything but 0, 1 and NaN.
    """
    matrix = read_container(Y)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(
            f"Y must be a matrix of instances and labels; its shape is {matrix.shape}."
        )
    if not sp.issparse(matrix):
        check_zero_one(matrix, "Y")
        return LabelMatrix(sp.csr_array(matrix == 1, dtype=np.int64), _count_unknown(matrix))
    positives = sp.csr_array(matrix, copy=True)
    positives.sum_duplicates()
    check_zero_one(positives.data, "Y")
    # Of empty rows, reduceat would take the next one's.
    ends = np.concatenate([[0], np.cumsum(positives.data != positives.data)])[positives.indptr]
    positives.data = (positives.data == 1).astype(np.int64)
    positives.eliminate_zeros()
    return LabelMatrix(positives, np.diff(ends))


def _count_unknown(matrix: NDArray) -> NDArray[np.int64]:
    # NaN, alone, is not equal to itself.
    return np.asarray((matrix != matrix).sum(axis=1), dtype=np.int64)

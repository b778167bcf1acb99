"""A label matrix as the functions on data sets take it."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from skd2ace._containers import read_container
from skd2ace._labels import check_zero_one


def positives(Y: Any) -> sp.csr_array:
    """Return the ones of a label matrix as a CSR array, a copy.

    Parameters
    ----------
    Y : array-like, sparse matrix, frame or Tensor of shape (n, q)
        0/1; NaN where unknown, which is no one.

    Raises
    ------
    ValueError
        If Y is empty, is no matrix or holds anything but 0 and 1.
    """
    # Before it is made sparse: earlier versions of scipy take a vector for a row.
    matrix = read_container(Y)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(
            f"Y must be a matrix of instances and labels; its shape is {matrix.shape}."
        )
    if not sp.issparse(matrix):
        # Objects and half precision are nothing that scipy knows.
        check_zero_one(matrix, "Y")
        matrix = matrix == 1
    matrix = sp.csr_array(matrix, copy=True)
    matrix.sum_duplicates()
    check_zero_one(matrix.data, "Y")
    matrix.data[np.isnan(matrix.data)] = 0
    matrix.eliminate_zeros()
    return matrix

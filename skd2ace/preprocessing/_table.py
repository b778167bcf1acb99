"""A table of any container as numbers and categories."""

import numbers
from decimal import Decimal
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skd2ace._containers import is_unknown, read_container


def read_columns(X: Any, is_category: list[bool] | None = None) -> list[NDArray]:
    """Columns (n,) of a table: float64 with NaN where unknown, or object with None.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n, d)
        Bools count as numbers. What is declared as a category, and a column that holds anything
        but numbers, is one of categories.
    is_category : list of bool, optional
        Which columns were, when the table was first seen; others are to be numbers.

    Returns
    -------
    list of ndarray

    Raises
    ------
    ValueError
        If X has infinite numbers, or words where numbers are due.
    """
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf":
        # All at once: of a wide table, columns of one row each take longer than a network does.
        matrix = np.array(X.T, dtype=np.float64, order="C")
        columns, infinite = list(matrix), np.isinf(matrix).any(axis=1)
    else:
        columns = [_read_column(X, j) for j in range(X.shape[1])]
        infinite = np.array([c.dtype != object and np.isinf(c).any() for c in columns])
    if infinite.any():
        raise ValueError(f"Input X contains infinity: in column {infinite.argmax()}.")
    return columns if is_category is None else _follow(X, columns, is_category)


def read_sparse(X: Any) -> sp.csr_array | None:
    """A sparse matrix or frame as CSR, float32; None of anything dense."""
    if hasattr(X, "dtypes") and not all("Sparse" in str(dtype) for dtype in X.dtypes):
        return None
    matrix = read_container(X)
    if not sp.issparse(matrix):
        return None
    matrix = sp.csr_array(matrix, dtype=np.float32)
    if np.isinf(matrix.data).any():
        raise ValueError("Input X contains infinity or a value too large for dtype('float32').")
    return matrix


def _follow(X: Any, columns: list[NDArray], is_category: list[bool]) -> list[NDArray]:
    """Take columns for what they were when the table was first seen."""
    followed = []
    for j, (column, other) in enumerate(zip(columns, is_category, strict=True)):
        words = [] if other or column.dtype != object else [c for c in column if c is not None]
        if words:
            raise ValueError(f"Column {j} of X held numbers in fit, and holds {words[0]!r} now.")
        cells = _as_objects(_take_cells(_pick_column(X, j))) if other else column
        followed.append(cells if other else cells.astype(np.float64, copy=False))
    return followed


def stack_columns(columns: list[NDArray], chosen: list[int]) -> NDArray:
    """Columns as one matrix (n, m): of objects if one of them is, of numbers else."""
    return np.column_stack([columns[j] for j in chosen])


def _pick_column(X: Any, j: int) -> Any:
    return X.iloc[:, j] if hasattr(X, "iloc") else X[:, j]


def _read_column(X: Any, j: int) -> NDArray:
    column = _pick_column(X, j)
    is_declared = str(column.dtype).lower().startswith(("category", "categorical", "enum"))
    if is_declared:
        return _as_objects(_take_cells(column))
    return _sort_out(np.asarray(read_container(column)))


def _take_cells(column: Any) -> NDArray[np.object_]:
    """Cells as they are: as numbers, codes above 2**53 that stand beside gaps would be merged."""
    if hasattr(column, "to_list") and not hasattr(column, "iloc"):
        # polars makes floats of integers beside gaps.
        return np.fromiter(column.to_list(), object, len(column))
    return np.asarray(column.astype(object))


def _sort_out(values: NDArray) -> NDArray:
    """Numbers as float64, all else as objects with None where unknown."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    return _as_objects(values)


def _as_objects(values: NDArray) -> NDArray[np.object_]:
    """Cells as strings, so that 1, 1.0 and True of two containers are one category."""
    cells = values.astype(object)
    return np.array([None if is_unknown(cell) else _show(cell) for cell in cells], dtype=object)


def _show(cell: Any) -> str:
    if isinstance(cell, (numbers.Integral, np.bool_)):
        return str(int(cell))
    is_number = isinstance(cell, (numbers.Real, Decimal))
    if is_number and float(cell).is_integer():
        return str(int(cell))
    return str(float(cell) if is_number else cell)

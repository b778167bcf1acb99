"""A table of any container as numbers and categories."""

from collections.abc import Collection
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skd2ace._containers import read_container

from ._categories import write_cells

# Of larger numbers two have a sum or a difference that is infinite.
_FARTHEST = 2.0**1020


def read_columns(X: Any, chosen: Collection[int] | None = None) -> dict[int, NDArray]:
    """Columns (n,) of a table: float64 with NaN where unknown, or object with None.

    Numbers end at -1.1e307 and 1.1e307.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n, d)
        Bools count as numbers. What is declared as a category, and a column that holds anything
        but numbers, is one of categories.
    chosen : collection of int, optional
        Those to read, all by default.

    Returns
    -------
    dict of int to ndarray

    Raises
    ------
    ValueError
        If a column has infinite numbers.
    """
    chosen = range(X.shape[1]) if chosen is None else chosen
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf":
        # All at once: of a wide table, columns of one row each take longer than a network does.
        matrix = np.array(X.T, dtype=np.float64, order="C")
        _refuse_infinity({*np.flatnonzero(np.isinf(matrix).any(axis=1))} & {*chosen})
        np.clip(matrix, -_FARTHEST, _FARTHEST, out=matrix)
        return {j: matrix[j] for j in chosen}
    columns = {j: _read_column(X, j) for j in chosen}
    numeric = {j: column for j, column in columns.items() if column.dtype != object}
    _refuse_infinity({j for j, column in numeric.items() if np.isinf(column).any()})
    return columns | {j: np.clip(c, -_FARTHEST, _FARTHEST) for j, c in numeric.items()}


def _refuse_infinity(found: set[int]) -> None:
    if found:
        raise ValueError(f"Input X contains infinity: in column {min(found)}.")


def read_again(X: Any, seen: dict[int, Collection[str | None] | None]) -> dict[int, NDArray]:
    """Columns for what they were when the table was first seen.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n, d)
    seen : dict of int to collection of str or None
        Columns to read: categories that were found there, or None where numbers are due.

    Returns
    -------
    dict of int to ndarray

    Raises
    ------
    ValueError
        If a column has infinite numbers, or words where numbers are due.
    """
    columns = read_columns(X, seen)
    for j, categories in seen.items():
        if categories is not None:
            columns[j] = write_cells(_take_cells(pick_column(X, j)), categories)
        elif columns[j].dtype == object:
            columns[j] = _refuse_words(columns[j], j)
    return columns


def read_sparse(X: Any) -> sp.csr_array | None:
    """A sparse matrix or frame as CSR, float32; None of anything dense."""
    if hasattr(X, "dtypes") and not all("Sparse" in str(dtype) for dtype in X.dtypes):
        return None
    matrix = read_container(X)
    if not sp.issparse(matrix):
        return None
    with np.errstate(over="ignore"):
        matrix = sp.csr_array(matrix, dtype=np.float32)
    if np.isinf(matrix.data).any():
        raise ValueError("Input X contains infinity or a value too large for dtype('float32').")
    return matrix


def _refuse_words(column: NDArray, j: int) -> NDArray[np.float64]:
    """What is declared as a category and holds nothing is a column of numbers that are unknown."""
    words = [cell for cell in column if cell is not None]
    if words:
        raise ValueError(f"Column {j} of X held numbers in fit, and holds {words[0]!r} now.")
    return column.astype(np.float64)


def stack_columns(columns: Any, chosen: list[int]) -> NDArray:
    """Columns by number as one matrix (n, m): of objects if one of them is, of numbers else."""
    return np.column_stack([columns[j] for j in chosen])


def pick_column(X: Any, j: int) -> Any:
    """Column of a table of any kind, as it is stored there."""
    return X.iloc[:, j] if hasattr(X, "iloc") else X[:, j]


def is_declared(column: Any) -> bool:
    """Whether a frame says of a column that it is one of categories."""
    return str(column.dtype).lower().startswith(("category", "categorical", "enum"))


def _read_column(X: Any, j: int) -> NDArray:
    column = pick_column(X, j)
    if is_declared(column):
        return write_cells(_take_cells(column))
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
    return write_cells(values)

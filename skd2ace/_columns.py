"""Features that are no numbers: which column of X they are in."""

import datetime
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._containers import is_unknown

_DATES = (np.datetime64, np.timedelta64, datetime.date, datetime.time, datetime.timedelta)


@contextmanager
def name_bad_column(X: Any) -> Iterator[None]:
    """Refuse dates, and let the error of a conversion say in which column the reason is.

    numpy makes a number of a date without a word: of which unit depends on how it is stored.

    Parameters
    ----------
    X : array-like, DataFrame, sparse matrix or Tensor
        What is turned into numbers in the block.

    Raises
    ------
    ValueError
        If X has dates, times or durations; and a ValueError or TypeError of the block, which then
        names the first cell that is no number.
    """
    refuse_dates(X)
    try:
        yield
    except (ValueError, TypeError) as error:
        found = _find_cell(X, _is_no_number)
        if found is None:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        place, cell = found
        raise kind(f"{error} {place} holds {str(cell)[:40]!r}, which is no number.") from error


def refuse_dates(X: Any, chosen: Collection[int] | None = None) -> None:
    """Raise a ValueError if a column of X, or one of those chosen, holds dates or the like."""
    if _is_frame(X):
        for j, dtype in enumerate(X.dtypes):
            if _is_of_dates(dtype) and (chosen is None or j in chosen):
                raise _of_dates(name_place(X, j), str(dtype))
    elif _is_of_dates(getattr(X, "dtype", None)):
        raise _of_dates("X", str(X.dtype))
    if (found := _find_cell(X, _is_date, chosen)) is not None:
        raise _of_dates(found[0], type(found[1]).__name__)


def _of_dates(place: str, kind: str) -> ValueError:
    return ValueError(
        f"{place} holds dates or times ({kind}), which are no features: make numbers of them "
        "first, such as days since a date of your choice."
    )


def _is_frame(X: Any) -> bool:
    return hasattr(X, "columns") and hasattr(X, "dtypes")


def _is_of_dates(dtype: Any) -> bool:
    """Whether a dtype of numpy, pandas or polars is one of dates, times or durations."""
    if hasattr(dtype, "is_temporal"):
        return bool(dtype.is_temporal())
    # Of categories, their values count.
    dtype = getattr(getattr(dtype, "categories", None), "dtype", dtype)
    # Of pandas' types periods alone, which are objects to numpy, have a frequency.
    return getattr(dtype, "kind", "") in ("m", "M") or hasattr(dtype, "freq")


def _is_date(cell: Any) -> bool:
    # So have its periods and offsets, and pandas may be missing.
    return isinstance(cell, _DATES) or hasattr(cell, "freqstr")


def _find_cell(
    X: Any, is_bad: Callable[[Any], bool], chosen: Collection[int] | None = None
) -> tuple[str, Any] | None:
    """Find the first bad cell among those that may be anything, and name its column."""
    for j, column in _columns_of_anything(X):
        if chosen is not None and j not in chosen:
            continue
        for cell in column:
            if is_bad(cell):
                return name_place(X, j), cell
    return None


def _columns_of_anything(X: Any) -> Iterator[tuple[int, Any]]:
    """Place and cells of each column, but for those whose type says that they are numbers."""
    if _is_frame(X):
        for j, dtype in enumerate(X.dtypes):
            if _may_be_anything(dtype):
                column = X.iloc[:, j] if hasattr(X, "iloc") else X[:, j]
                yield j, np.asarray(column, dtype=object)
        return
    if sp.issparse(X):
        return
    try:
        cells = np.asarray(X)
        if not _may_be_anything(cells.dtype):
            return
        cells = np.asarray(X, dtype=object)
    except (ValueError, TypeError, RuntimeError):
        # Rows of several lengths, or what numpy cannot read: the block has an error of its own.
        return
    if cells.ndim > 1:
        yield from ((j, column.ravel()) for j, column in enumerate(np.moveaxis(cells, 1, 0)))


def _may_be_anything(dtype: Any) -> bool:
    if hasattr(dtype, "is_numeric"):
        return not dtype.is_numeric()
    return getattr(dtype, "kind", "O") in "OSUTmM"


def name_place(X: Any, j: int) -> str:
    """Name a column of X in an error or a warning."""
    return f"Column {list(X.columns)[j]!r} of X" if _is_frame(X) else f"Column {j} of X"


def _is_no_number(cell: Any) -> bool:
    if is_unknown(cell):
        return False
    try:
        float(cell)
    except (ValueError, TypeError):
        return True
    return False

"""Columns of numbers that a cell such as "?" has made columns of words of."""

import math
import warnings
from collections import Counter
from typing import Any

from numpy.typing import NDArray

from skd2ace._columns import name_place

from ._categories import LEAST_ROWS
from ._table import is_declared, pick_column


def warn_of_stray_words(X: Any, columns: dict[int, NDArray]) -> None:
    """Warn of columns of words of which half are numbers that are too rare to be categories.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n, d)
    columns : dict of int to ndarray
        What was read from it. What X declares as categories is meant to be that.

    Warns
    -----
    UserWarning
        Once for each such column.
    """
    for j, column in columns.items():
        if column.dtype != object or is_declared(pick_column(X, j)):
            continue
        n_rows = Counter(cell for cell in column if cell is not None)
        is_number = {word: _is_number(word) for word in n_rows}
        n_lost = sum(n for word, n in n_rows.items() if is_number[word] and n < LEAST_ROWS)
        if n_lost and n_lost >= n_rows.total() / 2:
            strays = [word[:40] for word, _ in n_rows.most_common() if not is_number[word]]
            found, remedy = _describe(strays[:3])
            warnings.warn(
                f"{name_place(X, j)} holds {found}; {n_lost} of {n_rows.total()} entries are "
                "numbers that fewer than three rows share, and these count for nothing. "
                f"{remedy}; if they are codes, declare the column as a category.",
                stacklevel=4,
            )


def _describe(strays: list[str]) -> tuple[str, str]:
    """What has made words of numbers, and what is to be done."""
    if not strays:
        return "numbers that are written as words", "Make numbers of them, as by astype(float)"
    listed = ", ".join(map(repr, strays))
    return (
        f"{listed}, which is no number, so that its numbers are taken for words",
        f"Replace {listed} by NaN, or read the file with na_values=[{listed}]",
    )


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False

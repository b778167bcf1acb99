"""Cells of categories as words, the same ones however a reader has stored them."""

import numbers
from collections import Counter
from collections.abc import Collection
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skd2ace._containers import is_unknown

# A category that fewer rows have says nothing that carries over to others.
LEAST_ROWS = 3


def write_cells(values: NDArray, seen: Collection[str | None] | None = None) -> NDArray[np.object_]:
    """Cells as words, None where unknown: 1, 1.0 and True of two containers are one category.

    A reader makes numbers of a column that holds nothing else, and bools of one of True and
    False: its words are found again if there is one alone that reads as the number.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Words, numbers, bools, and what is unknown.
    seen : collection of str or None, optional
        Categories that ``fit`` found; the words in the column by default.

    Returns
    -------
    ndarray of shape (n,), of str or None
    """
    cells = values.astype(object)
    words = np.array([None if is_unknown(cell) else _show(cell) for cell in cells], dtype=object)
    is_word = np.fromiter((isinstance(cell, str) for cell in cells), bool, len(cells))
    known: set[str] = {w for w in (words[is_word] if seen is None else seen) if w is not None}
    if not known or {*words} <= known | {None}:
        return words
    numbers_of = {word: _read_number(word) for word in known}
    # Where fit saw numbers alone, it wrote them itself; words beside others are told apart as they
    # are, such as 1 and 01.
    is_ours = all(number is not None and _show(number) == w for w, number in numbers_of.items())
    spelled = _find_spellings(numbers_of)
    for i, word in enumerate(words):
        if word is not None and word not in known and (is_ours or not is_word[i]):
            number = _read_number(word)
            words[i] = word if number is None else spelled.get(number, word)
    return words


def _show(cell: Any) -> str:
    if isinstance(cell, (numbers.Integral, np.bool_)):
        return str(int(cell))
    is_number = isinstance(cell, (numbers.Real, Decimal))
    if is_number and float(cell).is_integer():
        return str(int(cell))
    return str(float(cell) if is_number else cell)


def _read_number(word: str) -> float | None:
    """What readers of files make of a word; an integer exactly, and None of what is no number."""
    if "_" in word:
        # Python's own spelling, which no file has.
        return None
    if word.lower() in ("true", "false"):
        return int(word.lower() == "true")
    for read in (int, float):
        try:
            return read(word)
        except ValueError:
            continue
    return None


def _find_spellings(numbers_of: dict[str, float | None]) -> dict[float, str]:
    """The word of each number, of those that one word alone reads as."""
    n_words = Counter(numbers_of.values())
    return {
        number: word
        for word, number in numbers_of.items()
        if number is not None and n_words[number] == 1
    }

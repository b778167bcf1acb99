"""What may stand behind the cells of an ARFF row: a comment, and the weight of the instance."""

import math
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ._arff_header import QUOTED, ArffError, Attribute

_UP_TO_A_PERCENT_SIGN = re.compile(rf"(?:[^%'\"]+|{QUOTED.pattern})*")

_CommentFinder = Callable[[str, int], bool]


def make_comment_finder(attributes: list[Attribute]) -> _CommentFinder:
    """Make a function that says whether the % at a place of a row, not in quotes, is a comment's.

    The format wants values with % in quotes, and yet there are files with 50% in them: there, only
    one behind white space, a comma or a brace is; and none where values have such a one too.
    """
    signs = [
        is_apart(value, match.start())
        for attribute in attributes
        for value in attribute.values or ()
        if "%" in value
        for match in re.finditer("%", value)
    ]
    if not signs:
        return lambda row, place: True
    return (lambda row, place: False) if any(signs) else is_apart


def is_apart(row: str, place: int) -> bool:
    """Whether what stands at a place does not go on with a word."""
    return place == 0 or row[place - 1] in " \t,{}"


def strip_rows(
    rows: list[str], lines: list[int], is_comment: _CommentFinder, path: object
) -> tuple[list[str], NDArray[np.float64] | None]:
    """Take comments and weights off rows.

    Parameters
    ----------
    rows : list of str
    lines : list of int
        Where they stand.
    is_comment : callable
        Of :func:`make_comment_finder`.
    path : str or path
        Named in errors.

    Returns
    -------
    rows : list of str
    weights : ndarray of shape (n,), or None
        1 where a row gives none; None where no row does.

    Raises
    ------
    ArffError
        If a weight is no finite number of at least 0.
    """
    stripped = [_strip_comment(row, is_comment) for row in rows]
    if not any("{" in row[1:] for row in stripped):
        return stripped, None
    weights = np.ones(len(rows))
    is_given = False
    for i, row in enumerate(stripped):
        try:
            stripped[i], weight = _split_weight(row)
        except ValueError as error:
            raise ArffError(path, lines[i], str(error)) from None
        if weight is not None:
            weights[i], is_given = weight, True
    return stripped, weights if is_given else None


def _strip_comment(row: str, is_comment: _CommentFinder) -> str:
    if "%" not in row:
        return row
    place = 0
    while True:
        match = _UP_TO_A_PERCENT_SIGN.match(row, place)
        place = match.end() if match else place
        if place == len(row) or row[place] != "%":
            # The end, or a quote that is not closed, which has an error of its own.
            return row
        if is_comment(row, place):
            return row[:place].rstrip()
        place += 1


def _split_weight(row: str) -> tuple[str, float | None]:
    """Split ``1,0,{5}`` or ``{0 1},{5}``; as in Weka, the comma may be missing."""
    whole = row.removesuffix(",").rstrip()
    start = whole.rfind("{")
    if start < 1 or whole[-1] != "}" or not is_apart(whole, start):
        return row, None
    text = whole[start + 1 : -1].strip()
    try:
        weight = float(text) if "_" not in text else math.nan
    except ValueError:
        return row, None
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"the weight {text[:40]!r} of the instance is no number of at least 0")
    return whole[:start].rstrip().removesuffix(",").rstrip(), weight

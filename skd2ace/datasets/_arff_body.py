"""The rows of an ARFF file, dense or sparse.

Why no kept reader: liac-arff takes five seconds for a dense bibtex, and both it and
scikit-multilearn have to be told whether a file is sparse and give positions for nominal values.

There are two readers for each kind. The fast ones leave the work to numpy or to ``map``, know
numbers only, and give up on whatever they do not understand. The careful ones go cell by cell;
they know the whole format and say in which line it is broken.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ._arff_header import QUOTED, ArffError, Attribute, Line, unquote
from ._arff_row_ends import make_comment_finder, strip_rows

_Reader = Callable[[str], float]

_CELL = re.compile(rf"(?:[^,'\"]+|{QUOTED.pattern})*")
_MISSING = re.compile(r"(?<![^,\s])\?(?![^,\s])")
# Rows are read in blocks of so many characters: as texts they take 20 times their size and more.
_BLOCK = 2**22
# About what a string takes beside its characters.
_PER_ROW = 64
_UNKNOWN_TO_THE_FAST = re.compile(r"['\"\\_]")


class Body(NamedTuple):
    """Cells as numbers, the line of the file that each row stands in, and the rows' weights.

    Numeric attributes and those of the values 0 and 1 are as written, of other nominal ones the
    cells hold the value's position, and NaN is a missing value. A sparse body keeps the zeros
    that are written out: they need not be the attribute's default.
    """

    cells: Any
    lines: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None
    """1 where a row gives none; None where no row does."""


class _Block(NamedTuple):
    """Some of the rows, read."""

    cells: Any
    weights: NDArray[np.float64] | None


def read_body(lines: Iterator[Line], attributes: list[Attribute], path: object) -> Body:
    """Read the rows that follow ``@data``.

    Parameters
    ----------
    lines : iterator of (int, str)
        Numbers of lines, and lines, without blank ones and comments.
    attributes : list of Attribute
    path : str or path
        Named in errors.

    Returns
    -------
    Body
        ``cells`` is an ndarray or a ``coo_array`` of shape (n, number of attributes), ``weights``
        of shape (n,).

    Raises
    ------
    ArffError
        If there is no row, or one that does not fit the attributes.
    """
    blocks, numbers, is_sparse = list[_Block](), list[NDArray[np.int64]](), None
    find_comment = make_comment_finder(attributes)
    for rows, places in _blocks(lines):
        if is_sparse is None:
            is_sparse = rows[0][0] == "{"
        fast, careful = (
            (_read_sparse_fast, _read_sparse) if is_sparse else (_read_dense_fast, _read_dense)
        )
        cells: Any = fast(rows, attributes)
        if cells is None:
            rows, weights = strip_rows(rows, places, find_comment, path)
            blocks.append(_Block(careful(rows, places, attributes, path), weights))
        else:
            blocks.append(_Block(cells, None))
        numbers.append(np.array(places, dtype=np.int64))
    if not blocks:
        raise ArffError(path, None, "no row follows @data; is the file cut short?")
    if len(blocks) == 1:
        return Body(blocks[0].cells, numbers[0], blocks[0].weights)
    tables = [block.cells for block in blocks]
    cells = sp.vstack(tables, format="coo") if is_sparse else np.concatenate(tables)
    return Body(cells, np.concatenate(numbers), _join_weights(blocks))


def _join_weights(blocks: list[_Block]) -> NDArray[np.float64] | None:
    if all(block.weights is None for block in blocks):
        return None
    return np.concatenate(
        [
            np.ones(block.cells.shape[0]) if block.weights is None else block.weights
            for block in blocks
        ]
    )


def _blocks(lines: Iterator[Line]) -> Iterator[tuple[list[str], list[int]]]:
    rows, numbers, size = list[str](), list[int](), 0
    for number, row in lines:
        rows.append(row)
        numbers.append(number)
        size += len(row) + _PER_ROW
        if size > _BLOCK:
            yield rows, numbers
            rows, numbers, size = [], [], 0
    if rows:
        yield rows, numbers


def _read_dense_fast(rows: list[str], attributes: list[Attribute]) -> NDArray[np.float64] | None:
    low, high = _ranges(attributes)
    if np.isnan(low).any() or any(map(_UNKNOWN_TO_THE_FAST.search, rows)):
        return None
    rows = [_MISSING.sub("nan", row) if "?" in row else row for row in rows]
    try:
        table = np.loadtxt(rows, delimiter=",", ndmin=2, comments=None)
    except ValueError:
        return None
    if table.shape != (len(rows), len(attributes)):
        return None
    flags = np.isfinite(low)
    return table if _are_flags(table[:, flags], low[flags], high[flags]) else None


def _read_sparse_fast(rows: list[str], attributes: list[Attribute]) -> sp.coo_array | None:
    low, high = _ranges(attributes)
    if np.isnan(low).any() or any(map(_UNKNOWN_TO_THE_FAST.search, rows)):
        return None
    if not all(row[0] == "{" and row[-1] == "}" for row in rows):
        return None
    inner = [row[1:-1] for row in rows]
    lengths = [text.count(",") + 1 if text.strip() else 0 for text in inner]
    # One flat list of tokens, every third a comma: a list per cell takes twice as long. A comma
    # elsewhere is no number, and there are only as many as there are third places.
    tokens = ",".join(filter(str.strip, inner)).replace(",", " , ").split()
    if len(tokens) != max(3 * sum(lengths) - 1, 0):
        return None
    try:
        columns = np.array(list(map(int, tokens[::3])), dtype=np.int64)
        values = np.array(list(map(float, tokens[1::3])), dtype=np.float64)
    except (ValueError, OverflowError):
        return None
    index = np.repeat(np.arange(len(rows)), lengths)
    if not _are_places(index, columns, len(attributes)):
        return None
    flags = np.isfinite(low[columns])
    if not _are_flags(values[flags], low[columns[flags]], high[columns[flags]]):
        return None
    return sp.coo_array((values, (index, columns)), shape=(len(rows), len(attributes)))


def _ranges(attributes: list[Attribute]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and largest value: finite for flags, infinite for numbers, NaN for what is neither."""
    ends = [
        (-np.inf, np.inf)
        if values is None
        else (float(min(values)), float(max(values)))
        if attribute.is_flag
        else (np.nan, np.nan)
        for attribute in attributes
        for values in (attribute.values,)
    ]
    low, high = np.array(ends).T
    return low, high


def _are_flags(
    values: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> bool:
    return bool(((values == low) | (values == high) | np.isnan(values)).all())


def _are_places(rows: NDArray[np.int64], columns: NDArray[np.int64], n_columns: int) -> bool:
    """Whether the columns exist, and none is given twice in a row."""
    if not columns.size:
        return True
    if columns.min() < 0 or columns.max() >= n_columns:
        return False
    places = rows * n_columns + columns
    # Sparse rows are written in the order of the attributes, and need no sorting.
    return bool((np.diff(places) > 0).all()) or len(np.unique(places)) == len(places)


def _read_dense(
    rows: list[str], lines: list[int], attributes: list[Attribute], path: object
) -> NDArray[np.float64]:
    cells = []
    for line, row in zip(lines, rows, strict=True):
        try:
            cells.append(_split(row))
            if len(cells[-1]) == len(attributes) + 1 and not cells[-1][-1]:
                # A comma at the end, which Weka takes for white space.
                cells[-1].pop()
            if len(cells[-1]) != len(attributes):
                found = f"{len(cells[-1])} value(s) where there are {len(attributes)} attributes"
                hint = "; a sparse row among dense ones" if row[0] == "{" else ""
                raise ValueError(f"{found}{hint}")
        except ValueError as error:
            raise ArffError(path, line, str(error)) from None
    table = np.empty((len(rows), len(attributes)))
    kinds = _with_readers(attributes)
    for j, column in enumerate(zip(*cells, strict=True)):
        table[:, j] = _numbers(repeat(kinds[j], len(rows)), column, lines, path)
    return table


def _read_sparse(
    rows: list[str], lines: list[int], attributes: list[Attribute], path: object
) -> sp.coo_array:
    columns, texts, of_row = list[int](), list[str](), list[int]()
    for i, (line, row) in enumerate(zip(lines, rows, strict=True)):
        try:
            places, values = _split_sparse(row, len(attributes))
        except ValueError as error:
            raise ArffError(path, line, str(error)) from None
        columns += places
        texts += values
        of_row += [i] * len(places)
    kinds = _with_readers(attributes)
    numbers = _numbers([kinds[j] for j in columns], texts, [lines[i] for i in of_row], path)
    shape = (len(rows), len(attributes))
    index = (np.array(of_row, dtype=np.int64), np.array(columns, dtype=np.int64))
    return sp.coo_array((numbers, index), shape=shape)


def _split_sparse(row: str, n_attributes: int) -> tuple[list[int], list[str]]:
    """Places and texts of ``{1 a, 3 'b c'}``."""
    if row[0] != "{":
        raise ValueError("a dense row among sparse ones")
    row = row.removesuffix(",").rstrip()
    if row[-1] != "}":
        raise ValueError("a sparse row without } at its end; is the file cut short?")
    inner = row[1:-1].strip().removesuffix(",")
    places, texts = list[int](), list[str]()
    for cell in _split(inner) if inner else []:
        place, text = [*cell.split(None, 1), "", ""][:2]
        if not (place.isascii() and place.isdigit() and text):
            raise ValueError(f"{cell[:40]!r} is not the number of an attribute and its value")
        # The length is looked at first: int() refuses thousands of digits in its own words.
        if len(place) > 9 or int(place) >= n_attributes:
            raise ValueError(
                f"there is no attribute {place[:20]}; they are 0 to {n_attributes - 1}"
            )
        places.append(int(place))
        texts.append(text)
    if len(set(places)) < len(places):
        raise ValueError("an attribute is given twice")
    return places, texts


def _split(row: str) -> list[str]:
    """Cells of a row; a comma between quotes is part of its cell, and the quotes are kept."""
    if "'" not in row and '"' not in row:
        return [cell.strip() for cell in row.split(",")]
    cells, position = list[str](), 0
    while True:
        match = _CELL.match(row, position)
        end = match.end() if match else position
        cells.append(row[position:end].strip())
        if end == len(row):
            return cells
        if row[end] != ",":
            raise ValueError(f"a quote is not closed: {row[end : end + 40]!r}")
        position = end + 1


def _numbers(
    kinds: Iterable[tuple[Attribute, _Reader]], texts: Sequence[str], lines: list[int], path: object
) -> NDArray[np.float64]:
    """Turn cells into numbers, each by its attribute."""
    numbers = np.empty(len(texts))
    for i, ((attribute, read), text) in enumerate(zip(kinds, texts, strict=True)):
        try:
            numbers[i] = np.nan if text == "?" else read(unquote(text))
        except (ValueError, KeyError):
            kind = "a number" if attribute.values is None else "among the values it lists"
            problem = f"attribute {attribute.name!r}: {text[:40]!r} is not {kind}"
            raise ArffError(path, lines[i], problem) from None
    return numbers


def _with_readers(attributes: list[Attribute]) -> list[tuple[Attribute, _Reader]]:
    """Attributes and what reads their cells, made once: there may be thousands of values."""
    return [(attribute, _reader(attribute)) for attribute in attributes]


def _reader(attribute: Attribute) -> _Reader:
    if attribute.values is None:
        return _number
    if attribute.is_flag:
        return partial(_flag, frozenset(map(float, attribute.values)))
    return {value: i for i, value in enumerate(attribute.values)}.__getitem__


def _number(text: str) -> float:
    if "_" in text:
        raise ValueError("1_000 is a number in Python only")
    return float(text)


def _flag(values: frozenset[float], text: str) -> float:
    number = _number(text)
    if number not in values:
        raise ValueError("neither 0 nor 1")
    return number

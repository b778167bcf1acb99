"""Tables of datasets and methods, as they fit a page."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ._blocks import Table

MISSING = "-"

# About as many characters as a page of HTML shows beside each other.
_WIDEST = 110

_Cells = Mapping[tuple[Any, Any], str]


def lay_out(
    datasets: Sequence[Any],
    methods: Sequence[Any],
    cells: _Cells,
    bold: Collection[tuple[Any, Any]] = (),
    *,
    title: str,
    label: str,
    caption: str,
) -> Table:
    """Lay out what is said of each (dataset, method), a dataset a row.

    Where that is too wide to be seen at a glance and there are more methods than datasets, a
    method is a row.
    """
    pairs = [[(dataset, method) for method in methods] for dataset in datasets]
    rows = _write_rows(datasets, pairs, cells)
    header = ["dataset", *map(str, methods)]
    if len(methods) > len(datasets) and _measure([header, *rows]) > _WIDEST:
        pairs = [list(column) for column in zip(*pairs, strict=True)]
        rows = _write_rows(methods, pairs, cells)
        header = ["method", *map(str, datasets)]
    marked = {
        (number, place)
        for number, row in enumerate(pairs)
        for place, pair in enumerate(row, 1)
        if pair in bold
    }
    return Table(header, rows, marked, title=title, label=label, caption=caption)


def _write_rows(
    names: Sequence[Any], pairs: list[list[tuple[Any, Any]]], cells: _Cells
) -> list[list[str]]:
    return [
        [str(name), *(cells.get(pair, MISSING) for pair in row)]
        for name, row in zip(names, pairs, strict=True)
    ]


def _measure(lines: list[list[str]]) -> int:
    return sum(max(map(len, column)) + 2 for column in zip(*lines, strict=True))

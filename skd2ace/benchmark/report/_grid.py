"""Tables of datasets and methods, as they fit a page."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ._render import Table

MISSING = "-"

# About as many characters as a page of HTML shows beside each other.
_WIDEST = 110


def grid(
    datasets: Sequence[Any],
    methods: Sequence[Any],
    cells: Mapping[tuple[Any, Any], str],
    bold: Collection[tuple[Any, Any]] = (),
) -> Table:
    """Lay out what is told of each (dataset, method), a dataset a row.

    Where that is too wide to be seen at a glance and there are more methods than datasets, a
    method is a row.
    """
    pairs = [[(dataset, method) for method in methods] for dataset in datasets]
    table = _table("dataset", datasets, methods, pairs, cells, bold)
    if len(methods) <= len(datasets) or _width(table) <= _WIDEST:
        return table
    turned = [list(column) for column in zip(*pairs, strict=True)]
    return _table("method", methods, datasets, turned, cells, bold)


def _table(
    corner: str,
    down: Sequence[Any],
    across: Sequence[Any],
    pairs: list[list[tuple[Any, Any]]],
    cells: Mapping[tuple[Any, Any], str],
    bold: Collection[tuple[Any, Any]],
) -> Table:
    rows = [
        [str(name), *(cells.get(pair, MISSING) for pair in row)]
        for name, row in zip(down, pairs, strict=True)
    ]
    marked = {
        (number, place)
        for number, row in enumerate(pairs)
        for place, pair in enumerate(row, 1)
        if pair in bold
    }
    return Table([corner, *map(str, across)], rows, marked)


def _width(table: Table) -> int:
    columns = zip(table.header, *table.rows, strict=True)
    return sum(max(map(len, column)) + 2 for column in columns)

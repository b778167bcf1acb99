"""Reports as Markdown."""

import re
from collections.abc import Sequence

from ._blocks import Block, Heading, Items, Picture, Table, Text


def write_markdown(blocks: Sequence[Block], title: str) -> str:
    """Write Markdown without pictures, which it cannot hold."""
    return "\n\n".join(_write(block) for block in blocks if not isinstance(block, Picture)) + "\n"


def _write(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_escape(block.text)}"
    if isinstance(block, Text):
        return _escape(block.text)
    if isinstance(block, Items):
        return "\n".join(f"- {_escape(text)}" for text in block.texts)
    assert isinstance(block, Table)
    return _write_table(block)


def _write_table(table: Table) -> str:
    rules = ["---", *["---:"] * (len(table.header) - 1)]
    rows = [
        [
            f"**{_escape(cell)}**" if (number, place) in table.bold else _escape(cell)
            for place, cell in enumerate(row)
        ]
        for number, row in enumerate(table.rows)
    ]
    lines = [[_escape(cell) for cell in table.header], rules, *rows]
    caption = [_escape(table.caption), ""] if table.caption else []
    return "\n".join([*caption, *(f"| {' | '.join(line)} |" for line in lines)])


def _escape(text: str) -> str:
    one_line = " ".join(str(text).split())
    # Code spans and HTML would be taken for markup too.
    return re.sub(r"([\\`*_\[\]|<>#])", r"\\\1", one_line)

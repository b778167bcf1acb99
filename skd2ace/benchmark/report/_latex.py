"""Reports as a part of a LaTeX document."""

import re
from collections.abc import Sequence
from itertools import pairwise
from math import ceil

from ._blocks import Block, Heading, Items, Picture, Table, Text

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "±": r"$\pm$",
    "\N{MINUS SIGN}": "$-$",
    "†": r"$\dagger$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
} | {character: "\\" + character for character in "&%$#_{}"}

_HEAD = r"""% To be \input into a document that loads booktabs and graphicx. Tables stay in their
% places; a document that wants others defines the environment benchmarktable before.
\makeatletter
\@ifundefined{benchmarktable}{\newenvironment{benchmarktable}%
  {\par\medskip\noindent\minipage{\linewidth}\centering\def\@captype{table}}%
  {\endminipage\par\medskip}}{}
\makeatother
\providecommand{\benchmarkfit}[1]{\par\medskip{\footnotesize\sbox0{#1}%
  \ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi}}
"""
# About as many characters as a line of small print holds, and fewer rows than a page.
_LINE, _PAGE = 84, 40
# Print may become so much smaller rather than that one column stands alone.
_SHRINKING = 1.4


def write_latex(blocks: Sequence[Block], title: str) -> str:
    """Write sections and tables to be put into a document, without pictures."""
    parts = [_write(block) for block in blocks if not isinstance(block, Picture)]
    return "\n".join([_HEAD, "\n\n".join(parts), ""])


def _write(block: Block) -> str:
    if isinstance(block, Heading):
        return f"\\{'section' if block.level == 1 else 'subsection'}*{{{_escape(block.text)}}}"
    if isinstance(block, Text):
        return _escape(block.text)
    if isinstance(block, Items):
        # In braces: what begins with a bracket is no label. Names of classes cannot be hyphenated.
        items = "\n".join(f"\\item {{{_escape(text)}}}" for text in block.texts)
        return f"{{\\raggedright\\begin{{itemize}}\n{items}\n\\end{{itemize}}}}"
    assert isinstance(block, Table)
    return _write_table(block)


def _write_table(table: Table) -> str:
    """Write a table in as many pieces as pages need, each with a caption and a label."""
    head, *rows = _write_cells(table)
    pieces = [
        [[line[place] for place in columns] for line in (head, *rows[lines.start : lines.stop])]
        for columns in _deal_columns(table)
        for lines in _deal(len(rows), ceil(len(rows) / _PAGE))
    ]
    return "\n\n".join(
        _write_piece(table, piece, number, len(pieces)) for number, piece in enumerate(pieces, 1)
    )


def _write_piece(table: Table, cells: list[list[str]], number: int, n_pieces: int) -> str:
    title, label = _escape(table.title), _make_label(table.label)
    if n_pieces > 1:
        title = f"{title}, part {number} of {n_pieces}"
    # The first is what a text refers to, and says how all are to be read.
    if number > 1:
        label = f"{label}-{number}"
    caption = f" {_escape(table.caption)}" if table.caption and number == 1 else ""
    head, *body = (" & ".join(line) + r" \\" for line in cells)
    columns = "l" + "r" * (len(cells[0]) - 1)
    return "\n".join(
        [
            r"\begin{benchmarktable}",
            f"\\caption[{{{title}}}]{{{title}.{caption}}}",
            f"\\label{{tab:{label}}}",
            f"\\benchmarkfit{{\\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{benchmarktable}",
        ]
    )


def _write_cells(table: Table) -> list[list[str]]:
    rows = [
        [
            f"\\textbf{{{_escape(cell)}}}" if (number, place) in table.bold else _escape(cell)
            for place, cell in enumerate(row)
        ]
        for number, row in enumerate(table.rows)
    ]
    return [[_escape(cell) for cell in table.header], *rows]


def _deal_columns(table: Table) -> list[list[int]]:
    """Deal the columns to tables that a page is wide enough for, each with the first column.

    They get as many columns as each other, or one more. Where one would get a single column,
    fewer tables in smaller print are better, as long as that can be read.
    """
    first, *widths = (
        max(map(len, column)) + 2 for column in zip(table.header, *table.rows, strict=True)
    )
    k = len(widths)
    for n in range(1, k + 1):
        parts = _deal(k, n)
        room = (_LINE if k // (n + 1) > 1 else _LINE * _SHRINKING) - first
        if all(sum(widths[place] for place in part) <= room for part in parts):
            break
    return [[0, *(place + 1 for place in part)] for part in parts]


def _deal(n_items: int, n_parts: int) -> list[range]:
    """Deal numbers to ranges of equal lengths, the first ones longer by one if need be."""
    length, n_longer = divmod(n_items, n_parts)
    starts = [part * length + min(part, n_longer) for part in range(n_parts + 1)]
    return [range(*ends) for ends in pairwise(starts)]


def _make_label(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _escape(text: str) -> str:
    one_line = " ".join(str(text).split())
    safe = "".join(_ESCAPED.get(character, character) for character in one_line)
    # The minus of a number is no hyphen.
    safe = re.sub(r"(?<![\w.-])-(?=\d)", "$-$", safe)
    # Two hyphens are no dash, and what begins a row is no option of the line before.
    return re.sub(r"(?<=-)(?=-)|^(?=[*\[])", "{}", safe)

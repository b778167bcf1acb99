"""A report's pieces, and how they are written in Markdown, HTML and LaTeX."""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --paper: #fff; --line: #d9dee3; --soft: #f4f6f8;
  --accent: #b4452f; --quiet: #5f6b76; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --paper: #16191d; --line: #353b42; --soft: #1f2429; --accent: #e58a75;
    --quiet: #9aa5b1; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.25rem 1rem 3rem; max-width: 64rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 0.5rem; color: var(--accent); }
p, ul { margin: 0.4rem 0; max-width: 44rem; }
ul { padding-left: 1.2rem; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: 0.75rem 0; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0.7rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
thead th { background: var(--soft); font-weight: 600; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--soft);
  font-weight: 600; }
td strong { color: var(--accent); }
figure { margin: 1rem 0; }
figure img { display: block; width: 100%; max-width: 38rem; height: auto; background: #fff;
  border-radius: 6px; border: 1px solid var(--line); padding: 0.4rem; }
figcaption { color: var(--quiet); font-size: 0.85rem; margin-top: 0.35rem; }
@media print { .scroll { overflow: visible; } }
"""

_LATEX = {
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

_LATEX_HEAD = r"""% To be \input into a document that loads booktabs and graphicx.
\providecommand{\benchmarktable}[1]{\par\medskip\noindent{\footnotesize\sbox0{#1}%
  \ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi}\par\medskip}
"""
# About as many characters as a line of small print holds, and fewer rows than a page.
_LINE, _PAGE = 84, 40


@dataclass
class Heading:
    """A title (level 1) or the head of a section (level 2)."""

    text: str
    level: int = 2


@dataclass
class Text:
    """A paragraph."""

    text: str


@dataclass
class Items:
    """A list of things that are alike."""

    texts: Sequence[str]


@dataclass
class Table:
    """Cells as text; the first column names the rows."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    bold: set[tuple[int, int]] = field(default_factory=set)


@dataclass
class Picture:
    """A PNG, for the format that can hold it."""

    png: bytes
    caption: str


Block = Heading | Text | Items | Table | Picture


def to_html(blocks: Sequence[Block], title: str) -> str:
    """One file that needs nothing beside it."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Items):
        items = "\n".join(f"<li>{escape(text)}</li>" for text in block.texts)
        return f"<ul>\n{items}\n</ul>"
    if isinstance(block, Picture):
        source = base64.b64encode(block.png).decode("ascii")
        caption = escape(block.caption)
        return (
            f'<figure><img alt="{caption}" src="data:image/png;base64,{source}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in block.header)
    rows = "\n".join(f"<tr>{_html_row(block, number)}</tr>" for number in range(len(block.rows)))
    # A region that scrolls must be reachable by keyboard.
    return (
        f'<div class="scroll" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _html_row(table: Table, number: int) -> str:
    first, *cells = map(escape, table.rows[number])
    marked = (
        f"<td><strong>{cell}</strong></td>" if (number, place) in table.bold else f"<td>{cell}</td>"
        for place, cell in enumerate(cells, 1)
    )
    return f'<th scope="row">{first}</th>' + "".join(marked)


def to_markdown(blocks: Sequence[Block], title: str) -> str:
    """Return Markdown without pictures, which it cannot hold."""
    return (
        "\n\n".join(_markdown(block) for block in blocks if not isinstance(block, Picture)) + "\n"
    )


def _markdown_text(text: str) -> str:
    one_line = " ".join(str(text).split())
    # Code spans and HTML would be taken for markup too.
    return re.sub(r"([\\`*_\[\]|<>#])", r"\\\1", one_line)


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_markdown_text(block.text)}"
    if isinstance(block, Text):
        return _markdown_text(block.text)
    if isinstance(block, Items):
        return "\n".join(f"- {_markdown_text(text)}" for text in block.texts)
    assert isinstance(block, Table)
    rules = ["---", *["---:"] * (len(block.header) - 1)]
    rows = [
        [
            f"**{_markdown_text(cell)}**" if (number, place) in block.bold else _markdown_text(cell)
            for place, cell in enumerate(row)
        ]
        for number, row in enumerate(block.rows)
    ]
    lines = [[_markdown_text(cell) for cell in block.header], rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def to_latex(blocks: Sequence[Block], title: str) -> str:
    """Sections and tables to be put into a document, without pictures."""
    parts = [_latex(block) for block in blocks if not isinstance(block, Picture)]
    return "\n".join([_LATEX_HEAD, "\n\n".join(parts), ""])


def _latex_text(text: str) -> str:
    one_line = " ".join(str(text).split())
    safe = "".join(_LATEX.get(character, character) for character in one_line)
    # The minus of a number is no hyphen.
    safe = re.sub(r"(?<![\w.-])-(?=\d)", "$-$", safe)
    # Two hyphens are no dash, and what begins a row is no option of the line before.
    return re.sub(r"(?<=-)(?=-)|^(?=[*\[])", "{}", safe)


def _latex(block: Block) -> str:
    if isinstance(block, Heading):
        return f"\\{'section' if block.level == 1 else 'subsection'}*{{{_latex_text(block.text)}}}"
    if isinstance(block, Text):
        return _latex_text(block.text)
    if isinstance(block, Items):
        # In braces: what begins with a bracket is no label.
        items = "\n".join(f"\\item {{{_latex_text(text)}}}" for text in block.texts)
        return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
    assert isinstance(block, Table)
    head, *rows = _latex_cells(block)
    parts = [
        _latex_table(
            [[line[place] for place in part] for line in (head, *rows[start : start + _PAGE])]
        )
        for part in _side_by_side(block)
        for start in range(0, len(rows), _PAGE)
    ]
    # The first part stays with the words before it.
    return "\\nopagebreak\n" + "\n".join(parts)


def _latex_cells(table: Table) -> list[list[str]]:
    rows = [
        [
            f"\\textbf{{{_latex_text(cell)}}}"
            if (number, place) in table.bold
            else _latex_text(cell)
            for place, cell in enumerate(row)
        ]
        for number, row in enumerate(table.rows)
    ]
    return [[_latex_text(cell) for cell in table.header], *rows]


def _side_by_side(table: Table) -> list[list[int]]:
    """Deal the columns to tables that a page is wide enough for, each with the first column."""
    first, *widths = (
        max(map(len, column)) + 2 for column in zip(table.header, *table.rows, strict=True)
    )
    parts, room = [[0]], _LINE - first
    for place, width in enumerate(widths, 1):
        if width > room and len(parts[-1]) > 1:
            parts.append([0])
            room = _LINE - first
        parts[-1].append(place)
        room -= width
    return parts


def _latex_table(cells: Sequence[Sequence[str]]) -> str:
    head, *body = (" & ".join(line) + r" \\" for line in cells)
    columns = "l" + "r" * (len(cells[0]) - 1)
    begin = f"\\benchmarktable{{\\begin{{tabular}}{{{columns}}}"
    return "\n".join(
        [begin, r"\toprule", head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}}"]
    )


FORMATS: dict[str, Callable[[Sequence[Block], str], str]] = {
    "markdown": to_markdown,
    "html": to_html,
    "latex": to_latex,
}


def check_format(format: str) -> None:
    """Raise a ValueError if there is no such format."""
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got {format!r}.")

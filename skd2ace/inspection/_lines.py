"""Lines that are told apart in colour and without."""

from typing import Any

from ._looks import COLORS, DASHES, MARKERS

# So many marks a line, each line's between those of the others.
_MARKS = 6
# Lines of so few points show these too; one alone makes no line.
FEW_POINTS = 10
# Bands of more lines cover each other.
FEW_LINES = 4


def style_line(number: int) -> dict[str, Any]:
    """Look of a line: ten colours, and of the first 55 no two have dashes and marks alike."""
    return {
        "color": COLORS[number % len(COLORS)],
        "linestyle": DASHES[number % len(DASHES)],
        "marker": MARKERS[number % len(MARKERS)],
    }


def draw_lines(ax: Any, tables: dict[Any, Any]) -> None:
    """Draw a line for each table, and of few the bands around them.

    Parameters
    ----------
    ax : Axes
    tables : dict of str to DataFrame
        By name: ``mean`` against the index, and the band from ``low`` to ``high``.
    """
    for number, (name, table) in enumerate(tables.items()):
        style = style_line(number)
        marks = _place_marks(len(table), number, len(tables))
        ax.plot(
            table.index, table["mean"], label=_make_plain(name), linewidth=1.4, markersize=5,
            markevery=marks, **(style if marks else style | {"marker": ""}),
        )  # fmt: skip
        if len(tables) <= FEW_LINES:
            ax.fill_between(
                table.index, table["low"], table["high"], color=style["color"], alpha=0.1, lw=0
            )


def _place_marks(n_points: int, number: int, n_lines: int) -> Any:
    """Place the marks of a line: on every point of few, or else away from the others' marks."""
    if n_points <= FEW_POINTS:
        return slice(None)
    if n_lines == 1:
        return None
    step = max(n_points // _MARKS, 1)
    return slice(number * step // n_lines, None, step)


def _make_plain(name: Any) -> str:
    # Dollars begin formulas, and a line whose label begins with _ gets no legend.
    return f" {name}".replace("$", r"\$")

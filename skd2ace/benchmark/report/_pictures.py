"""The pictures of a report."""

from collections.abc import Iterator
from io import BytesIO
from itertools import count
from math import ceil
from typing import Any

from skd2ace.inspection import CriticalDifferenceDisplay

from ._blocks import Picture

# Okabe and Ito's colours, which the colour-blind tell apart, without their yellow, which is pale on
# white, and with three more; light and dark ones alternate.
_COLORS = (
    "#0072b2", "#e69f00", "#000000", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#5b3a91",
    "#8a8a8a", "#7a4b1f",
)  # fmt: skip
# Without colour, a line is known by its dashes and its marks.
_DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (4, 1, 1, 1, 1, 1)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*")
# So many marks a line, each method's between those of the others.
_MARKS = 6
# Curves of so few points show these too; one alone makes no line.
_FEW_EPOCHS = 10
# Bands of more methods cover each other.
_FEW_METHODS = 4
_LEGEND_COLUMNS = 3


def draw_diagram(display: CriticalDifferenceDisplay) -> Picture:
    """Draw average ranks, those that cannot be told apart joined."""
    figure = _make_figure(display.size())
    display.plot(figure.subplots())
    return _save(
        figure,
        "Average ranks, the best on the left. A bar joins methods that cannot be told apart.",
    )


def draw_curves(dataset: Any, runs: Any) -> Picture:
    """Draw the curves of one dataset: mean of each method over runs; of few methods, bands too.

    Methods that end close together are seen apart in a second panel, of the last half of training.
    """
    tables = {
        method: rows.groupby("epoch")["valid_macro_auc"].agg(["mean", "min", "max"])
        for method, rows in runs.groupby("method", sort=False)
    }
    n_epochs = int(runs["epoch"].max())
    is_close_up = len(tables) > 1 and n_epochs > _FEW_EPOCHS
    heights = [2.2, 3.4] if is_close_up else [3.2]
    figure = _make_figure((6.4, sum(heights) + 0.2 * ceil(len(tables) / _LEGEND_COLUMNS) + 0.3))
    panels = figure.subplots(len(heights), height_ratios=heights, squeeze=False)[:, 0]
    for axes, first in zip(panels, (1, n_epochs // 2 + 1), strict=False):
        _draw_panel(axes, tables, first)
    panels[-1].set_xlabel("epoch")
    figure.supylabel("validation Macro-AUC", fontsize=10)
    # All panels have the same lines.
    lines, names = panels[0].get_legend_handles_labels()
    figure.legend(
        lines, names, loc="outside lower center", ncols=_LEGEND_COLUMNS, frameon=False, fontsize=9,
        handlelength=4,
    )  # fmt: skip
    bands = " and from least to most" if len(tables) <= _FEW_METHODS else ""
    close_up = "; below, the second half of training close up" if is_close_up else ""
    return _save(
        figure, f"{dataset}: validation Macro-AUC by epoch, mean over runs{bands}{close_up}."
    )


def _draw_panel(axes: Any, tables: dict[Any, Any], first: int) -> None:
    """Draw the curves of all methods from an epoch on."""
    from matplotlib.ticker import MaxNLocator

    for number, ((method, table), style) in enumerate(
        zip(tables.items(), _list_styles(), strict=False)
    ):
        part = table.loc[first:]
        marks = _place_marks(len(part), number, len(tables))
        axes.plot(
            part.index, part["mean"], label=_make_plain(method), linewidth=1.4, markersize=5,
            markevery=marks, **(style if marks else style | {"marker": ""}),
        )  # fmt: skip
        if len(tables) <= _FEW_METHODS:
            axes.fill_between(
                part.index, part["min"], part["max"], color=style["color"], alpha=0.1, lw=0
            )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.spines[["top", "right"]].set_visible(False)


def _list_styles() -> Iterator[dict[str, Any]]:
    """Yield looks of lines: ten colours, and of the first 55 no two have dashes and marks alike."""
    for number in count():
        yield {
            "color": _COLORS[number % len(_COLORS)],
            "linestyle": _DASHES[number % len(_DASHES)],
            "marker": _MARKERS[number % len(_MARKERS)],
        }


def _place_marks(n_epochs: int, number: int, n_methods: int) -> Any:
    """Place the marks of a method: on every epoch of few, or else away from the others' marks."""
    if n_epochs <= _FEW_EPOCHS:
        return slice(None)
    if n_methods == 1:
        return None
    step = max(n_epochs // _MARKS, 1)
    return slice(number * step // n_methods, None, step)


def _make_plain(name: Any) -> str:
    # Dollars begin formulas, and a line whose label begins with _ gets no legend.
    return f" {name}".replace("$", r"\$")


def _make_figure(size: tuple[float, float]) -> Any:
    from matplotlib.figure import Figure

    # Not pyplot's: nobody closes those.
    return Figure(figsize=size, layout="constrained")


def _save(figure: Any, caption: str) -> Picture:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=150)
    return Picture(file.getvalue(), caption)

"""The pictures of a report."""

from collections.abc import Iterator
from io import BytesIO
from itertools import count
from math import ceil
from typing import Any

from skd2ace.inspection import CriticalDifferenceDisplay

from ._blocks import Picture

# Okabe and Ito's, which the colour-blind tell apart, in an order that alternates light and dark.
_COLORS = ("#0072b2", "#e69f00", "#000000", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#8c6bb1")
# Without colour, a line is known by its dashes and its marks.
_DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)))
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
    """Draw the curves of one dataset: mean of each method over runs; of few methods, bands too."""
    from matplotlib.ticker import MaxNLocator

    methods = list(runs["method"].unique())
    n_lines_of_legend = ceil(len(methods) / _LEGEND_COLUMNS)
    figure = _make_figure((6.4, 3.6 + 0.2 * n_lines_of_legend))
    axes = figure.subplots()
    for number, (method, style) in enumerate(zip(methods, _styles(), strict=False)):
        by_epoch = runs[runs["method"] == method].groupby("epoch")["valid_macro_auc"]
        table = by_epoch.agg(["mean", "min", "max"])
        marks = _place_marks(len(table), number, len(methods))
        axes.plot(
            table.index, table["mean"], label=_make_plain(method), linewidth=1.4, markersize=5,
            markevery=marks, **(style if marks else style | {"marker": ""}),
        )  # fmt: skip
        if len(methods) <= _FEW_METHODS:
            axes.fill_between(
                table.index, table["min"], table["max"], color=style["color"], alpha=0.1, lw=0
            )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="epoch", ylabel="validation Macro-AUC")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(
        loc="outside lower center", ncols=_LEGEND_COLUMNS, frameon=False, fontsize=9, handlelength=4
    )
    bands = " and from least to most" if len(methods) <= _FEW_METHODS else ""
    return _save(figure, f"{dataset}: validation Macro-AUC by epoch, mean over runs{bands}.")


def _styles() -> Iterator[dict[str, Any]]:
    """Yield looks of lines: of the first 44, no two have the same dashes and marks."""
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

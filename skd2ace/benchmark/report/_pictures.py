"""The pictures of a report."""

from io import BytesIO
from itertools import cycle
from typing import Any

from .._diagram import CriticalDifferenceDisplay
from ._render import Picture

# Curves of so few points show these too; one alone makes no line.
_FEW_EPOCHS = 10


def diagram_picture(display: CriticalDifferenceDisplay) -> Picture:
    """Draw average ranks, those that cannot be told apart joined."""
    figure = _figure(display.size())
    display.plot(figure.subplots())
    return _picture(
        figure,
        "Average ranks, the best on the left. A bar joins methods that cannot be told apart.",
    )


def curve_picture(dataset: Any, runs: Any) -> Picture:
    """Draw the curves of one dataset: mean of each method over runs, and from least to most."""
    from matplotlib.ticker import MaxNLocator

    figure = _figure((6.0, 3.6))
    axes = figure.subplots()
    methods = runs["method"].unique()
    # Ten colours; further methods are dashed.
    styles = (style for style in cycle(["-", "--", ":", "-."]) for _ in range(10))
    for number, (method, style) in enumerate(zip(methods, styles, strict=False)):
        of_epochs = runs[runs["method"] == method].groupby("epoch")["valid_macro_auc"]
        table = of_epochs.agg(["mean", "min", "max"])
        color = f"C{number % 10}"
        axes.plot(
            table.index, table["mean"], style, color=color, label=_plain(method), linewidth=1.6,
            marker="o" if len(table) <= _FEW_EPOCHS else "", markersize=4,
        )  # fmt: skip
        axes.fill_between(table.index, table["min"], table["max"], color=color, alpha=0.1, lw=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="epoch", ylabel="validation Macro-AUC")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return _picture(
        figure, f"{dataset}: validation Macro-AUC by epoch, mean over runs and from least to most."
    )


def _plain(name: Any) -> str:
    # Dollars begin formulas, and a line whose label begins with _ gets no legend.
    return f" {name}".replace("$", r"\$")


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.figure import Figure

    # Not pyplot's: nobody closes those.
    return Figure(figsize=size, layout="constrained")


def _picture(figure: Any, caption: str) -> Picture:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=150)
    return Picture(file.getvalue(), caption)

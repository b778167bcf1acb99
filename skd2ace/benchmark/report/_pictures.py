"""The pictures of a report."""

from io import BytesIO
from math import ceil
from typing import Any

from skd2ace.inspection import (
    AblationDisplay,
    CriticalDifferenceDisplay,
    EfficiencyDisplay,
    SensitivityDisplay,
)
from skd2ace.inspection._lines import FEW_LINES, FEW_POINTS, draw_lines
from skd2ace.inspection._looks import open_frame
from skd2ace.inspection._training_curves import average_curves

from ._blocks import Picture

_LEGEND_COLUMNS = 3


def draw_diagram(display: CriticalDifferenceDisplay) -> Picture:
    """Draw average ranks, those that cannot be told apart joined."""
    return _draw(
        display,
        display.size(),
        "Average ranks, the best on the left. A bar joins methods that cannot be told apart.",
    )


def draw_differences(display: AblationDisplay) -> Picture:
    """Draw the differences of all methods from one, run by run."""
    n_methods = max(table.shape[1] for table in display.differences.values())
    figure = _make_figure((1.6 + 2.1 * len(display.differences), 1.3 + 0.3 * n_methods))
    display.plot(figure.subplots(1, len(display.differences), squeeze=False))
    return _save(figure, f"Less {display.baseline}, run by run; lines are means.")


def draw_sensitivity(display: SensitivityDisplay) -> Picture:
    """Draw a metric against the values of a parameter."""
    return _draw(
        display,
        (5.6, 3.4),
        f"Means over runs by {display.parameter}; bands are from the least to the greatest.",
    )


def draw_seconds(display: EfficiencyDisplay) -> Picture:
    """Draw the seconds of all methods."""
    size = 7.4, 1.2 + 0.32 * len(display.seconds)
    return _draw(display, size, "Median seconds of a fit, on a logarithmic scale.")


def draw_curves(dataset: Any, runs: Any) -> Picture:
    """Draw the curves of one dataset: mean of each method over runs; of few methods, bands too.

    Methods that end close together are seen apart in a second panel, of the last half of training.
    """
    tables = average_curves(runs, "valid_macro_auc")
    n_epochs = int(runs["epoch"].max())
    is_close_up = len(tables) > 1 and n_epochs > FEW_POINTS
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
    bands = " and from least to most" if len(tables) <= FEW_LINES else ""
    close_up = "; below, the second half of training close up" if is_close_up else ""
    return _save(
        figure, f"{dataset}: validation Macro-AUC by epoch, mean over runs{bands}{close_up}."
    )


def _draw_panel(axes: Any, tables: dict[Any, Any], first: int) -> None:
    """Draw the curves of all methods from an epoch on."""
    from matplotlib.ticker import MaxNLocator

    draw_lines(axes, {method: table.loc[first:] for method, table in tables.items()})
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    open_frame(axes)


def _draw(display: Any, size: tuple[float, float], caption: str) -> Picture:
    """Draw a display of one panel."""
    figure = _make_figure(size)
    display.plot(figure.subplots())
    return _save(figure, caption)


def _make_figure(size: tuple[float, float]) -> Any:
    from matplotlib.figure import Figure

    # Not pyplot's: nobody closes those.
    return Figure(figsize=size, layout="constrained")


def _save(figure: Any, caption: str) -> Picture:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=150)
    return Picture(file.getvalue(), caption)

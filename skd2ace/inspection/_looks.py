"""What pictures look like: their colours, and figures to draw into."""

from collections.abc import Sequence
from typing import Any

import numpy as np

# Okabe and Ito's colours, which the colour-blind tell apart, without their yellow, which is pale on
# white, and with three more; light and dark ones alternate.
COLORS = (
    "#0072b2", "#e69f00", "#000000", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#5b3a91",
    "#8a8a8a", "#7a4b1f",
)  # fmt: skip
# Without colour, a line is known by its dashes and its marks.
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (4, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*")
# From rare to frequent, from low to high.
SHADES = ("#d6e6f4", "#9dc6e0", "#4a98c9", "#1764ab", "#08306b")
GREY, PALE = "#8a8a8a", "#c9c9c4"
_MOST_NAMES = 45


def make_axes(ax: Any, size: tuple[float, float]) -> Any:
    """Return the axes to draw into: those given, or those of a new figure of a size in inches."""
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=size, layout="constrained")
    return ax


def make_panels(
    axes: Any, n_rows: int, n_columns: int, size: tuple[float, float], **kwargs: Any
) -> Any:
    """Return an array of open axes: those given, or those of a new figure of a size in inches.

    Further parameters are those of ``pyplot.subplots``.

    Raises
    ------
    ValueError
        If another number of axes is given.
    """
    if axes is None:
        from matplotlib import pyplot as plt

        _, axes = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained", **kwargs)
    axes = np.ravel(axes)
    if len(axes) != n_rows * n_columns:
        raise ValueError(f"axes must be {n_rows * n_columns} axes, got {len(axes)}.")
    for ax in axes:
        open_frame(ax)
    return axes


def open_frame(ax: Any) -> None:
    """Leave the frame's upper and right sides out."""
    ax.spines[["top", "right"]].set_visible(False)


def place_legend_beside(ax: Any, **kwargs: Any) -> None:
    """Put the legend to the right of the axes, where it covers nothing."""
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5), **kwargs)


def draw_cells(ax: Any, values: Any, **kwargs: Any) -> Any:
    """Draw a matrix as colours from pale to dark, those of ``imshow``; return the image."""
    image = ax.imshow(values, cmap="Blues", interpolation="nearest", **kwargs)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return image


def name_ticks(axis: Any, names: Sequence[str], **kwargs: Any) -> None:
    """Name the places 0, 1, 2, ... of an axis; more names than can be read are only counted."""
    if len(names) > _MOST_NAMES:
        axis.set_ticks([])
        axis.set_label_text(f"{len(names)} labels")
        return
    axis.set_ticks(range(len(names)), list(names), fontsize=8, parse_math=False, **kwargs)

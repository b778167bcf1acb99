"""What pictures look like: colours that the colour-blind tell apart, and figures to draw into."""

from typing import Any

# Okabe and Ito's, dark and light in turn, so that neighbours differ in greyscale too.
COLORS = ("#0072b2", "#e69f00", "#000000", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#8a8a8a")
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (4, 1, 1, 1, 1, 1)))
# From rare to frequent, from low to high.
SHADES = ("#d6e6f4", "#9dc6e0", "#4a98c9", "#1764ab", "#08306b")


def make_axes(ax: Any, size: tuple[float, float]) -> Any:
    """Return the axes to draw into: those given, or those of a new figure of a size in inches."""
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=size, layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def make_panels(axes: Any, n_rows: int, n_columns: int, size: tuple[float, float]) -> Any:
    """Return an array of axes: those given, or those of a new figure of a size in inches.

    Raises
    ------
    ValueError
        If another number of axes is given.
    """
    import numpy as np

    if axes is None:
        from matplotlib import pyplot as plt

        _, axes = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained", squeeze=False)
    axes = np.ravel(axes)
    if len(axes) != n_rows * n_columns:
        raise ValueError(f"axes must be {n_rows * n_columns} axes, got {len(axes)}.")
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return axes


def style_line(number: int) -> dict[str, Any]:
    """Colour and dashes of a line; of the first forty no two have both alike."""
    return {"color": COLORS[number % len(COLORS)], "linestyle": DASHES[number % len(DASHES)]}


def place_legend_beside(ax: Any, **kwargs: Any) -> None:
    """Put the legend to the right of the axes, where it covers nothing."""
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5), **kwargs)

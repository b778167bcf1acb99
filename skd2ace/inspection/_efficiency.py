"""What methods cost in seconds."""

from typing import Any

from ._lines import style_line
from ._looks import make_axes, open_frame, place_legend_beside


class EfficiencyDisplay:
    """Seconds of a fit by method, a mark for each data set.

    Made by :meth:`from_results`. Figure 4 of the D2ACE paper (Liu et al. 2026) shows such seconds.

    Parameters
    ----------
    seconds : DataFrame of shape (methods, datasets)
        Medians over runs; NaN where a method was not run.

    Attributes
    ----------
    ax_, figure_ : Axes and Figure
        After :meth:`plot`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.inspection import EfficiencyDisplay
    >>> runs = pd.DataFrame(
    ...     {"dataset": "yeast", "method": ["A", "A", "B"], "fit_seconds": [1.0, 3.0, 9.0]}
    ... )
    >>> EfficiencyDisplay.from_results(runs).seconds["yeast"].to_dict()
    {'A': 2.0, 'B': 9.0}
    """

    def __init__(self, seconds: Any) -> None:
        self.seconds = seconds

    @classmethod
    def from_results(cls, results: Any) -> "EfficiencyDisplay":
        """Take the median seconds of each method on each data set.

        Parameters
        ----------
        results : DataFrame
            A run a row: columns ``dataset``, ``method``, ``fit_seconds``, as ``Store.results()`` of
            the benchmark gives them; by its column ``settings``, methods that were run with
            several are told apart. Fits that ran beside others are slower than they are alone.

        Returns
        -------
        EfficiencyDisplay

        Raises
        ------
        ValueError
            If a column is missing or nothing is left.
        """
        from skd2ace._results import check_columns, tell_settings_apart

        check_columns("results", results, ["dataset", "method", "fit_seconds"])
        rows = tell_settings_apart(results).dropna(subset=["fit_seconds"])
        if rows.empty:
            raise ValueError("results holds no fit_seconds.")
        table = rows.groupby(["method", "dataset"], sort=False)["fit_seconds"].median()
        return cls(table.unstack("dataset"))

    def plot(self, ax: Any = None) -> "EfficiencyDisplay":
        """Draw a line of marks for each method, on a logarithmic scale.

        Parameters
        ----------
        ax : Axes, optional
            By default of a new figure.

        Returns
        -------
        EfficiencyDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        from matplotlib.ticker import LogLocator, NullLocator

        ax = make_axes(ax, (7.4, 1.2 + 0.32 * len(self.seconds)))
        open_frame(ax)
        places = range(len(self.seconds))
        for number, (name, column) in enumerate(self.seconds.items()):
            style = style_line(number) | {"linestyle": ""}
            ax.plot(column, places, label=name, markersize=6, **style)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_yticks(places, self.seconds.index, parse_math=False)
        ax.invert_yaxis()
        ax.grid(axis="y", color="#e6e6e2")
        ax.set_axisbelow(True)
        ax.set_xlabel("Seconds of a fit, median")
        place_legend_beside(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

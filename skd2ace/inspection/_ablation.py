"""What becomes of a method without one of its parts."""

from typing import Any

import numpy as np

from ._looks import COLORS, GREY, make_panels
from ._metric import find_column, find_title


class AblationDisplay:
    """Differences of a method's variants from the whole, run by run.

    Made by :meth:`from_results`; ``python -m skd2ace.benchmark run --preset ablation`` makes what
    Figure 5 of the D2ACE paper (Liu et al. 2026) shows. Dots are pairs of runs (same fold, same
    seed), the line is their mean: dots on both sides of 0 say that the part may not matter.

    Parameters
    ----------
    differences : dict of str to DataFrame
        By data set: a row for each (fold, seed), a column for each variant; of the metric, the
        variant's less the whole method's.
    baseline : str
        The whole method.
    metric : str
        For the axis.

    Attributes
    ----------
    axes_, figure_ : ndarray of Axes, and Figure
        After :meth:`plot`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.inspection import AblationDisplay
    >>> runs = pd.DataFrame({
    ...     "dataset": "yeast", "method": ["D2ACE", "D2ACE", "no labels", "no labels"],
    ...     "fold": [0, 1, 0, 1], "seed": 0, "macro_auc": [0.7, 0.6, 0.6, 0.6],
    ... })
    >>> display = AblationDisplay.from_results(runs, "macro_auc", baseline="D2ACE")
    >>> display.differences["yeast"]["no labels"].round(6).tolist()
    [-0.1, 0.0]
    """

    def __init__(self, differences: dict[str, Any], baseline: str, metric: str) -> None:
        self.differences = differences
        self.baseline = baseline
        self.metric = metric

    @classmethod
    def from_results(cls, results: Any, metric: str, *, baseline: str) -> "AblationDisplay":
        """Subtract the baseline's runs from those of all other methods.

        Parameters
        ----------
        results : DataFrame
            A run a row: columns ``dataset``, ``method``, ``fold``, ``seed`` and the metric's, as
            ``Store.results()`` of the benchmark gives them.
        metric : str
        baseline : str
            Method to compare with; of one that was run with several settings, that with the most
            runs, of as many the newest.

        Returns
        -------
        AblationDisplay
            Of the runs that both have.

        Raises
        ------
        ValueError
            If a column or the baseline is missing.
        """
        from skd2ace._results import (
            KEYS,
            arrange_runs,
            check_columns,
            find_setting,
            tell_settings_apart,
        )

        check_columns("results", results, KEYS)
        metric = find_column(metric, results.columns)
        results = tell_settings_apart(results)
        runs = arrange_runs(results, metric)
        baseline = find_setting(baseline, results, metric)
        if not any(baseline in table for table in runs.values()):
            raise ValueError(
                f"baseline={baseline!r} is not among the methods "
                f"{sorted(map(str, results['method'].unique()))}."
            )
        return cls(subtract_baseline(runs, baseline), baseline, find_title(metric))

    def plot(self, axes: Any = None) -> "AblationDisplay":
        """Draw a panel for each data set.

        Parameters
        ----------
        axes : array of Axes, optional
            One for each data set; by default those of a new figure.

        Returns
        -------
        AblationDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        n = len(self.differences)
        variants = list(next(iter(self.differences.values())))
        self.axes_ = make_panels(axes, 1, n, (2.0 + 2.6 * n, 1.3 + 0.34 * len(variants)))
        self.figure_ = self.axes_[0].figure
        for ax, (name, table) in zip(self.axes_, self.differences.items(), strict=True):
            ax.axvline(0, color=GREY, linewidth=1)
            for place, variant in enumerate(variants):
                dots = table[variant].dropna()
                ax.plot(dots, np.full(len(dots), place), "o", color=COLORS[0], alpha=0.5, ms=5)
                ax.plot([dots.mean()] * 2, [place - 0.3, place + 0.3], color="black", linewidth=2)
            shown = variants if ax is self.axes_[0] else []
            ax.set_yticks(range(len(variants)), shown, parse_math=False)
            ax.invert_yaxis()
            ax.tick_params(axis="y", length=0)
            ax.spines["left"].set_visible(False)
            ax.set_title(name, loc="left", fontsize=10, parse_math=False)
            ax.locator_params(axis="x", nbins=4)
        self.figure_.supxlabel(f"{self.metric}, less that of {self.baseline}", fontsize=10)
        return self


def subtract_baseline(runs: dict[str, Any], baseline: str) -> dict[str, Any]:
    """Differences of all other methods from one, where that was run; of runs by methods."""
    return {
        name: table.sub(table[baseline], axis=0).drop(columns=baseline)
        for name, table in runs.items()
        if baseline in table
    }

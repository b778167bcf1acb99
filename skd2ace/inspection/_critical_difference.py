"""Critical difference diagrams: average ranks, and which methods cannot be told apart."""

from typing import Any

import numpy as np
from scipy import stats

from ._looks import make_axes
from ._metric import find_column, find_direction, find_title

_DARK = "#1f2933"
_BAR = "#b4452f"


class CriticalDifferenceDisplay:
    """Average ranks on a line; a bar joins methods that Nemenyi's test cannot tell apart.

    Made by :meth:`from_results`. It keeps numbers, and draws when :meth:`plot` is called.

    Parameters
    ----------
    average_ranks : Series
        By method; 1 is the best.
    p_values : DataFrame
        Methods x methods.
    n_datasets : int
        What the ranks are averaged over.
    alpha : float, default=0.05
        Level of significance.

    Attributes
    ----------
    critical_difference_ : float
        Ranks that differ by more are significantly different.
    ax_, figure_ : Axes and Figure
        After :meth:`plot`.

    References
    ----------
    Demšar (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7, 1-30.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.inspection import CriticalDifferenceDisplay
    >>> means = pd.DataFrame({"A": [0.9, 0.8], "B": [0.8, 0.7], "C": [0.7, 0.6]})
    >>> display = CriticalDifferenceDisplay.from_results(means, "macro_auc")
    >>> display.average_ranks.to_dict()
    {'A': 1.0, 'B': 2.0, 'C': 3.0}
    >>> round(display.critical_difference_, 3)
    2.344
    """

    def __init__(
        self, average_ranks: Any, p_values: Any, *, n_datasets: int, alpha: float = 0.05
    ) -> None:
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must be between 0 and 1; got {alpha!r}.")
        self.average_ranks = average_ranks
        self.p_values = p_values
        self.n_datasets = n_datasets
        self.alpha = alpha
        k = len(average_ranks)
        quantile = stats.studentized_range.ppf(1 - alpha, k, np.inf) / np.sqrt(2)
        self.critical_difference_ = float(quantile * np.sqrt(k * (k + 1) / (6 * n_datasets)))

    @classmethod
    def from_results(
        cls,
        results: Any,
        metric: str | None = None,
        *,
        higher_is_better: bool | None = None,
        alpha: float = 0.05,
    ) -> "CriticalDifferenceDisplay":
        """Compute what a diagram shows, without drawing it.

        Parameters
        ----------
        results : DataFrame
            A run a row: columns ``dataset``, ``method``, ``fold``, ``seed`` and the metric's, as
            those of the benchmark are; or a table of means with datasets as rows and methods as
            columns.
        metric : str, optional
            Column; not needed with a table of means whose direction is given.
        higher_is_better : bool, optional
            By default as the metric is known; metrics of one's own need it.
        alpha : float, default=0.05
            Level of significance.

        Returns
        -------
        CriticalDifferenceDisplay
            Of the datasets on which all methods have all runs.

        Raises
        ------
        ValueError
            With fewer than three methods or two datasets, if ``alpha`` is out of range or the
            direction unknown, no dataset has all runs of all methods, or the input is not as
            described.
        """
        # What tables need is not installed with the classifiers.
        import pandas as pd
        from scikit_posthocs import posthoc_nemenyi_friedman

        from skd2ace._results import check_frame, rank_methods, read_means

        check_frame("results", results)
        metric = metric and find_column(metric, results.columns)
        upward = find_direction(metric, higher_is_better)
        ranked = rank_methods(read_means(results, metric, find_title(metric)), upward)
        n_datasets, n_methods = ranked.shape
        if n_methods < 3 or n_datasets < 2:
            raise ValueError(
                "A critical difference diagram needs three methods and two datasets; there are "
                f"{n_methods} and {n_datasets}."
            )
        p_values = posthoc_nemenyi_friedman(ranked.to_numpy())
        named = pd.DataFrame(p_values.to_numpy(), ranked.columns, ranked.columns)
        return cls(ranked.mean(), named, n_datasets=n_datasets, alpha=alpha)

    def plot(self, ax: Any = None) -> "CriticalDifferenceDisplay":
        """Draw the diagram, the best method on the left.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default in a new figure of fitting height.

        Returns
        -------
        CriticalDifferenceDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        from scikit_posthocs import critical_difference_diagram as draw

        ax = make_axes(ax, self.size())
        best, worst = self.average_ranks.min(), self.average_ranks.max()
        draw(
            self.average_ranks,
            self.p_values,
            alpha=self.alpha,
            ax=ax,
            label_fmt_left="{label}  {rank:.2f} ",
            label_fmt_right=" {rank:.2f}  {label}",
            label_props={"fontsize": 10, "parse_math": False},
            marker_props={"s": 18, "color": _DARK, "clip_on": False},
            elbow_props={"color": _DARK, "linewidth": 1, "clip_on": False},
            crossbar_props={"color": _BAR, "linewidth": 4, "solid_capstyle": "round"},
            text_h_margin=0.05 * max(worst - best, 1),
        )
        self._finish(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def size(self) -> tuple[float, float]:
        """Width and height in inches in which all names are readable."""
        return 6.0, 1.4 + 0.26 * len(self.average_ranks)

    def _finish(self, ax: Any) -> None:
        first = np.floor(self.average_ranks.min())
        last = max(np.ceil(self.average_ranks.max()), first + self.critical_difference_)
        ax.set_xlim(first, last)
        ax.set_xticks(np.arange(first, np.floor(last) + 1))
        ax.tick_params(axis="x", labelsize=9, colors=_DARK)
        ax.spines["top"].set_color(_DARK)
        # The ruler stands above the axis, as long as the difference that counts.
        height = 1.5
        end = first + self.critical_difference_
        ax.plot([first, end], [height] * 2, color=_BAR, linewidth=2, marker="|", markersize=9)
        ax.text(
            (first + end) / 2,
            height + 0.25,
            f"critical difference {self.critical_difference_:.2f} at level "
            f"{self.alpha:g}, {self.n_datasets} datasets",
            ha="center",
            va="bottom",
            fontsize=9,
            color=_BAR,
        )

"""How much a parameter's value matters."""

import re
from typing import Any

from ._lines import draw_lines
from ._looks import make_axes, open_frame
from ._metric import find_column, find_title

_NAMED = re.compile(r"(?:|.* )(\w+)=.*")
# Behind a value that was run with several settings.
_DIGEST = re.compile(r" [0-9a-f]{6}$")


class SensitivityDisplay:
    """A metric against the values of one parameter, a line for each data set.

    Made by :meth:`from_results`; ``python -m skd2ace.benchmark run --preset sensitivity`` makes
    what Figures 6, A2 and A3 of the D2ACE paper (Liu et al. 2026) show.

    Parameters
    ----------
    scores : dict of str to DataFrame
        By data set, and by what stands before the parameter where names differ there too; the
        index has the values in their order, columns are ``mean``, ``low`` and ``high`` over the
        runs.
    parameter, metric : str
        What the axes are called.

    Attributes
    ----------
    ax_, figure_ : Axes and Figure
        After :meth:`plot`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.inspection import SensitivityDisplay
    >>> runs = pd.DataFrame({
    ...     "dataset": "yeast", "method": ["clif n_neighbors=10", "clif n_neighbors=2"],
    ...     "fold": 0, "seed": 0, "macro_auc": [0.7, 0.6],
    ... })
    >>> display = SensitivityDisplay.from_results(runs, "macro_auc", parameter="n_neighbors")
    >>> display.scores["yeast"]["mean"].to_dict()
    {'2': 0.6, '10': 0.7}
    """

    def __init__(self, scores: dict[str, Any], parameter: str, metric: str) -> None:
        self.scores = scores
        self.parameter = parameter
        self.metric = metric

    @classmethod
    def from_results(cls, results: Any, metric: str, *, parameter: str) -> "SensitivityDisplay":
        """Average the runs of the methods that differ by one parameter.

        Parameters
        ----------
        results : DataFrame
            A run a row: columns ``dataset``, ``method``, ``fold``, ``seed`` and the metric's, as
            ``Store.results()`` of the benchmark gives them.
        metric : str
        parameter : str
            Methods whose names end in ``parameter=value`` are taken, and no others.

        Returns
        -------
        SensitivityDisplay
            Numbers come in their order, other values in that of the results. ``low`` and
            ``high`` are the least and the greatest of the runs.

        Raises
        ------
        ValueError
            If a column is missing, or no method is named so.
        """
        from skd2ace._results import KEYS, arrange_runs, check_columns

        check_columns("results", results, KEYS)
        metric = find_column(metric, results.columns)
        found = _read_values(results["method"].unique(), parameter)
        if not found:
            raise ValueError(
                f"No method's name ends in {parameter}=value, as those of the preset sensitivity "
                f"do; there are {sorted(map(str, results['method'].unique()))}."
            )
        methods = [method for values in found.values() for method in values]
        runs = arrange_runs(results[results["method"].isin(methods)], metric)
        return cls(summarize_runs(runs, parameter), parameter, find_title(metric))

    def plot(self, ax: Any = None) -> "SensitivityDisplay":
        """Draw a line for each data set; of few, bands too.

        Parameters
        ----------
        ax : Axes, optional
            By default of a new figure.

        Returns
        -------
        SensitivityDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        ax = make_axes(ax, (5.6, 3.4))
        open_frame(ax)
        # Else they stand where they first appear, and lines of other values fold back.
        values = {value: value for table in self.scores.values() for value in table.index}
        ax.xaxis.update_units(list(_sort_values(values)))
        draw_lines(ax, self.scores)
        ax.set(xlabel=self.parameter, ylabel=self.metric)
        ax.legend(frameon=False, fontsize=9, handlelength=3)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def list_parameters(methods: Any) -> list[str]:
    """List the parameters that two methods or more are named by, as ``parameter=value``."""
    named = [match[1] for name in map(str, methods) if (match := _NAMED.fullmatch(name))]
    return [parameter for parameter in dict.fromkeys(named) if named.count(parameter) > 1]


def summarize_runs(runs: dict[str, Any], parameter: str) -> dict[str, Any]:
    """Mean, least and greatest of the runs at each value, by data set; of runs by methods.

    Where names differ before the parameter too, each such beginning has a table of its own.
    """
    import pandas as pd

    scores = {}
    found = {name: _read_values(table.columns, parameter) for name, table in runs.items()}
    has_several = len({beginning for values in found.values() for beginning in values}) > 1
    for name, table in runs.items():
        for beginning, values in found[name].items():
            ordered = table[list(values)]
            scores[f"{name}: {beginning}" if has_several else name] = pd.DataFrame(
                {"mean": ordered.mean(), "low": ordered.min(), "high": ordered.max()}
            ).rename(index=values)
    return scores


def _read_values(methods: Any, parameter: str) -> dict[str, dict[str, str]]:
    """Find the value at the end of each method's name, by what stands before; numbers in order."""
    pattern = re.compile(rf"(?:(.*) )?{re.escape(parameter)}=((?:(?! \w+=).)*)")
    found: dict[str, dict[str, str]] = {}
    for method in map(str, methods):
        if match := pattern.fullmatch(method):
            found.setdefault(match[1] or "", {})[method] = match[2]
    return {beginning: _sort_values(values) for beginning, values in found.items()}


def _sort_values(values: dict[str, str]) -> dict[str, str]:
    try:
        return dict(sorted(values.items(), key=lambda item: float(_DIGEST.sub("", item[1]))))
    except ValueError:
        return values

"""Tables of means and standard deviations, the best in bold."""

from typing import Any

import numpy as np

from ..compare._statistics import mean_table
from ..compare._tables import direction, lacking, metric_name, runs_of
from ._grid import MISSING, grid
from ._render import FORMATS, Block, Text, check_format


def format_means(
    results: Any,
    metric: str = "macro_auc",
    *,
    format: str = "markdown",
    higher_is_better: bool | None = None,
) -> str:
    """Write the means and standard deviations of :func:`mean_table`, the best in bold.

    Parameters
    ----------
    results : DataFrame
        As for :func:`mean_table`.
    metric : str, default="macro_auc"
        Column.
    format : {"markdown", "html", "latex"}, default="markdown"
        As for :func:`report`, of which this is a part.
    higher_is_better : bool, optional
        As for :func:`ranks`.

    Returns
    -------
    str
        A sentence that says what is shown, and the table.

    Raises
    ------
    ValueError
        If the format is unknown, and as :func:`ranks` and :func:`mean_table`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import format_means
    >>> runs = {"dataset": "yeast", "fold": [0, 1], "seed": 0}
    >>> results = pd.concat([
    ...     pd.DataFrame({**runs, "method": "A", "macro_auc": [0.7, 0.8]}),
    ...     pd.DataFrame({**runs, "method": "B", "macro_auc": [0.6, 0.7]}),
    ... ])
    >>> print(format_means(results).splitlines()[-1])
    | yeast | **0.7500 ± 0.0707** | 0.6500 ± 0.0707 |
    """
    check_format(format)
    blocks = means_told(results, metric, direction(metric, higher_is_better))
    return FORMATS[format](blocks, f"Means of {metric_name(metric)}")


def means_told(results: Any, metric: str, upward: bool) -> list[Block]:
    """Tell the means, the best of each dataset in bold, and what bold leaves out."""
    table = mean_table(results, metric)
    mean, runs = table["mean"], runs_of(results, metric)
    eligible = mean.copy()
    for name in mean.index:
        # What lacks runs cannot be the best: its mean is of other folds.
        eligible.loc[name, lacking(runs[name])] = np.nan
    best = eligible.max(axis=1) if upward else eligible.min(axis=1)
    is_best = eligible.eq(best, axis=0).mul(eligible.count(axis=1) > 1, axis=0)
    pairs = [(dataset, method) for dataset in mean.index for method in mean]
    cells = {
        (name, method): _mean_cell(table.loc[name], method, len(runs[name]))
        for name, method in pairs
    }
    note = ""
    if eligible.isna().any(axis=None):
        note = (
            " A mean over fewer runs, as counted, is of other folds or seeds: bold is the best of "
            "those with all runs, if they are two or more."
        )
    better = "larger is better" if upward else "smaller is better"
    return [
        Text(
            f"Mean ± standard deviation over folds and seeds; {better}; the best of each dataset "
            f"is bold.{note}"
        ),
        grid(mean.index, mean.columns, cells, {pair for pair in pairs if is_best.loc[pair]}),
    ]


def _mean_cell(row: Any, method: Any, n_expected: int) -> str:
    mean, std, n_runs = (row[part, method] for part in ("mean", "std", "n_runs"))
    if not n_runs:
        return MISSING
    cell = f"{mean:.4f}" + ("" if np.isnan(std) else f" ± {std:.4f}")
    return cell if n_runs == n_expected else f"{cell} ({n_runs:.0f} of {n_expected} runs)"

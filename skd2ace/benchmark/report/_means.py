"""Tables of means and standard deviations, the best in bold."""

from typing import Any

import numpy as np

from skd2ace._results import list_lacking

from ..compare._comparison import Comparison
from ._blocks import Block
from ._formats import FORMATS, check_format
from ._grid import MISSING, lay_out


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
    comparison = Comparison(results, metric, higher_is_better=higher_is_better)
    return FORMATS[format](describe_means(comparison), f"Means of {comparison.title}")


def describe_means(comparison: Comparison) -> list[Block]:
    """Describe the means, the best of each dataset in bold, and what bold leaves out."""
    table, runs = comparison.mean_table, comparison.runs
    mean, eligible = table["mean"], _find_eligible(comparison)
    best = eligible.max(axis=1) if comparison.higher_is_better else eligible.min(axis=1)
    is_best = eligible.eq(best, axis=0).mul(eligible.count(axis=1) > 1, axis=0)
    pairs = [(dataset, method) for dataset in mean.index for method in mean]
    cells = {
        (name, method): _write_cell(table.loc[name], method, len(runs[name]))
        for name, method in pairs
    }
    better = "larger is better" if comparison.higher_is_better else "smaller is better"
    note = ""
    if eligible.isna().any(axis=None):
        note = (
            " A mean over fewer runs, as counted, is of other folds or seeds: bold is the best of "
            "those with all runs, if they are two or more."
        )
    return [
        lay_out(
            mean.index,
            mean.columns,
            cells,
            {pair for pair in pairs if is_best.loc[pair]},
            title=f"Means of {comparison.title}",
            label=f"means {comparison.metric}",
            caption=f"Mean ± standard deviation over folds and seeds; {better}; the best of each "
            f"dataset is bold.{note}",
        )
    ]


def _find_eligible(comparison: Comparison) -> Any:
    """Find the means that may be the best: not those that lack runs, being of other folds."""
    eligible = comparison.mean_table["mean"].copy()
    for name, table in comparison.runs.items():
        eligible.loc[name, list_lacking(table)] = np.nan
    return eligible


def _write_cell(row: Any, method: Any, n_expected: int) -> str:
    mean, std, n_runs = (row[part, method] for part in ("mean", "std", "n_runs"))
    if not n_runs:
        return MISSING
    cell = f"{mean:.4f}" + ("" if np.isnan(std) else f" ± {std:.4f}")
    return cell if n_runs == n_expected else f"{cell} ({n_runs:.0f} of {n_expected} runs)"

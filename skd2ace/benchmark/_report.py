"""Reports: what a set of results says, in one file."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ._basis import basis
from ._comparison import chosen_reference, differences_told, p_told, wilcoxon_told
from ._diagram import CriticalDifferenceDisplay
from ._grid import MISSING, grid
from ._pictures import diagram_picture
from ._render import Block, Heading, Table, Text, to_html, to_latex, to_markdown
from ._sections import published_numbers, times, validation_curves
from ._settings import settings_told
from ._statistics import friedman, mean_table, ranks
from ._tables import KEYS, check_columns, direction, lacking, metric_name, runs_of

_FORMATS: dict[str, Callable[..., str]] = {
    "markdown": to_markdown,
    "html": to_html,
    "latex": to_latex,
}


def report(
    results: Any,
    *,
    metric: str = "macro_auc",
    reference: str | None = None,
    curves: Any = None,
    published: Any = None,
    failures: Any = None,
    format: str = "markdown",
    higher_is_better: bool | None = None,
) -> str:
    """Write up results: means, differences, ranks, tests, times and validation curves.

    Parameters
    ----------
    results : DataFrame
        As for :func:`mean_table`. Times are told where there are columns ``fit_seconds`` and
        ``selection_seconds``; versions, machine, device, commit and days where there are
        ``versions`` (dicts), ``machine``, ``device``, ``git_commit`` and ``started``, and what
        methods were set to where there is ``estimator``, as those of :meth:`Store.results` are.
    metric : str, default="macro_auc"
        Column.
    reference : str, optional
        The method that the others are compared with. By default that of the best average rank,
        of several the first by name; where nothing can be ranked, that with the most runs.
    curves : DataFrame, optional
        Columns ``dataset``, ``method``, ``fold``, ``seed``, ``epoch`` and ``valid_macro_auc``.
    published : DataFrame, optional
        What :func:`published` returns; its numbers of the same metric and datasets are shown.
    failures : DataFrame, optional
        Columns ``dataset``, ``method``, ``fold`` and ``seed`` of the fits that failed, as
        :meth:`Store.failures` returns them: the report names them.
    format : {"markdown", "html", "latex"}, default="markdown"
        HTML is one file that loads nothing, with pictures; the others are text only. LaTeX is a
        part to be put into a document that loads ``booktabs`` and ``graphicx``; tables wider or
        longer than a page come in pieces. Names that are not in Latin letters need LuaTeX or
        XeTeX there, and a font that has them.
    higher_is_better : bool, optional
        By default as the metric is known; metrics of one's own need it.

    Returns
    -------
    str
        The report. No methods are compared without the intervals of their differences.

    Raises
    ------
    TypeError
        If the results are no DataFrame.
    ValueError
        If the format, the reference or the metric is unknown, a table lacks columns, and as
        :func:`mean_table`: methods that were fitted on different folds are not compared.

    Notes
    -----
    Ranks and tests use the datasets on which all methods have all runs; the report names the
    others, and the methods that lack runs. Tests that need more methods or datasets are left out
    with a sentence that says so.

    Examples
    --------
    >>> import pandas as pd
    >>> results = pd.DataFrame(
    ...     {"dataset": "yeast", "method": "A", "fold": [0, 1], "seed": 0, "macro_auc": [0.7, 0.8]}
    ... )
    >>> print(report(results)[:24])
    # Benchmark by Macro-AUC
    """
    if format not in _FORMATS:
        raise ValueError(f"format must be one of {', '.join(_FORMATS)}; got {format!r}.")
    upward = direction(metric, higher_is_better)
    check_columns("results", results, [*KEYS, metric])
    reference, choice = chosen_reference(results, metric, upward, reference)
    title = f"Benchmark by {metric_name(metric)}"
    blocks = [
        Heading(title, 1),
        *basis(results, metric, failures),
        *settings_told(results),
        Heading("Means"),
        *_means(results, metric, upward),
        *differences_told(results, metric, upward, reference, choice),
        *_ranks(results, metric, upward, pictures=format == "html"),
        *wilcoxon_told(results, metric, upward, reference),
        *times(results),
        *validation_curves(curves, pictures=format == "html"),
        *published_numbers(published, metric, results["dataset"].unique()),
    ]
    return _FORMATS[format](blocks, title)


def _means(results: Any, metric: str, upward: bool) -> list[Block]:
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


def _ranks(results: Any, metric: str, upward: bool, *, pictures: bool) -> list[Block]:
    head = Heading("Ranks")
    try:
        ranked = ranks(results, metric, higher_is_better=upward)
    except ValueError as error:
        return [head, Text(f"No ranks. {error}")]
    average = ranked.mean().sort_values(kind="stable")
    rows = [[str(method), f"{rank:.2f}"] for method, rank in average.items()]
    blocks = [head, *_left_out(ranked.attrs["left_out"]), Table(["method", "average rank"], rows)]
    n_datasets, n_methods = ranked.shape
    if n_methods < 3 or n_datasets < 2:
        return [
            *blocks,
            Text(
                "Friedman's test and the critical difference need three methods and two datasets; "
                f"there are {n_methods} and {n_datasets}."
            ),
        ]
    display = CriticalDifferenceDisplay.from_results(results, metric, higher_is_better=upward)
    test = friedman(results, metric)
    drawn: list[Block] = [diagram_picture(display)] if pictures else []
    return [
        *blocks,
        Text(
            f"Friedman's test over {n_datasets} datasets: chi-squared {test.statistic:.2f}, "
            f"p {p_told(test.p_value)}. Average ranks that differ by more than "
            f"{display.critical_difference_:.2f} differ significantly by Nemenyi's test at level "
            "0.05."
        ),
        *drawn,
    ]


def _left_out(left_out: dict[Any, list[Any]]) -> list[Block]:
    return [
        Text(f"Left out: {name}, where runs are missing of {', '.join(map(str, methods))}.")
        for name, methods in left_out.items()
    ]

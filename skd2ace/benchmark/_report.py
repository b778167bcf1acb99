"""Reports: what a set of results says, in one file."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ._diagram import CriticalDifferenceDisplay
from ._differences import differences
from ._pictures import diagram_picture
from ._render import Block, Heading, Table, Text, to_html, to_latex, to_markdown
from ._sections import MISSING, published_numbers, times, validation_curves
from ._statistics import friedman, mean_table, ranks, wilcoxon_against
from ._tables import direction, metric_name, need_reference

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
    format: str = "markdown",
    higher_is_better: bool | None = None,
) -> str:
    """Write up results: means, ranks, tests, differences, times and validation curves.

    Parameters
    ----------
    results : DataFrame
        As for :func:`mean_table`. Times are told where there are columns ``fit_seconds`` and
        ``selection_seconds``.
    metric : str, default="macro_auc"
        Column.
    reference : str, optional
        The method that the others are compared with; without it they are ranked only.
    curves : DataFrame, optional
        Columns ``dataset``, ``method``, ``fold``, ``seed``, ``epoch`` and ``valid_macro_auc``.
    published : DataFrame, optional
        What :func:`published` returns; its numbers of the same metric and datasets are shown.
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
        The report. No difference between two methods is told without its interval.

    Raises
    ------
    ValueError
        If the format, the reference or the metric is unknown, or results or curves lack columns.

    Notes
    -----
    Ranks and tests use the datasets on which all methods have all runs; the report names the
    others. Tests that need more methods or datasets are left out with a sentence that says so.

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
    title = f"Benchmark by {metric_name(metric)}"
    blocks = [
        Heading(title, 1),
        *_means(results, metric, upward),
        *_ranks(results, metric, upward, pictures=format == "html"),
        *_against(results, metric, upward, reference),
        *times(results),
        *validation_curves(curves, pictures=format == "html"),
        *published_numbers(published, metric, results["dataset"].unique()),
    ]
    return _FORMATS[format](blocks, title)


def _means(results: Any, metric: str, upward: bool) -> list[Block]:
    table = mean_table(results, metric)
    mean, n_runs = table["mean"], table["n_runs"]
    complete = n_runs.eq(n_runs.max(axis=1), axis=0) & n_runs.gt(0)
    # What lacks runs cannot be the best: its mean is of other folds.
    eligible = mean.where(complete)
    best = eligible.max(axis=1) if upward else eligible.min(axis=1)
    bold = np.argwhere(eligible.eq(best, axis=0).to_numpy()) if mean.shape[1] > 1 else np.empty(0)
    rows = [
        [
            str(name),
            *(_mean_cell(table.loc[name], method, n_runs.loc[name].max()) for method in mean),
        ]
        for name in mean.index
    ]
    better = "larger is better" if upward else "smaller is better"
    return [
        Text(
            f"{_count(len(mean), 'dataset')}, {_count(mean.shape[1], 'method')}. Mean ± standard "
            f"deviation over folds and seeds; {better}; the best of each dataset is bold."
        ),
        Table(
            ["dataset", *map(str, mean)], rows, {(row, place + 1) for row, place in bold.tolist()}
        ),
    ]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _mean_cell(row: Any, method: Any, n_expected: float) -> str:
    mean, std, n_runs = (row[part, method] for part in ("mean", "std", "n_runs"))
    if not n_runs:
        return MISSING
    cell = f"{mean:.4f}" + ("" if np.isnan(std) else f" ± {std:.4f}")
    return cell if n_runs == n_expected else f"{cell} ({n_runs:.0f} of {n_expected:.0f} runs)"


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
            f"p {_p(test.p_value)}. Average ranks that differ by more than "
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


def _p(value: float) -> str:
    return f"= {value:.4f}" if value >= 0.0001 else "< 0.0001"


def _against(results: Any, metric: str, upward: bool, reference: str | None) -> list[Block]:
    if reference is None:
        return []
    head, methods = Heading(f"Against {reference}"), results["method"].unique()
    if list(methods) == [reference]:
        return [head, Text("There is no other method to compare with.")]
    need_reference(methods, reference)
    return [
        head,
        *_wilcoxon(results, metric, upward, reference),
        *_differences(results, metric, upward, reference),
    ]


def _wilcoxon(results: Any, metric: str, upward: bool, reference: str) -> list[Block]:
    try:
        test = wilcoxon_against(results, metric, reference, higher_is_better=upward)
    except ValueError as error:
        return [Text(f"No test over datasets. {error}")]
    n_datasets = int(test.iloc[0][["win", "tie", "loss"]].sum())
    if n_datasets < 2:
        return [Text("Wilcoxon's test needs two datasets with all runs; there is 1.")]
    adjusted = wilcoxon_against(
        results, metric, reference, correction="holm", higher_is_better=upward
    )
    rows = [
        [
            str(row.Index),
            f"{row.win} / {row.tie} / {row.loss}",
            f"{row.statistic:g}",
            _p(row.p_value).removeprefix("= "),
            _p(adjusted.loc[row.Index, "p_value"]).removeprefix("= "),
        ]
        for row in test.itertuples()
    ]
    return [
        Text(
            f"Wilcoxon's signed-rank test over {n_datasets} datasets, two-sided. Wins are "
            f"{reference}'s."
        ),
        Table(["method", "win / tie / loss", "statistic", "p", "p after Holm"], rows),
    ]


def _differences(results: Any, metric: str, upward: bool, reference: str) -> list[Block]:
    table = differences(results, metric, reference, higher_is_better=upward)
    told = table.dropna(subset=["low", "high"])
    if told.empty:
        return [Text("No differences: an interval needs two folds with the runs of both methods.")]
    cells = {
        (row.dataset, row.method): f"{row.difference:+.4f} ({row.low:+.4f} to {row.high:+.4f})"
        for row in told.itertuples()
    }
    others = [method for method in results["method"].unique() if method != reference]
    rows = [
        [str(name), *(cells.get((name, other), MISSING) for other in others)]
        for name in results["dataset"].unique()
    ]
    return [
        Text(
            f"How much better {reference} is on each dataset, with its 95 % interval over folds "
            "and seeds (corrected resampled t, Nadeau and Bengio 2003); below zero, it is worse."
        ),
        Table(["dataset", *map(str, others)], rows),
    ]

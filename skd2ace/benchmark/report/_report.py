"""Reports: what a set of results says, in one file."""

from typing import Any

from .._diagram import CriticalDifferenceDisplay
from ..compare._settings import settings_told
from ..compare._statistics import friedman, ranks
from ..compare._tables import KEYS, check_columns, direction, metric_name
from ._basis import basis
from ._comparison import chosen_reference, differences_told, p_told, wilcoxon_told
from ._means import means_told
from ._pictures import diagram_picture
from ._render import FORMATS, Block, Heading, Table, Text, check_format
from ._sections import published_numbers, times, validation_curves


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
    check_format(format)
    upward = direction(metric, higher_is_better)
    check_columns("results", results, [*KEYS, metric])
    reference, choice = chosen_reference(results, metric, upward, reference)
    title = f"Benchmark by {metric_name(metric)}"
    blocks = [
        Heading(title, 1),
        *basis(results, metric, failures),
        *settings_told(results),
        Heading("Means"),
        *means_told(results, metric, upward),
        *differences_told(results, metric, upward, reference, choice),
        *_ranks(results, metric, upward, pictures=format == "html"),
        *wilcoxon_told(results, metric, upward, reference),
        *times(results),
        *validation_curves(curves, pictures=format == "html"),
        *published_numbers(published, metric, results["dataset"].unique()),
    ]
    return FORMATS[format](blocks, title)


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

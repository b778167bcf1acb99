"""Reports: what a comparison says, in one file."""

from typing import Any

from ..compare._comparison import Comparison
from ._basis import describe_basis
from ._best import describe_best
from ._blocks import Heading
from ._differences import describe_differences
from ._formats import FORMATS, check_format
from ._means import describe_means
from ._published import describe_published
from ._ranks import describe_ranks
from ._sensitivity import describe_sensitivity
from ._settings import describe_settings
from ._times import describe_times
from ._validation import describe_validation
from ._wilcoxon import describe_tests


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
    >>> from skd2ace.benchmark import report
    >>> results = pd.DataFrame(
    ...     {"dataset": "yeast", "method": "A", "fold": [0, 1], "seed": 0, "macro_auc": [0.7, 0.8]}
    ... )
    >>> print(report(results)[:24])
    # Benchmark by Macro-AUC
    """
    check_format(format)
    comparison = Comparison(
        results,
        metric,
        higher_is_better=higher_is_better,
        reference=reference,
        curves=curves,
        failures=failures,
    )
    return write_report(comparison, format=format, published=published)


def write_report(comparison: Comparison, *, format: str = "markdown", published: Any = None) -> str:
    """Write up a comparison, as :func:`report` does.

    Parameters
    ----------
    comparison : Comparison
    format : {"markdown", "html", "latex"}, default="markdown"
    published : DataFrame, optional
        What :func:`published` returns.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the format is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import Comparison, write_report
    >>> results = pd.DataFrame(
    ...     {"dataset": "yeast", "method": "A", "fold": [0, 1], "seed": 0, "macro_auc": [0.7, 0.8]}
    ... )
    >>> print(write_report(Comparison(results))[:24])
    # Benchmark by Macro-AUC
    """
    check_format(format)
    # Text alone can hold none.
    pictures = format == "html"
    title = f"Benchmark by {comparison.title}"
    blocks = [
        Heading(title, 1),
        *describe_basis(comparison),
        *describe_settings(comparison),
        Heading("Means"),
        *describe_means(comparison),
        *describe_differences(comparison, pictures=pictures),
        *describe_sensitivity(comparison, pictures=pictures),
        *describe_ranks(comparison, pictures=pictures),
        *describe_tests(comparison),
        *describe_best(comparison),
        *describe_times(comparison, pictures=pictures),
        *describe_validation(comparison, pictures=pictures),
        *describe_published(comparison, published),
    ]
    return FORMATS[format](blocks, title)

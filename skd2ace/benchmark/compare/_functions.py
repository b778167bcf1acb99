"""The statistics of a comparison as functions of results, for who wants a single one."""

from collections.abc import Collection
from typing import Any

from skd2ace._results import (
    arrange_runs,
    check_frame,
    find_setting,
    is_table_of_means,
    rank_methods,
    read_means,
    tell_settings_apart,
)
from skd2ace.inspection import CriticalDifferenceDisplay
from skd2ace.inspection._metric import find_column, find_direction, find_title

from ._best import find_best
from ._differences import find_test_shares, measure_differences
from ._statistics import (
    FriedmanTest,
    average_over_datasets,
    run_friedman,
    run_wilcoxon,
    tabulate_means,
)


def mean_table(results: Any, metric: str) -> Any:
    """Mean and standard deviation over folds and seeds of each method on each dataset.

    Parameters
    ----------
    results : DataFrame
        A run a row: columns ``dataset``, ``method``, ``fold``, ``seed`` and the metric's. Runs
        without a number (NaN) are left out. Where there is a column ``split``, a digest of the
        rows and seed of a fit, methods must have the same in each fold; NaN is not checked. Where
        there is a column ``settings``, a method that was run with several is one for each.
    metric : str
        Column.

    Returns
    -------
    DataFrame
        A row for each dataset; columns (``mean``, method), (``std``, method), the sample standard
        deviation, NaN with one run, and (``n_runs``, method). So ``table["mean"]`` has datasets
        as rows and methods as columns. Datasets and methods come in the order of ``results``.
        A method without runs has NaN and 0.

    Raises
    ------
    ValueError
        If a column is missing, there is no number, a run occurs twice, or methods were fitted on
        different folds or with different seeds.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import mean_table
    >>> results = pd.DataFrame(
    ...     {"dataset": "yeast", "method": "A", "fold": [0, 1], "seed": 0, "macro_auc": [0.7, 0.8]}
    ... )
    >>> mean_table(results, "macro_auc").loc["yeast"].round(4).to_list()
    [0.75, 0.0707, 2.0]
    """
    metric = _find_column(metric, results)
    return tabulate_means(arrange_runs(results, metric))


def ranks(results: Any, metric: str | None = None, *, higher_is_better: bool | None = None) -> Any:
    """Rank of each method on each dataset, by its mean; 1 is the best, ties share their average.

    Parameters
    ----------
    results : DataFrame
        As for :func:`mean_table`, or a table of means with datasets as rows and methods as
        columns.
    metric : str, optional
        Column; not needed with a table of means whose direction is given.
    higher_is_better : bool, optional
        By default as the metric is known; metrics of one's own need it.

    Returns
    -------
    DataFrame
        Datasets as rows, methods as columns. Only datasets on which all methods have all runs:
        ``attrs["left_out"]`` maps the others to the methods that lack runs.

    Raises
    ------
    ValueError
        If no dataset is left, the direction is unknown, or the input is not as described.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import ranks
    >>> means = pd.DataFrame({"A": [0.9, 0.8], "B": [0.7, 0.8]}, index=["yeast", "scene"])
    >>> ranks(means, "macro_auc").to_dict("list")
    {'A': [1.0, 1.5], 'B': [2.0, 1.5]}
    """
    metric = _find_column(metric, results)
    upward = find_direction(metric, higher_is_better)
    return rank_methods(read_means(results, metric, find_title(metric)), upward)


def average_ranks(
    results: Any, metric: str | None = None, *, higher_is_better: bool | None = None
) -> Any:
    """Average rank of each method over datasets; the lowest is the best.

    Parameters
    ----------
    results, metric, higher_is_better
        As for :func:`ranks`.

    Returns
    -------
    Series
        By method, with ``attrs`` as :func:`ranks`.

    Raises
    ------
    ValueError
        As :func:`ranks`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import average_ranks
    >>> means = pd.DataFrame({"A": [0.9, 0.8], "B": [0.7, 0.8]}, index=["yeast", "scene"])
    >>> average_ranks(means, "macro_auc").to_dict()
    {'A': 1.25, 'B': 1.75}
    """
    return average_over_datasets(ranks(results, metric, higher_is_better=higher_is_better))


def friedman(results: Any, metric: str | None = None) -> FriedmanTest:
    """Friedman's test of whether methods rank differently over datasets.

    Parameters
    ----------
    results, metric
        As for :func:`ranks`; the direction does not matter.

    Returns
    -------
    FriedmanTest
        ``statistic`` (chi-squared, corrected for ties), ``p_value``, ``n_datasets``,
        ``n_methods`` and ``left_out``. Methods that tie everywhere give 0 and 1.

    Raises
    ------
    ValueError
        With fewer than three methods or two datasets, and as :func:`ranks`.

    References
    ----------
    Demšar (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7, 1-30.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import friedman
    >>> means = pd.DataFrame({"A": [0.9, 0.8], "B": [0.7, 0.7], "C": [0.6, 0.5]})
    >>> test = friedman(means)
    >>> round(test.statistic, 3), round(test.p_value, 3)
    (4.0, 0.135)
    """
    return run_friedman(ranks(results, metric, higher_is_better=True))


def wilcoxon_against(
    results: Any,
    metric: str,
    reference: str,
    *,
    correction: str | None = None,
    higher_is_better: bool | None = None,
) -> Any:
    """Wilcoxon's signed-rank test of a method against each other one, over datasets.

    Parameters
    ----------
    results, metric, higher_is_better
        As for :func:`ranks`.
    reference : str
        The method that the others are compared with; of one that was run with several settings,
        those of the most runs, of as many the newest.
    correction : {None, "holm"}, default=None
        Whether p-values are adjusted for the number of comparisons.

    Returns
    -------
    DataFrame
        A row for each other method: ``statistic``, two-sided ``p_value``, and on how many
        datasets the reference is better (``win``), as good (``tie``) and worse (``loss``).
        ``attrs`` as :func:`ranks`.

    Raises
    ------
    ValueError
        If the reference is unknown or alone, the correction is unknown, and as :func:`ranks`.

    Notes
    -----
    Datasets on which both are as good count as ties and are left out of the test, as Wilcoxon
    did; if none remains, the statistic is 0 and p is 1. The test is exact for up to 50 datasets
    whose differences all have another size; where sizes tie, the choice is
    ``scipy.stats.wilcoxon``'s.

    References
    ----------
    Demšar (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7, 1-30.

    Holm (1979). A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6, 65-70.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import wilcoxon_against
    >>> means = pd.DataFrame({"A": [0.9, 0.8, 0.7], "B": [0.7, 0.7, 0.7]})
    >>> wilcoxon_against(means, "macro_auc", "A").loc["B"].to_dict()
    {'statistic': 0.0, 'p_value': 0.5, 'win': 2.0, 'tie': 1.0, 'loss': 0.0}
    """
    metric = _find_column(metric, results)
    upward = find_direction(metric, higher_is_better)
    means = read_means(results, metric, find_title(metric))
    method = _find_method(reference, results, metric)
    return run_wilcoxon(means, method, upward, correction)


def differences(
    results: Any,
    metric: str,
    reference: str,
    *,
    confidence: float = 0.95,
    higher_is_better: bool | None = None,
) -> Any:
    """Mean paired difference to each other method on each dataset, with its interval.

    Parameters
    ----------
    results : DataFrame
        As for :func:`mean_table`. Columns ``n_train`` and ``n_test``, the instances that a fit
        was trained and tested on, serve the interval where they are there.
    metric : str
        Column.
    reference : str
        The method that the others are compared with; of one that was run with several settings,
        those of the most runs, of as many the newest.
    confidence : float, default=0.95
        Of the interval, between 0 and 1.
    higher_is_better : bool, optional
        As for :func:`ranks`.

    Returns
    -------
    DataFrame
        Columns ``dataset``, ``method``, ``difference``, ``low``, ``high``, ``n_folds`` and
        ``n_runs``. A difference is positive where the reference is better, whatever the metric's
        direction. Only runs (fold and seed) that both methods have are compared, ``n_runs`` of
        ``n_folds`` folds. ``attrs["left_out"]`` maps datasets to the methods that have none in
        common with the reference.

    Raises
    ------
    ValueError
        If the reference is unknown or alone, ``confidence`` is out of range, and as
        :func:`mean_table`.

    Notes
    -----
    Seeds are averaged within a fold first: they are no new data. The interval is that of the
    corrected resampled t-test [1]_ over the k folds, with k - 1 degrees of freedom. Training sets
    overlap, so the variance of the mean is ``(1/k + n_test/n_train) s²`` instead of ``s²/k``; the
    plain t interval would be far too narrow. ``n_test/n_train`` is that of the dataset's means of
    these columns, or that of a cross-validation of all the dataset's folds where they are not
    known. With one fold there is no interval: ``low`` and ``high`` are NaN.

    References
    ----------
    .. [1] Nadeau and Bengio (2003). Inference for the generalization error. Machine Learning 52,
       239-281.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import differences
    >>> runs = {"dataset": "yeast", "fold": [0, 1, 2], "seed": 0}
    >>> results = pd.concat([
    ...     pd.DataFrame({**runs, "method": "A", "macro_auc": [0.7, 0.8, 0.9]}),
    ...     pd.DataFrame({**runs, "method": "B", "macro_auc": [0.6, 0.7, 0.7]}),
    ... ])
    >>> differences(results, "macro_auc", "A").iloc[0, 2:].astype(float).round(3).to_list()
    [0.133, -0.093, 0.36, 3.0, 3.0]
    """
    metric = _find_column(metric, results)
    upward = find_direction(metric, higher_is_better)
    runs = arrange_runs(results, metric)
    shares, method = find_test_shares(results, runs), _find_method(reference, results, metric)
    return measure_differences(runs, shares, method, upward, confidence)


def count_best(
    results: Any,
    metric: str,
    *,
    without: Collection[str] = (),
    higher_is_better: bool | None = None,
) -> Any:
    """On how many datasets each method is best, or within one standard error of the best.

    A method counts on a dataset where no other one is better than it by more than one standard
    error of their paired difference. So several may count.

    Parameters
    ----------
    results : DataFrame
        As for :func:`differences`.
    metric : str
        Column.
    without : collection of str, default=()
        Datasets that are not counted, such as those that settings were chosen on.
    higher_is_better : bool, optional
        As for :func:`ranks`.

    Returns
    -------
    Series of int
        By method. ``attrs["n_datasets"]`` says of how many datasets.

    Raises
    ------
    ValueError
        As :func:`mean_table`.

    Notes
    -----
    The standard error is that of :func:`differences`, corrected for training sets that overlap:
    ``sqrt((1/k + n_test/n_train) s²)`` over k folds, seeds averaged within a fold. Only runs that
    both methods have are compared. Where these are of one fold there is no error, and the better
    one is better. A method that has no run in common with another one does not count.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import count_best
    >>> runs = {"dataset": "yeast", "fold": [0, 1, 2], "seed": 0}
    >>> results = pd.concat([
    ...     pd.DataFrame({**runs, "method": "A", "macro_auc": [0.7, 0.8, 0.9]}),
    ...     pd.DataFrame({**runs, "method": "B", "macro_auc": [0.8, 0.7, 0.8]}),
    ...     pd.DataFrame({**runs, "method": "C", "macro_auc": [0.6, 0.7, 0.8]}),
    ... ])
    >>> count_best(results, "macro_auc").to_dict()
    {'A': 1, 'B': 1, 'C': 0}
    """
    metric = _find_column(metric, results)
    upward = find_direction(metric, higher_is_better)
    runs = arrange_runs(results, metric)
    best = find_best(runs, find_test_shares(results, runs), upward)
    counted = best.drop(index=list(without), errors="ignore")
    counts = counted.sum().astype(int).rename(None)
    counts.attrs["n_datasets"] = len(counted)
    return counts


def critical_difference_diagram(
    results: Any,
    metric: str | None = None,
    *,
    higher_is_better: bool | None = None,
    alpha: float = 0.05,
    ax: Any = None,
) -> CriticalDifferenceDisplay:
    """Draw the critical difference diagram of results.

    Parameters
    ----------
    results, metric, higher_is_better, alpha
        As for :meth:`skd2ace.inspection.CriticalDifferenceDisplay.from_results`.
    ax : Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    CriticalDifferenceDisplay
        Drawn.

    Raises
    ------
    ValueError
        As :meth:`skd2ace.inspection.CriticalDifferenceDisplay.from_results`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import critical_difference_diagram
    >>> from matplotlib.figure import Figure
    >>> means = pd.DataFrame({"A": [0.9, 0.8], "B": [0.8, 0.7], "C": [0.7, 0.6]})
    >>> display = critical_difference_diagram(means, "macro_auc", ax=Figure().subplots())
    >>> display.figure_
    <Figure size 640x480 with 1 Axes>
    """
    display = CriticalDifferenceDisplay.from_results(
        results, metric, higher_is_better=higher_is_better, alpha=alpha
    )
    return display.plot(ax)


def _find_method(name: str, results: Any, metric: str) -> str:
    """Find the method that a name stands for, of several settings the one to go by."""
    if is_table_of_means(results):
        return name
    return find_setting(name, tell_settings_apart(results), metric)


def _find_column(metric: Any, results: Any) -> Any:
    """Find the column of a metric, by its old name too; None where there is no metric."""
    check_frame("results", results)
    return metric if metric is None else find_column(metric, results.columns)

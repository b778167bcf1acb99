"""Means, ranks and tests of methods over datasets."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ._tables import direction, need_reference, runs_of, table_of_means

# Means that are equal on paper may differ by rounding: they must tie all the same.
_DECIMALS = 12


class FriedmanTest(NamedTuple):
    """Outcome of :func:`friedman`.

    Attributes
    ----------
    statistic, p_value : float
    n_datasets, n_methods : int
        That were ranked.
    left_out : dict
        Datasets that lack methods, each with those.
    """

    statistic: float
    p_value: float
    n_datasets: int
    n_methods: int
    left_out: dict[Any, list[Any]]


def mean_table(results: Any, metric: str) -> Any:
    """Mean and standard deviation over folds and seeds of each method on each dataset.

    Parameters
    ----------
    results : DataFrame
        A run a row: columns ``dataset``, ``method``, ``fold``, ``seed`` and the metric's. Runs
        without a number (NaN) are left out. Where there is a column ``split``, a digest of the
        rows and seed of a fit, methods must have the same in each fold; NaN is not checked.
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
    >>> results = pd.DataFrame(
    ...     {"dataset": "yeast", "method": "A", "fold": [0, 1], "seed": 0, "macro_auc": [0.7, 0.8]}
    ... )
    >>> mean_table(results, "macro_auc").loc["yeast"].round(4).to_list()
    [0.75, 0.0707, 2.0]
    """
    per_dataset = runs_of(results, metric)
    parts = {
        "mean": {dataset: runs.mean() for dataset, runs in per_dataset.items()},
        "std": {dataset: runs.std(ddof=1) for dataset, runs in per_dataset.items()},
        "n_runs": {dataset: runs.count() for dataset, runs in per_dataset.items()},
    }
    tables = {name: pd.DataFrame(columns).T for name, columns in parts.items()}
    return pd.concat(tables, axis=1, names=[None, "method"]).rename_axis(index="dataset")


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
    >>> means = pd.DataFrame({"A": [0.9, 0.8], "B": [0.7, 0.8]}, index=["yeast", "scene"])
    >>> ranks(means, "macro_auc").to_dict("list")
    {'A': [1.0, 1.5], 'B': [2.0, 1.5]}
    """
    sign = -1 if direction(metric, higher_is_better) else 1
    table = table_of_means(results, metric)
    ranked = (sign * table.round(_DECIMALS)).rank(axis=1, method="average")
    ranked.attrs = dict(table.attrs)
    return ranked


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
    >>> means = pd.DataFrame({"A": [0.9, 0.8], "B": [0.7, 0.8]}, index=["yeast", "scene"])
    >>> average_ranks(means, "macro_auc").to_dict()
    {'A': 1.25, 'B': 1.75}
    """
    ranked = ranks(results, metric, higher_is_better=higher_is_better)
    average = ranked.mean().rename("average_rank")
    average.attrs = dict(ranked.attrs)
    return average


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
    >>> means = pd.DataFrame({"A": [0.9, 0.8], "B": [0.7, 0.7], "C": [0.6, 0.5]})
    >>> test = friedman(means)
    >>> round(test.statistic, 3), round(test.p_value, 3)
    (4.0, 0.135)
    """
    ranked = ranks(results, metric, higher_is_better=True)
    n_datasets, n_methods = ranked.shape
    if n_methods < 3 or n_datasets < 2:
        raise ValueError(
            "Friedman's test needs three methods and two datasets; there are "
            f"{n_methods} and {n_datasets}."
        )
    statistic, p_value = 0.0, 1.0
    if (ranked.nunique(axis=1) > 1).any():
        statistic, p_value = stats.friedmanchisquare(*ranked.to_numpy().T)
    return FriedmanTest(
        float(statistic), float(p_value), n_datasets, n_methods, ranked.attrs["left_out"]
    )


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
        The method that the others are compared with.
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
    >>> means = pd.DataFrame({"A": [0.9, 0.8, 0.7], "B": [0.7, 0.7, 0.7]})
    >>> wilcoxon_against(means, "macro_auc", "A").loc["B"].to_dict()
    {'statistic': 0.0, 'p_value': 0.5, 'win': 2.0, 'tie': 1.0, 'loss': 0.0}
    """
    if correction not in (None, "holm"):
        raise ValueError(f"correction must be None or 'holm'; got {correction!r}.")
    sign = 1 if direction(metric, higher_is_better) else -1
    table = table_of_means(results, metric)
    others = need_reference(table.columns, reference)
    rows = [_wilcoxon(sign * (table[reference] - table[other])) for other in others]
    tests = pd.DataFrame(rows, index=pd.Index(others, name="method"))
    if correction == "holm":
        tests["p_value"] = _holm(tests["p_value"].to_numpy())
    tests.attrs = dict(table.attrs)
    return tests


def _wilcoxon(gains: Any) -> dict[str, float]:
    gains = np.round(np.asarray(gains), _DECIMALS)
    decided = gains[gains != 0]
    statistic, p_value = stats.wilcoxon(decided) if len(decided) else (0.0, 1.0)
    return {
        "statistic": float(statistic),
        "p_value": float(p_value),
        "win": int((gains > 0).sum()),
        "tie": int((gains == 0).sum()),
        "loss": int((gains < 0).sum()),
    }


def _holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.argsort(p_values, kind="stable")
    # The smallest of m stands for m comparisons, the next for m - 1; none may fall below it.
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted

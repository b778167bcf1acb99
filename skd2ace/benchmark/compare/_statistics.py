"""Means, and tests of methods over datasets, of runs and means as a comparison has them."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from skd2ace._results import DECIMALS

from ._reference import list_others


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


def tabulate_means(runs: dict[str, Any]) -> Any:
    """Tabulate mean, standard deviation and number of runs of each method on each dataset."""
    parts = {
        "mean": {dataset: table.mean() for dataset, table in runs.items()},
        "std": {dataset: table.std(ddof=1) for dataset, table in runs.items()},
        "n_runs": {dataset: table.count() for dataset, table in runs.items()},
    }
    tables = {name: pd.DataFrame(columns).T for name, columns in parts.items()}
    return pd.concat(tables, axis=1, names=[None, "method"]).rename_axis(index="dataset")


def average_over_datasets(ranked: Any) -> Any:
    """Average ranks over datasets."""
    average = ranked.mean().rename("average_rank")
    average.attrs = dict(ranked.attrs)
    return average


def run_friedman(ranked: Any) -> FriedmanTest:
    """Test whether methods rank differently over datasets.

    Raises
    ------
    ValueError
        With fewer than three methods or two datasets.
    """
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


def run_wilcoxon(
    means: Any, reference: Any, higher_is_better: bool, correction: str | None = None
) -> Any:
    """Test the reference against each other method, over the datasets of a table of means.

    Raises
    ------
    ValueError
        If the reference is unknown or alone, or the correction is unknown.
    """
    if correction not in (None, "holm"):
        raise ValueError(f"correction must be None or 'holm'; got {correction!r}.")
    sign = 1 if higher_is_better else -1
    others = list_others(means.columns, reference)
    rows = [_test_gains(sign * (means[reference] - means[other])) for other in others]
    tests = pd.DataFrame(rows, index=pd.Index(others, name="method"))
    if correction == "holm":
        # Takes a second to be imported.
        from statsmodels.stats.multitest import multipletests

        tests["p_value"] = multipletests(tests["p_value"], method="holm")[1]
    tests.attrs = dict(means.attrs)
    return tests


def _test_gains(gains: Any) -> dict[str, float]:
    gains = np.round(np.asarray(gains), DECIMALS)
    decided = gains[gains != 0]
    statistic, p_value = stats.wilcoxon(decided) if len(decided) else (0.0, 1.0)
    return {
        "statistic": float(statistic),
        "p_value": float(p_value),
        "win": int((gains > 0).sum()),
        "tie": int((gains == 0).sum()),
        "loss": int((gains < 0).sum()),
    }

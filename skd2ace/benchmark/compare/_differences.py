"""Differences of methods on each dataset, never without their interval."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ._reference import list_others

_COLUMNS = ["dataset", "method", "difference", "low", "high", "n_folds", "n_runs"]


def measure_differences(
    runs: dict[str, Any],
    test_shares: dict[str, float],
    reference: Any,
    higher_is_better: bool,
    confidence: float,
) -> Any:
    """Measure by how much the reference is better than each other method on each dataset.

    Parameters
    ----------
    runs : dict of str to DataFrame
        Of each dataset, a row for each (fold, seed), a column for each method.
    test_shares : dict of str to float
        ``n_test/n_train`` of each dataset.
    reference : str
        A column.
    higher_is_better : bool
        Whether a larger number is the better one.
    confidence : float
        Of the interval, between 0 and 1.

    Raises
    ------
    ValueError
        If the reference is unknown or alone, or ``confidence`` is out of range.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1; got {confidence!r}.")
    sign = 1 if higher_is_better else -1
    methods = list(dict.fromkeys(method for table in runs.values() for method in table))
    rows: list[dict[str, Any]] = []
    left_out: dict[Any, list[Any]] = {}
    for (name, table), other in product(runs.items(), list_others(methods, reference)):
        gains = (sign * (table[reference] - table[other])).dropna()
        if gains.empty:
            left_out.setdefault(name, []).append(other)
        else:
            interval = _find_interval(gains, confidence, test_shares[name])
            rows.append({"dataset": name, "method": other, **interval})
    differences = pd.DataFrame(rows, columns=_COLUMNS)
    differences.attrs["left_out"] = left_out
    return differences


def find_test_shares(results: Any, runs: dict[str, Any]) -> dict[str, float]:
    """Find n_test/n_train of each dataset: as results say, or that of a cross-validation."""
    n_folds = {name: table.index.unique("fold").size for name, table in runs.items()}
    # All folds of a cross-validation but one are trained on.
    shares = {name: 1 / max(k - 1, 1) for name, k in n_folds.items()}
    columns = ["n_test", "n_train"]
    if not set(columns) <= set(results.columns):
        return shares
    means = results.dropna(subset=columns).groupby("dataset")[columns].mean()
    return shares | (means["n_test"] / means["n_train"]).to_dict()


def _find_interval(gains: Any, confidence: float, test_share: float) -> dict[str, float]:
    of_folds = gains.groupby(level="fold").mean()
    k, mean = len(of_folds), float(of_folds.mean())
    half = np.nan
    if k > 1:
        half = float(stats.t.ppf((1 + confidence) / 2, k - 1)) * find_error(of_folds, test_share)
    ends = {"difference": mean, "low": mean - half, "high": mean + half}
    return {**ends, "n_folds": k, "n_runs": len(gains)}


def find_error(gains: Any, test_share: float) -> float:
    """Find the standard error of the mean of the folds' differences; NaN with one fold.

    Training sets overlap, for which it is corrected as the interval is.
    """
    return float(np.sqrt((1 / len(gains) + test_share) * gains.var(ddof=1)))

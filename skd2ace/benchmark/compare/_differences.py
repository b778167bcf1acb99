"""Differences of methods on each dataset, never without their interval."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ._tables import direction, need_reference, runs_of

_COLUMNS = ["dataset", "method", "difference", "low", "high", "n_folds", "n_runs"]


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
        The method that the others are compared with.
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
    >>> runs = {"dataset": "yeast", "fold": [0, 1, 2], "seed": 0}
    >>> results = pd.concat([
    ...     pd.DataFrame({**runs, "method": "A", "macro_auc": [0.7, 0.8, 0.9]}),
    ...     pd.DataFrame({**runs, "method": "B", "macro_auc": [0.6, 0.7, 0.7]}),
    ... ])
    >>> differences(results, "macro_auc", "A").iloc[0, 2:].astype(float).round(3).to_list()
    [0.133, -0.093, 0.36, 3.0, 3.0]
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1; got {confidence!r}.")
    sign = 1 if direction(metric, higher_is_better) else -1
    per_dataset = runs_of(results, metric)
    others = need_reference(results["method"].unique(), reference)
    test_shares = _test_shares(results, per_dataset)
    rows: list[dict[str, Any]] = []
    left_out: dict[Any, list[Any]] = {}
    for (name, runs), other in product(per_dataset.items(), others):
        gains = (sign * (runs[reference] - runs[other])).dropna()
        if gains.empty:
            left_out.setdefault(name, []).append(other)
        else:
            interval = _interval(gains, confidence, test_shares[name])
            rows.append({"dataset": name, "method": other, **interval})
    table = pd.DataFrame(rows, columns=_COLUMNS)
    table.attrs["left_out"] = left_out
    return table


def _test_shares(results: Any, per_dataset: dict[str, Any]) -> dict[str, float]:
    """n_test/n_train of each dataset."""
    n_folds = {name: runs.index.unique("fold").size for name, runs in per_dataset.items()}
    # All folds of a cross-validation but one are trained on.
    shares = {name: 1 / max(k - 1, 1) for name, k in n_folds.items()}
    columns = ["n_test", "n_train"]
    if not set(columns) <= set(results.columns):
        return shares
    means = results.dropna(subset=columns).groupby("dataset")[columns].mean()
    return shares | (means["n_test"] / means["n_train"]).to_dict()


def _interval(gains: Any, confidence: float, test_share: float) -> dict[str, float]:
    of_folds = gains.groupby(level="fold").mean()
    k, mean = len(of_folds), float(of_folds.mean())
    half = np.nan
    if k > 1:
        error = float(np.sqrt((1 / k + test_share) * of_folds.var(ddof=1)))
        half = float(stats.t.ppf((1 + confidence) / 2, k - 1)) * error
    ends = {"difference": mean, "low": mean - half, "high": mean + half}
    return {**ends, "n_folds": k, "n_runs": len(gains)}

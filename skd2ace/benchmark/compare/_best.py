"""Which methods no other one is clearly better than, on each dataset."""

from typing import Any

import numpy as np
import pandas as pd

from skd2ace._results import DECIMALS

from ._differences import find_error


def find_best(runs: dict[str, Any], test_shares: dict[str, float], higher_is_better: bool) -> Any:
    """Find the methods that are best, or within one standard error of every better one.

    Parameters
    ----------
    runs : dict of str to DataFrame
        Of each dataset, a row for each (fold, seed), a column for each method.
    test_shares : dict of str to float
        ``n_test/n_train`` of each dataset.
    higher_is_better : bool
        Whether a larger number is the better one.

    Returns
    -------
    DataFrame of bool
        Datasets as rows, methods as columns. False too where a method has no run in common with
        another one.
    """
    sign = 1 if higher_is_better else -1
    found = {
        name: {method: _is_best(sign * table, method, test_shares[name]) for method in table}
        for name, table in runs.items()
    }
    return pd.DataFrame(found).T.rename_axis(index="dataset", columns="method")


def _is_best(scores: Any, method: Any, test_share: float) -> bool:
    gains = scores[[method]].to_numpy() - scores.drop(columns=method)
    of_folds = gains.groupby(level="fold").mean()
    pairs = [known for other in of_folds if len(known := of_folds[other].dropna())]
    return bool(pairs) and all(_is_not_worse(known, test_share) for known in pairs)


def _is_not_worse(gains: Any, test_share: float) -> bool:
    """Whether the mean gain is above minus one standard error, which one fold does not have."""
    error = np.nan_to_num(find_error(gains, test_share))
    return bool(np.round(gains.mean() + error, DECIMALS) >= 0)

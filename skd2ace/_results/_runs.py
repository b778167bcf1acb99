"""Runs side by side: of each dataset a row for each (fold, seed), a column for each method."""

from typing import Any

import numpy as np
import pandas as pd

from ._columns import KEYS, check_columns, check_frame
from ._pairs import check_pairs
from ._settings import tell_settings_apart


def check_unique(results: Any) -> None:
    """Raise a ValueError if a run occurs twice."""
    twice = results.duplicated(KEYS)
    if twice.any():
        run = results.loc[twice, KEYS].iloc[0].to_dict()
        raise ValueError(f"results holds the run {run} more than once.")


def arrange_runs(results: Any, metric: str) -> dict[str, Any]:
    """Lay out the numbers of each dataset: a row for each (fold, seed), a column for each method.

    A run that a method lacks is NaN. Datasets and methods stay in the order of ``results``;
    methods that were run with several settings are told apart.

    Raises
    ------
    TypeError
        If the results are no DataFrame.
    ValueError
        If a column is missing, there is no number, a run occurs twice, or methods were fitted on
        different folds.
    """
    check_columns("results", results, [*KEYS, metric])
    results = tell_settings_apart(results)
    check_unique(results)
    rows = results.dropna(subset=[metric])
    if rows.empty:
        raise ValueError(f"results holds no number of metric={metric!r}.")
    if "split" in rows:
        check_pairs(rows)
    methods = results["method"].unique()
    return {
        dataset: rows[rows["dataset"] == dataset]
        .pivot(index=["fold", "seed"], columns="method", values=metric)
        .reindex(columns=methods)
        for dataset in results["dataset"].unique()
    }


def list_lacking(runs: Any) -> list[Any]:
    """List methods that lack a run which another one has, or all of them where there is none."""
    return [method for method in runs if runs[method].isna().any() or not len(runs)]


def find_incomplete(runs: dict[str, Any]) -> dict[str, list[Any]]:
    """Find datasets on which not all methods have all runs, and the methods that lack some."""
    return {name: methods for name, table in runs.items() if (methods := list_lacking(table))}


def average_complete(runs: dict[str, Any], title: str) -> Any:
    """Average each method (column) on each dataset (row) on which all methods have all runs.

    ``attrs["left_out"]`` says which datasets were left out, and which methods lack runs there.

    Parameters
    ----------
    runs : dict of str to DataFrame
        As of :func:`arrange_runs`.
    title : str
        Of the metric, for a reader.

    Raises
    ------
    ValueError
        If no dataset is left.
    """
    left_out = find_incomplete(runs)
    kept = {dataset: table.mean() for dataset, table in runs.items() if dataset not in left_out}
    if not kept:
        missing = ", ".join(
            f"{dataset} ({', '.join(map(str, methods))})" for dataset, methods in left_out.items()
        )
        raise ValueError(
            f"There is no dataset on which all methods have all runs of {title}; "
            f"runs are missing on {missing}."
        )
    table = pd.DataFrame(kept).T.rename_axis(index="dataset", columns="method")
    table.attrs["left_out"] = left_out
    return table


def is_table_of_means(table: Any) -> bool:
    """Whether a frame is a table of datasets x methods already, and not results.

    Raises
    ------
    TypeError
        If it is no DataFrame.
    """
    check_frame("results", table)
    return not {"dataset", "method"} <= set(table.columns)


def read_means(results: Any, metric: str | None, title: str) -> Any:
    """Read the means to be ranked: of results, or of a table of datasets x methods as it is.

    Raises
    ------
    ValueError
        If results come without a metric, or the table has gaps.
    """
    if not is_table_of_means(results):
        if metric is None:
            raise ValueError("metric must be given with results.")
        return average_complete(arrange_runs(results, metric), title)
    table = results.astype(np.float64)
    gaps = [f"{name}, {method}" for (name, method), gap in table.isna().stack().items() if gap]
    if table.empty or gaps:
        lacks = f"there is none for {'; '.join(gaps[:5])}" if gaps else "it has no cell"
        raise ValueError(
            f"A table of datasets x methods must have a number in every cell; {lacks}."
        )
    table.attrs.setdefault("left_out", {})
    return table

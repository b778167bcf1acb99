"""Tables of results: what they must hold, and which parts of them can be compared."""

from typing import Any

import numpy as np
import pandas as pd

from skd2ace.metrics._records import METRICS, RENAMED

from ._settings import differences_of

KEYS = ["dataset", "method", "fold", "seed"]

HIGHER_IS_BETTER = {name: metric.higher_is_better for name, metric in METRICS.items()}


def metric_name(metric: str) -> str:
    """Name of a metric for readers."""
    known = METRICS.get(RENAMED.get(metric, metric))
    return known.title if known else metric


def direction(metric: str | None, higher_is_better: bool | None) -> bool:
    """Whether more is better: as told, or else as is known of the metric.

    Raises
    ------
    ValueError
        If neither says so.
    """
    if higher_is_better is not None:
        return higher_is_better
    # Tables of version 0.1 have its names.
    name = RENAMED.get(metric or "", metric)
    if name not in HIGHER_IS_BETTER:
        raise ValueError(
            f"higher_is_better must be given for metric={metric!r}; known are "
            f"{', '.join(HIGHER_IS_BETTER)}."
        )
    return HIGHER_IS_BETTER[name]


def check_columns(name: str, table: Any, columns: list[str]) -> None:
    """Raise a ValueError if a table lacks one of the columns, a TypeError if it is none."""
    check_frame(name, table)
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"{name} lacks the columns {missing}; it has {list(table.columns)}.")


def check_frame(name: str, table: Any) -> None:
    """Raise a TypeError if something is no DataFrame."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{name} must be a DataFrame; got {type(table).__name__}.")


def check_results(results: Any, metric: str) -> Any:
    """Return the rows that have a number, by dataset, method, fold and seed.

    Raises
    ------
    ValueError
        If a column is missing, there is no number, a run occurs twice, or methods were fitted on
        different folds.
    """
    check_columns("results", results, [*KEYS, metric])
    twice = results.duplicated(KEYS)
    if twice.any():
        run = results.loc[twice, KEYS].iloc[0].to_dict()
        raise ValueError(f"results holds the run {run} more than once.")
    rows = results.dropna(subset=[metric])
    if rows.empty:
        raise ValueError(f"results holds no number of metric={metric!r}.")
    if "split" in rows:
        _check_pairs(rows)
    return rows[[*KEYS, metric]]


def _check_pairs(rows: Any) -> None:
    """Raise a ValueError if runs that are to be compared had other rows or seeds.

    Fold 0 of five folds is not fold 0 of ten. Runs whose ``split`` is unknown may be anything.
    """
    run = ["dataset", "fold", "seed"]
    n_splits = rows.groupby(run)["split"].transform("nunique")
    unpaired = rows[n_splits.to_numpy() > 1]
    for (dataset, *_), runs in unpaired.groupby(run, sort=False):
        raise ValueError(
            f"On {dataset}, methods were fitted on different folds or with different seeds and "
            f"cannot be compared: {_groups(runs)}. Compare those of one bracket only (on the "
            "command line, with --methods), or leave the dataset out (with --datasets)."
        )


def _groups(runs: Any) -> str:
    """Tell which methods had the same folds and seeds, and what these were where it is known."""
    alike = [rows for _, rows in runs.groupby("split", sort=False)]
    differ: dict[str, str] = {}
    if "described" in runs and runs["described"].notna().all():
        described = {str(place): rows["described"].iloc[0] for place, rows in enumerate(alike)}
        differ = differences_of(described, ("cv", "random_state"))
    return "; ".join(
        f"[{', '.join(map(str, rows['method']))}]"
        + (f" with {differ[str(place)]}" if differ.get(str(place)) else "")
        for place, rows in enumerate(alike)
    )


def runs_of(results: Any, metric: str) -> dict[str, Any]:
    """Numbers of each dataset: a row for each (fold, seed), a column for each method.

    A run that a method lacks is NaN. Datasets and methods stay in the order of ``results``.
    """
    rows = check_results(results, metric)
    methods = results["method"].unique()
    return {
        dataset: rows[rows["dataset"] == dataset]
        .pivot(index=["fold", "seed"], columns="method", values=metric)
        .reindex(columns=methods)
        for dataset in results["dataset"].unique()
    }


def lacking(runs: Any) -> list[Any]:
    """Methods that lack a run which another method has, or all of them where there is none."""
    return [method for method in runs if runs[method].isna().any() or not len(runs)]


def incomplete(per_dataset: dict[str, Any]) -> dict[str, list[Any]]:
    """Datasets on which not all methods have all runs, and the methods that lack some."""
    return {name: methods for name, runs in per_dataset.items() if (methods := lacking(runs))}


def complete_means(results: Any, metric: str) -> Any:
    """Mean of each method (column) on each dataset (row) on which all methods have all runs.

    ``attrs["left_out"]`` says which datasets were left out, and which methods lack runs there.

    Raises
    ------
    ValueError
        If no dataset is left.
    """
    per_dataset = runs_of(results, metric)
    left_out = incomplete(per_dataset)
    kept = {
        dataset: runs.mean() for dataset, runs in per_dataset.items() if dataset not in left_out
    }
    if not kept:
        missing = ", ".join(
            f"{dataset} ({', '.join(map(str, methods))})" for dataset, methods in left_out.items()
        )
        raise ValueError(
            f"There is no dataset on which all methods have all runs of {metric_name(metric)}; "
            f"runs are missing on {missing}."
        )
    table = pd.DataFrame(kept).T.rename_axis(index="dataset", columns="method")
    table.attrs["left_out"] = left_out
    return table


def table_of_means(results: Any, metric: str | None) -> Any:
    """The means to be ranked: of results, or a table of datasets x methods as it is.

    Raises
    ------
    ValueError
        If results come without a metric, or the table has gaps.
    """
    check_frame("results", results)
    if {"dataset", "method"} <= set(results.columns):
        if metric is None:
            raise ValueError("metric must be given with results.")
        return complete_means(results, metric)
    table = results.astype(np.float64)
    gaps = [f"{name}, {method}" for (name, method), gap in table.isna().stack().items() if gap]
    if table.empty or gaps:
        told = f"there is none for {'; '.join(gaps[:5])}" if gaps else "it has no cell"
        raise ValueError(f"A table of datasets x methods must have a number in every cell; {told}.")
    table.attrs.setdefault("left_out", {})
    return table


def need_reference(methods: Any, reference: str) -> list[Any]:
    """Return the other methods.

    Raises
    ------
    ValueError
        If the reference is none of the methods, or the only one.
    """
    if reference not in list(methods):
        known = ", ".join(map(str, methods))
        raise ValueError(f"reference must be one of {known}; got {reference!r}.")
    others = [method for method in methods if method != reference]
    if not others:
        raise ValueError(f"There is no method to compare with reference={reference!r}.")
    return others

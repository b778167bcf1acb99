"""Which runs can be compared: those that were fitted on the same rows with the same seeds."""

from itertools import combinations
from typing import Any

from ._columns import read_starts
from ._settings import tell_how_they_differ

_RUN = ["dataset", "fold", "seed"]


def check_pairs(rows: Any) -> None:
    """Raise a ValueError if runs that are to be compared had other rows or seeds.

    Fold 0 of five folds is not fold 0 of ten. Runs whose ``split`` is unknown may be anything.
    """
    n_splits = rows.groupby(_RUN)["split"].transform("nunique")
    unpaired = rows[n_splits.to_numpy() > 1]
    for (dataset, *_), runs in unpaired.groupby(_RUN, sort=False):
        raise ValueError(
            f"On {dataset}, methods were fitted on different folds or with different seeds and "
            f"cannot be compared: {_describe_brackets(runs)}. Compare those of one bracket only "
            "(on the command line, with --methods), or leave the dataset out (with --datasets)."
        )


def _describe_brackets(runs: Any) -> str:
    """Tell which methods had the same folds and seeds, and what these were where it is known."""
    alike = [rows for _, rows in runs.groupby("split", sort=False)]
    differ: dict[str, str] = {}
    if "described" in runs and runs["described"].notna().all():
        described = {str(place): rows["described"].iloc[0] for place, rows in enumerate(alike)}
        differ = tell_how_they_differ(described, ("cv", "random_state"))
    return "; ".join(
        f"[{', '.join(map(str, rows['method'].unique()))}]"
        + (f" with {differ[str(place)]}" if differ.get(str(place)) else "")
        for place, rows in enumerate(alike)
    )


def find_unpaired(rows: Any, first: str | None = None) -> list[Any]:
    """Find the methods to leave out, so that those that stay had the same folds and seeds.

    Those stay that had the folds of the first, if there is one, or else of the most methods, of
    as many the newest.

    Parameters
    ----------
    rows : DataFrame
        Runs, none twice, with a column ``split``; ``started`` says which are newer.
    first : str, optional
        A method that stays.
    """
    splits = rows.pivot(index=_RUN, columns="method", values="split")
    if (splits.nunique(axis=1) <= 1).all():
        return []
    agree: dict[Any, set[Any]] = {method: set() for method in splits}
    conflict: dict[Any, set[Any]] = {method: set() for method in splits}
    for one, other in combinations(splits, 2):
        both = splits[one].notna() & splits[other].notna()
        is_same = splits[one] == splits[other]
        for pairs, found in ((agree, both & is_same), (conflict, both & ~is_same)):
            if found.any():
                pairs[one].add(other)
                pairs[other].add(one)
    newest = read_starts(rows).groupby(rows["method"]).max()
    kept: set[Any] = set()
    for method in sorted(
        splits, key=lambda name: (name == first, len(agree[name]), newest[name]), reverse=True
    ):
        if not conflict[method] & kept:
            kept.add(method)
    return [method for method in rows["method"].unique() if method not in kept]

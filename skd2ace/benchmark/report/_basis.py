"""What a report rests on: folds and seeds, fits that are not there, versions and machines."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from skd2ace._results import KEYS, tell_how_they_differ

from ..compare._comparison import Comparison
from ._blocks import Block, Text

_PACKAGES = ("skd2ace", "torch", "scikit-learn")
# Columns of results, what a reader calls them, and how much of a value is shown.
_FACTS = (("machine", "machine", None), ("device", "device", None), ("git_commit", "commit", 10))
# What became of a fit that has no results, by its status.
_FATES = {"failed": "failed", "timeout": "ended by the time limit"}
# So many values that differ are listed.
_LISTED = 3


def describe_basis(comparison: Comparison) -> list[Block]:
    """Describe how much was run, what of it is not there, and with what it was run."""
    fates = _find_fates(comparison)
    size = ", ".join(
        [
            _count([len(comparison.datasets)], "dataset"),
            _count([len(comparison.methods)], "method"),
            _count(_count_per_dataset(fates, 2), "fold"),
            _count(_count_per_dataset(fates, 3), "seed"),
        ]
    )
    sentences = [f"{size}.", _count_fits(fates), *_find_without_success(comparison)]
    return [
        Text(" ".join(sentences)),
        *_describe_unpaired(comparison),
        *_describe_imputation(comparison),
        *_describe_surroundings(comparison.results),
    ]


def _find_fates(comparison: Comparison) -> dict[tuple[Any, ...], str]:
    """Find what became of each fit, by dataset, method, fold and seed.

    A fit that another one of the same dataset, fold and seed lets expect is missing.
    """
    results = comparison.results
    fates = {
        key: "valued" if is_known else "without a value"
        for key, is_known in zip(_keys(results), results[comparison.metric].notna(), strict=True)
    }
    failures = comparison.failures
    statuses = failures["status"] if "status" in failures else ["failed"] * len(failures)
    for key, status in zip(_keys(failures), statuses, strict=True):
        fates.setdefault(key, _FATES[status])
    methods = dict.fromkeys(method for _, method, *_ in fates)
    runs = dict.fromkeys((dataset, fold, seed) for dataset, _, fold, seed in fates)
    for dataset, fold, seed in runs:
        for method in methods:
            fates.setdefault((dataset, method, fold, seed), "missing")
    return fates


def _keys(rows: Any) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[column].tolist() for column in KEYS), strict=True)


def _count_per_dataset(fates: Iterable[tuple[Any, ...]], place: int) -> list[int]:
    """Count the folds or seeds of each dataset."""
    pairs = {(key[0], key[place]) for key in fates}
    return list(Counter(dataset for dataset, _ in pairs).values())


def _count(numbers: list[int], what: str) -> str:
    least, most = min(numbers), max(numbers)
    number = f"{most}" if least == most else f"{least} to {most}"
    return f"{number} {what}" if most == 1 else f"{number} {what}s"


def _count_fits(fates: dict[tuple[Any, ...], str]) -> str:
    n_valued = sum(fate == "valued" for fate in fates.values())
    if n_valued == len(fates):
        return f"All {n_valued} fits have a value."
    parts = [f"Of {len(fates)} fits, {n_valued} have a value"]
    for fate in (*_FATES.values(), "missing", "without a value"):
        of_methods = Counter(key[1] for key, its_fate in fates.items() if its_fate == fate)
        names = ", ".join(f"{method} ({number})" for method, number in of_methods.items())
        parts += [f"{fate}: {names}"] if names else []
    return "; ".join(parts) + "."


def _find_without_success(comparison: Comparison) -> list[str]:
    results, failures = comparison.results, comparison.failures
    return [
        f"No fit {word} {' or '.join(map(str, lost))} succeeded."
        for column, word in (("method", "of"), ("dataset", "on"))
        if len(lost := failures.loc[~failures[column].isin(results[column]), column].unique())
    ]


def _describe_unpaired(comparison: Comparison) -> list[Block]:
    """Name what had other folds or seeds than the rest, and what these were."""
    left_out, results = comparison.unpaired, comparison.results
    if left_out.empty:
        return []
    methods = left_out["method"].unique()
    folds = _find_folds(pd.concat([left_out, results]))
    of_rest = {folds.get(method, "") for method in comparison.methods}
    rest = of_rest.pop() if len(of_rest) == 1 else ""
    names = ", ".join(f"{method}{_put_in_brackets(folds.get(method, ''))}" for method in methods)
    lost = [str(name) for name in left_out["dataset"].unique() if name not in comparison.datasets]
    return [
        Text(
            f"Left out: {names}, whose folds or seeds are not those of the rest"
            f"{_put_in_brackets(rest)}{'; with that ' if lost else ''}{', '.join(lost)}."
        )
    ]


def _describe_imputation(comparison: Comparison) -> list[Block]:
    """Name the data sets that lack features, and what methods were given for these."""
    results = comparison.results
    if "imputation" not in results:
        return []
    return [
        Text(
            f"Missing features of {', '.join(map(str, datasets))}: every method"
            f"{_name_exceptions(results[results['dataset'].isin(datasets)])} got the same "
            f"imputation, the {kind} of the feature in the training part of the fold."
        )
        for kind, alike in results.dropna(subset=["imputation"]).groupby("imputation", sort=False)
        for datasets in [alike["dataset"].unique()]
    ]


def _name_exceptions(rows: Any) -> str:
    own = rows.loc[rows["imputation"].isna(), "method"].unique()
    if not len(own):
        return ""
    return f" but {', '.join(map(str, own))}, which read{'s' * (len(own) == 1)} what is missing,"


def _find_folds(rows: Any) -> dict[Any, str]:
    """Find in what the folds and seeds of methods differ, where it is known."""
    if "described" not in rows:
        return {}
    described = rows.dropna(subset=["described"]).drop_duplicates("method")
    texts = dict(zip(described["method"], described["described"], strict=True))
    return tell_how_they_differ(texts, ("cv", "random_state"))


def _put_in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _describe_surroundings(results: Any) -> list[Block]:
    dicts = [row for row in results.get("versions", ()) if isinstance(row, Mapping)]
    versions = [
        f"{package} {text}"
        for package in _PACKAGES
        if (text := _join_different(row.get(package) for row in dicts))
    ]
    facts = [
        f"{name} {text}"
        for column, name, length in _FACTS
        if (text := _join_different(value[:length] for value in _list_known(results, column)))
    ]
    days = sorted({text[:10] for text in _list_known(results, "started")})
    parts = [", ".join(versions), *facts, " to ".join(dict.fromkeys([*days[:1], *days[-1:]]))]
    facts_known = "; ".join(filter(None, parts))
    return [Text(f"Fitted with: {facts_known}.")] if facts_known else []


def _list_known(results: Any, column: str) -> list[str]:
    return [str(value) for value in results[column].dropna()] if column in results else []


def _join_different(values: Iterable[str | None]) -> str:
    different = sorted({value for value in values if value})
    return " and ".join(different) if len(different) <= _LISTED else "several"

"""What a report rests on: folds and seeds, fits that are not there, versions and machines."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..compare._tables import KEYS, check_columns
from ._render import Block, Text

_PACKAGES = ("skd2ace", "torch", "scikit-learn")
# Columns of results, what a reader calls them, and how much of a value is told.
_FACTS = (("machine", "machine", None), ("device", "device", None), ("git_commit", "commit", 10))
# So many values that differ are listed.
_LISTED = 3


def basis(results: Any, metric: str, failures: Any) -> list[Block]:
    """Tell how much was run, what of it is not there, and with what it was run.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    check_columns("results", results, [*KEYS, metric])
    if failures is None:
        failures = results.iloc[:0]
    check_columns("failures", failures, KEYS)
    fates = _fates(results, metric, failures)
    size = ", ".join(
        [
            _count([results["dataset"].nunique()], "dataset"),
            _count([results["method"].nunique()], "method"),
            _count(_per_dataset(fates, 2), "fold"),
            _count(_per_dataset(fates, 3), "seed"),
        ]
    )
    sentences = [f"{size}.", _fits(fates), *_without_success(results, failures)]
    return [Text(" ".join(sentences)), *_surroundings(results)]


def _fates(results: Any, metric: str, failures: Any) -> dict[tuple[Any, ...], str]:
    """What became of each fit, by dataset, method, fold and seed.

    A fit that another one of the same dataset, fold and seed lets expect is missing.
    """
    fates = {
        key: "valued" if is_known else "without a value"
        for key, is_known in zip(_keys(results), results[metric].notna(), strict=True)
    }
    for key in _keys(failures):
        fates.setdefault(key, "failed")
    methods = dict.fromkeys(method for _, method, *_ in fates)
    runs = dict.fromkeys((dataset, fold, seed) for dataset, _, fold, seed in fates)
    for dataset, fold, seed in runs:
        for method in methods:
            fates.setdefault((dataset, method, fold, seed), "missing")
    return fates


def _keys(rows: Any) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[column].tolist() for column in KEYS), strict=True)


def _per_dataset(fates: Iterable[tuple[Any, ...]], place: int) -> list[int]:
    """How many folds or seeds each dataset has."""
    pairs = {(key[0], key[place]) for key in fates}
    return list(Counter(dataset for dataset, _ in pairs).values())


def _count(numbers: list[int], what: str) -> str:
    least, most = min(numbers), max(numbers)
    told = f"{most}" if least == most else f"{least} to {most}"
    return f"{told} {what}" if most == 1 else f"{told} {what}s"


def _fits(fates: dict[tuple[Any, ...], str]) -> str:
    n_valued = sum(fate == "valued" for fate in fates.values())
    if n_valued == len(fates):
        return f"All {n_valued} fits have a value."
    told = [f"Of {len(fates)} fits, {n_valued} have a value"]
    for fate in ("failed", "missing", "without a value"):
        of_methods = Counter(key[1] for key, its_fate in fates.items() if its_fate == fate)
        names = ", ".join(f"{method} ({number})" for method, number in of_methods.items())
        told += [f"{fate}: {names}"] if names else []
    return "; ".join(told) + "."


def _without_success(results: Any, failures: Any) -> list[str]:
    return [
        f"No fit {word} {' or '.join(map(str, lost))} succeeded."
        for column, word in (("method", "of"), ("dataset", "on"))
        if len(lost := failures.loc[~failures[column].isin(results[column]), column].unique())
    ]


def _surroundings(results: Any) -> list[Block]:
    dicts = [row for row in results.get("versions", ()) if isinstance(row, Mapping)]
    versions = [
        f"{package} {told}"
        for package in _PACKAGES
        if (told := _several(row.get(package) for row in dicts))
    ]
    facts = [
        f"{name} {told}"
        for column, name, length in _FACTS
        if (told := _several(text[:length] for text in _known(results, column)))
    ]
    days = sorted({text[:10] for text in _known(results, "started")})
    parts = [", ".join(versions), *facts, " to ".join(dict.fromkeys([*days[:1], *days[-1:]]))]
    told = "; ".join(filter(None, parts))
    return [Text(f"Fitted with: {told}.")] if told else []


def _known(results: Any, column: str) -> list[str]:
    return [str(value) for value in results[column].dropna()] if column in results else []


def _several(values: Iterable[str | None]) -> str:
    different = sorted({value for value in values if value})
    return " and ".join(different) if len(different) <= _LISTED else "several"

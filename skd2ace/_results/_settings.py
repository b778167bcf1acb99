"""Settings of fits, as a store keeps them: telling those of one name apart, and how they differ."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ._columns import read_starts

# What the stored settings are of, in their order.
_PARTS = ("method", "cv", "random_state", "metrics")
# So much of a digest tells the few settings of one name apart.
_SHOWN = 6

_Leaves = dict[tuple[str, ...], Any]


def tell_settings_apart(rows: Any, fits: Any = None) -> Any:
    """Name methods that were run with several settings by the digest of these too.

    Parameters
    ----------
    rows : DataFrame
        With columns ``method`` and ``settings``, the digest; without the latter, nothing is done.
    fits : DataFrame, optional
        The fits that are to be told apart, by default these rows.

    Returns
    -------
    DataFrame
        ``rows``, or a copy whose names tell the settings too.
    """
    fits = rows if fits is None else fits
    if "settings" not in rows or "settings" not in fits:
        return rows
    several = rows["method"].map(fits.groupby("method")["settings"].nunique()) > 1
    if not several.any():
        return rows
    names = rows["method"].astype(str)
    return rows.assign(method=names.where(~several, names + " " + rows["settings"].str[:_SHOWN]))


def find_given_names(rows: Any) -> list[str]:
    """Name the methods as their experiment did, without digests of settings."""
    if "settings" not in rows:
        return list(rows["method"])
    return [
        str(method).removesuffix(f" {str(digest)[:_SHOWN]}")
        for method, digest in zip(rows["method"], rows["settings"], strict=True)
    ]


def find_setting(name: str, results: Any, metric: str) -> str:
    """Return the method that a name stands for: itself, or of its settings the one to go by.

    That is the one with the most runs, of as many the newest. A name that stands for nothing is
    returned as it is.
    """
    is_of_name = [given == name for given in find_given_names(results)]
    if name in set(results["method"]) or not any(is_of_name):
        return name
    rows = results[is_of_name]
    by_method = rows.assign(started=read_starts(rows)).groupby("method")
    n_runs, newest = by_method[metric].count(), by_method["started"].max()
    return max(n_runs.index, key=lambda method: (n_runs[method], newest[method]))


def list_metrics(described: Iterable[str]) -> list[str]:
    """Names of the metrics in stored settings."""
    found = (json.loads(text)[_PARTS.index("metrics")] for text in described)
    return list(dict.fromkeys(name for metrics in found for name, _ in metrics["dict"]))


def find_selectors(described: str) -> list[tuple[dict[str, Any], int]]:
    """Find the parameters of batch selectors in stored settings, and the epochs of their runs."""
    return list(_selectors(json.loads(described)[_PARTS.index("method")]))


def _selectors(plain: Any) -> Iterator[tuple[dict[str, Any], int]]:
    if isinstance(plain, list):
        for part in plain:
            yield from _selectors(part)
    elif isinstance(plain, dict):
        selector, n_epochs = plain.get("batch_selector"), plain.get("max_epochs")
        if isinstance(selector, dict) and isinstance(n_epochs, int):
            ((_, parameters),) = selector.items()
            if isinstance(parameters, dict):
                yield parameters, n_epochs
        for part in plain.values():
            yield from _selectors(part)


def tell_how_they_differ(
    described: Mapping[str, str], parts: tuple[str, ...] = _PARTS
) -> dict[str, str]:
    """Tell in what stored settings differ, each by its own values: "max_epochs=3, cv=KFold".

    Parameters
    ----------
    described : dict of str to str
        By name, as they are stored.
    parts : tuple of str
        Those that count.
    """
    leaves = {name: _find_leaves(text, parts) for name, text in described.items()}
    paths = {path: None for of_one in leaves.values() for path in of_one}
    differing = [
        path for path in paths if len({str(of_one.get(path)) for of_one in leaves.values()}) > 1
    ]
    # Of parts of another kind, the kind says enough.
    heads = [
        path for path in differing if not any(path[:n] in differing for n in range(1, len(path)))
    ]
    return {
        name: ", ".join(f"{_name(path)}={of_one[path]}" for path in heads if path in of_one)
        for name, of_one in leaves.items()
    }


def _find_leaves(text: str, parts: tuple[str, ...]) -> _Leaves:
    found = zip(_PARTS, json.loads(text), strict=True)
    return dict(leaf for part, plain in found if part in parts for leaf in _leaves(plain, (part,)))


def _leaves(plain: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each value that is no container, and where it is; kinds count as values."""
    if isinstance(plain, list):
        for number, part in enumerate(plain):
            yield from _leaves(part, (*path, str(number)))
    elif not isinstance(plain, dict):
        yield path, plain
    else:
        ((kind, content),) = plain.items()
        yield from _leaves_of_kind(kind, content, path)


def _leaves_of_kind(
    kind: str, content: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    if kind == "dict":
        for key, value in content:
            yield from _leaves(value, (*path, str(key)))
    elif kind == "repr" and isinstance(content, list):
        text, attributes = content
        yield path, text.partition("(")[0]
        yield from _leaves(attributes, path)
    elif isinstance(content, dict):
        yield path, kind
        for name, value in content.items():
            yield from _leaves(value, (*path, name))
    elif isinstance(content, str):
        yield path, content
    else:
        yield path, kind
        yield from _leaves(content, path)


def _name(path: tuple[str, ...]) -> str:
    return ".".join(path[1:] if path[0] == "method" and len(path) > 1 else path)

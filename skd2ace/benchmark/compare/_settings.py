"""What methods were set to, for readers: the whole is too long, what differs is not."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..report._render import Block, Heading, Items

# What the stored settings are of, in their order.
_PARTS = ("method", "cv", "random_state", "metrics")

_Leaves = dict[tuple[str, ...], Any]


def settings_told(results: Any) -> list[Block]:
    """Tell what each method was set to, where results say so."""
    if "estimator" not in results:
        return []
    columns = ["method", "estimator", *({"settings", "described"} & set(results))]
    rows = results.dropna(subset=["estimator"])[columns]
    rows = rows.drop_duplicates([name for name in columns if name != "described"])
    differ = _what_differs(rows)
    told = [
        f"{row.method}{differ.get(row.method, '')}: {row.estimator}" for row in rows.itertuples()
    ]
    return [Heading("Settings"), Items(told)] if told else []


def _what_differs(rows: Any) -> dict[str, str]:
    """Tell for methods that are named by the digest of their settings what sets them apart."""
    if not {"settings", "described"} <= set(rows):
        return {}
    rows = rows.dropna(subset=["described"])
    names = [
        method.removesuffix(f" {digest[:6]}")
        for method, digest in zip(rows["method"], rows["settings"], strict=True)
    ]
    told: dict[str, str] = {}
    for _, alike in rows.groupby(names, sort=False):
        described = dict(zip(alike["method"], alike["described"], strict=True))
        told |= {name: f" ({text})" for name, text in differences_of(described).items() if text}
    return told


def differences_of(described: Mapping[str, str], parts: tuple[str, ...] = _PARTS) -> dict[str, str]:
    """Tell in what stored settings differ, each by its own values: "max_epochs=3, cv=KFold".

    Parameters
    ----------
    described : dict of str to str
        By name, as they are stored.
    parts : tuple of str
        Those that count.
    """
    leaves = {name: _leaves_of(text, parts) for name, text in described.items()}
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


def metrics_of(described: Iterable[str]) -> list[str]:
    """Names of the metrics in stored settings."""
    found = (json.loads(text)[_PARTS.index("metrics")] for text in described)
    return list(dict.fromkeys(name for metrics in found for name, _ in metrics["dict"]))


def _leaves_of(text: str, parts: tuple[str, ...]) -> _Leaves:
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

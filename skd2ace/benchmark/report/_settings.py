"""What methods were set to, for readers: the whole is too long, what differs is not."""

from typing import Any

from skd2ace._results import find_given_names, find_selectors, tell_how_they_differ
from skd2ace.selection._schedules import find_misfits

from ..compare._comparison import Comparison
from ._blocks import Block, Heading, Items, Text


def describe_settings(comparison: Comparison) -> list[Block]:
    """Describe what each method was set to, where results say so."""
    results = comparison.results
    if "estimator" not in results:
        return []
    columns = ["method", "estimator", *({"settings", "described"} & set(results))]
    rows = results.dropna(subset=["estimator"])[columns]
    rows = rows.drop_duplicates([name for name in columns if name != "described"])
    differ = _find_what_differs(rows)
    lines = [
        f"{row.method}{differ.get(row.method, '')}: {row.estimator}" for row in rows.itertuples()
    ]
    blocks: list[Block] = [Heading("Settings"), Items(lines)] if lines else []
    misfits = [
        f"{row.method}: {misfit}"
        for row in rows.itertuples()
        for misfit in _find_misfits(getattr(row, "described", None))
    ]
    if misfits:
        blocks += [Text("Schedules that do not fit into their run:"), Items(misfits)]
    return blocks


def _find_misfits(described: Any) -> list[str]:
    """Tell of schedules in epochs that do not fit, where it is known what a method was set to."""
    if not isinstance(described, str):
        return []
    return [
        misfit
        for parameters, n_epochs in find_selectors(described)
        for misfit in find_misfits(parameters, n_epochs)
    ]


def _find_what_differs(rows: Any) -> dict[str, str]:
    """Find for methods that are named by the digest of their settings what sets them apart."""
    if not {"settings", "described"} <= set(rows):
        return {}
    rows = rows.dropna(subset=["described"])
    differ: dict[str, str] = {}
    for _, alike in rows.groupby(find_given_names(rows), sort=False):
        described = dict(zip(alike["method"], alike["described"], strict=True))
        texts = tell_how_they_differ(described)
        differ |= {name: f" ({text})" for name, text in texts.items() if text}
    return differ

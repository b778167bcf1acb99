"""What methods were set to, for readers: the whole is too long, what differs is not."""

from typing import Any

from skd2ace._results import find_given_names, tell_how_they_differ

from ..compare._comparison import Comparison
from ._blocks import Block, Heading, Items


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
    return [Heading("Settings"), Items(lines)] if lines else []


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

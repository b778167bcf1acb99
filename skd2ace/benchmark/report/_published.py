"""Section of a report: numbers that papers print."""

from typing import Any

from skd2ace.inspection._metric import find_new_name

from ..compare._comparison import Comparison
from ._blocks import Block, Heading, Table, Text
from ._grid import MISSING

_MARKS = {0.01: "*", 0.05: "†"}
_STATISTICS = {
    "mean": "means",
    "average_rank": "average ranks; D2ACE is significantly better at 0.01 (*) or 0.05 (†)",
}


def describe_published(comparison: Comparison, published: Any) -> list[Block]:
    """Show what papers print for the same metric: means on these datasets, and average ranks."""
    if published is None:
        return []
    rows = published[published["metric"] == find_new_name(comparison.metric)]
    means = rows[(rows["statistic"] == "mean") & rows["dataset"].isin(comparison.datasets)]
    ranks = rows[rows["statistic"] == "average_rank"]
    tables = [
        _tabulate(part, source, number, comparison.metric)
        for of_statistic in (means, ranks)
        for (source, number), part in of_statistic.groupby(["source", "table"], sort=False)
    ]
    head = Heading("Published")
    if not tables:
        return [head, Text(f"There is no published {comparison.title} for these datasets.")]
    return [
        head,
        Text(
            "Printed in papers, with folds and settings of their own; not to be ranked with ours."
        ),
        *tables,
    ]


def _tabulate(part: Any, source: str, number: int, metric: str) -> Table:
    methods = part["method"].unique()
    rows = []
    for (network, dataset), group in part.groupby(["network", "dataset"], sort=False):
        digits = ".2f" if group["statistic"].iloc[0] == "average_rank" else ".4f"
        cells = {
            row.method: f"{row.value:{digits}}{_MARKS.get(row.p_below, '')}"
            for row in group.itertuples()
        }
        name = ", ".join(filter(None, [dataset, network]))
        rows.append([name, *(cells.get(method, MISSING) for method in methods)])
    return Table(
        ["dataset, network" if part["dataset"].any() else "network", *methods],
        rows,
        title=f"Published by {source}",
        label=f"{source} table {number} {metric}",
        caption=f"{source}, Table {number}: {_STATISTICS[part['statistic'].iloc[0]]}.",
    )

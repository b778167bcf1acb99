"""Section of a report: ranks over datasets, and which of them differ."""

from typing import Any

from ..compare._comparison import Comparison
from ._blocks import Block, Heading, Table, Text
from ._pictures import draw_diagram
from ._wilcoxon import write_p


def describe_ranks(comparison: Comparison, *, pictures: bool) -> list[Block]:
    """Describe average ranks, Friedman's test and the critical difference."""
    head = Heading("Ranks")
    try:
        average = comparison.average_ranks.sort_values(kind="stable")
    except ValueError as error:
        return [head, Text(f"No ranks. {error}")]
    table = Table(
        ["method", "average rank"],
        [[str(method), f"{rank:.2f}"] for method, rank in average.items()],
        title=f"Average ranks by {comparison.title}",
        label=f"ranks {comparison.metric}",
    )
    left_out = _name_left_out(comparison.ranks.attrs["left_out"])
    return [head, *left_out, table, *_describe_test(comparison, pictures=pictures)]


def _describe_test(comparison: Comparison, *, pictures: bool) -> list[Block]:
    n_datasets, n_methods = comparison.ranks.shape
    if n_methods < 3 or n_datasets < 2:
        return [
            Text(
                "Friedman's test and the critical difference need three methods and two datasets; "
                f"there are {n_methods} and {n_datasets}."
            )
        ]
    test, display = comparison.friedman(), comparison.critical_difference()
    return [
        Text(
            f"Friedman's test over {n_datasets} datasets: chi-squared {test.statistic:.2f}, "
            f"p {write_p(test.p_value)}. Average ranks that differ by more than "
            f"{display.critical_difference_:.2f} differ significantly by Nemenyi's test at level "
            f"{display.alpha:g}."
        ),
        *([draw_diagram(display)] if pictures else []),
    ]


def _name_left_out(left_out: dict[Any, list[Any]]) -> list[Block]:
    return [
        Text(f"Left out: {name}, where runs are missing of {', '.join(map(str, methods))}.")
        for name, methods in left_out.items()
    ]

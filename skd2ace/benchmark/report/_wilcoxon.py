"""Section of a report: tests of the reference against each other method."""

from ..compare._comparison import Comparison
from ._blocks import Block, Heading, Table, Text


def describe_tests(comparison: Comparison) -> list[Block]:
    """Describe what Wilcoxon's test over datasets says of the reference and each other method."""
    if len(comparison.methods) == 1:
        return []
    reference = comparison.reference
    head = Heading(f"Tests against {reference}")
    try:
        tests = comparison.wilcoxon()
    except ValueError:
        return [head, Text("No test over datasets: on none do all methods have all runs.")]
    n_datasets = len(comparison.complete_means)
    if n_datasets < 2:
        return [head, Text("Wilcoxon's test needs two datasets with all runs; there is 1.")]
    adjusted = comparison.wilcoxon(correction="holm")["p_value"]
    rows = [
        [
            str(row.Index),
            f"{row.win} / {row.tie} / {row.loss}",
            f"{row.statistic:g}",
            write_p(row.p_value).removeprefix("= "),
            write_p(adjusted[row.Index]).removeprefix("= "),
        ]
        for row in tests.itertuples()
    ]
    table = Table(
        ["method", "win / tie / loss", "statistic", "p", "p after Holm"],
        rows,
        title=f"Tests against {reference} by {comparison.title}",
        label=f"tests {comparison.metric}",
        caption=f"Wilcoxon's signed-rank test over {n_datasets} datasets, two-sided. Wins are "
        f"{reference}'s.",
    )
    return [head, table]


def write_p(value: float) -> str:
    """Write "= 0.0123", or "< 0.0001"."""
    return f"= {value:.4f}" if value >= 0.0001 else "< 0.0001"

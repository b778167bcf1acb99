"""Section of a report: on how many datasets each method is the best, or nearly so."""

from typing import Any

from skd2ace._results import arrange_runs
from skd2ace.inspection._metric import find_direction, find_title

from ..compare._best import find_best
from ..compare._comparison import Comparison
from ..compare._differences import find_test_shares
from ._blocks import Block, Heading, Table, Text

# What is counted by, beside the metric of the report.
_METRICS = ("macro_auc", "label_ranking_loss", "macro_f1")
# Defaults of the library were chosen on these, by other folds than those of the benchmark.
CHOSEN_ON = ("emotions", "yeast", "enron", "rcv1subset1")


def describe_best(comparison: Comparison) -> list[Block]:
    """Describe which methods are the best, or within one standard error, and on how many sets."""
    if len(comparison.methods) == 1:
        return []
    found = _find_by_metric(comparison)
    marked = [name for name in comparison.datasets if name in CHOSEN_ON]
    return [
        Heading("Best or within one standard error"),
        *_describe_marks(marked),
        _tabulate_counts(comparison, found, marked),
    ]


def _find_by_metric(comparison: Comparison) -> dict[str, Any]:
    """Find the best methods by each metric that results have, by the title of the metric."""
    results = comparison.results
    shares = find_test_shares(results, comparison.runs)
    others = [
        (name, arrange_runs(results, name), find_direction(name, None))
        for name in _METRICS
        if name != comparison.metric and name in results and results[name].notna().any()
    ]
    own = (comparison.metric, comparison.runs, comparison.higher_is_better)
    return {find_title(name): find_best(runs, shares, up) for name, runs, up in [own, *others]}


def _describe_marks(marked: list[Any]) -> list[Block]:
    if not marked:
        return []
    return [
        Text(
            f"Defaults of this library were chosen on {', '.join(marked)}, by other folds: counts "
            "in brackets leave these out."
        )
    ]


def _tabulate_counts(comparison: Comparison, found: dict[str, Any], marked: list[Any]) -> Table:
    n_datasets = len(comparison.datasets)
    counts = {title: best.sum() for title, best in found.items()}
    without = {title: best.drop(index=marked).sum() for title, best in found.items()}
    rows = [
        [
            str(method),
            *(
                f"{counts[title][method]}" + (f" ({without[title][method]})" if marked else "")
                for title in found
            ),
        ]
        for method in comparison.methods
    ]
    of_rest = f" ({n_datasets - len(marked)})" if marked else ""
    return Table(
        ["method", *found],
        rows,
        title="Datasets on which a method is best or within one standard error",
        label=f"best {comparison.metric}",
        caption=f"On how many of {n_datasets}{of_rest} datasets none is better by more than one "
        "standard error of the paired difference, over folds and corrected as the intervals of "
        "differences are. Where two methods share one fold only there is no error, and the better "
        "one is better.",
    )

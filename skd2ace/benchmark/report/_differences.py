"""Section of a report: by how much the reference is better on each dataset."""

from typing import Any

from skd2ace.inspection import AblationDisplay
from skd2ace.inspection._ablation import subtract_baseline

from ..compare._comparison import Comparison
from ..compare._reference import list_others
from ._blocks import Block, Heading, Picture, Table, Text
from ._grid import lay_out
from ._pictures import draw_differences

# A picture has a panel for each dataset, and a page is only so wide.
_MOST_PANELS = 4

_NONE = (
    "No differences: an interval needs two folds on which both methods have the same runs. Nothing "
    "by which the means differ here can be told apart from chance."
)


def describe_differences(comparison: Comparison, *, pictures: bool) -> list[Block]:
    """Describe by how much the reference is better on each dataset, with intervals."""
    if len(comparison.methods) == 1:
        return [Heading("Differences"), Text("There is no other method to compare with.")]
    reference, reason = comparison.chosen_reference
    head: list[Block] = [Heading(f"Differences from {reference}")]
    head += [Text(reason)] if reason else []
    known = comparison.differences().dropna(subset=["low", "high"])
    if known.empty:
        return [*head, Text(_NONE)]
    drawn = pictures and len(comparison.datasets) <= _MOST_PANELS
    return [
        *head,
        *_warn_of_two_folds(known),
        _tabulate(comparison, known),
        *([_draw(comparison)] if drawn else []),
    ]


def _draw(comparison: Comparison) -> Picture:
    reference = comparison.reference
    differences = subtract_baseline(comparison.runs, reference)
    return draw_differences(AblationDisplay(differences, reference, comparison.title))


def _warn_of_two_folds(known: Any) -> list[Block]:
    datasets = known.loc[known["n_folds"] == 2, "dataset"].unique()
    if not len(datasets):
        return []
    return [
        Text(
            f"Caution: on {', '.join(map(str, datasets))} there are intervals that stand on two "
            "folds, on one difference between two numbers that is. With one degree of freedom they "
            "are very wide, or narrow by accident where the two happen to agree: bold there is "
            "weak evidence, and more folds are what it takes."
        )
    ]


def _tabulate(comparison: Comparison, known: Any) -> Table:
    reference = comparison.reference
    others = list_others(comparison.methods, reference)
    cells = _write_cells(known, comparison.runs)
    decided = known[(known["low"] > 0) | (known["high"] < 0)]
    notes = [
        " Where runs are counted, only those that both methods have are compared."
        if any("runs" in cell for cell in cells.values())
        else "",
        " A dash: less than two folds with the same runs."
        if len(known) < len(comparison.datasets) * len(others)
        else "",
    ]
    return lay_out(
        comparison.datasets,
        others,
        cells,
        set(zip(decided["dataset"], decided["method"], strict=True)),
        title=f"Differences from {reference} by {comparison.title}",
        label=f"differences {comparison.metric}",
        caption=f"How much better {reference} is on each dataset, with the 95 % interval over "
        "folds and seeds (corrected resampled t, Nadeau and Bengio 2003); below zero, it is worse. "
        "Bold intervals leave out zero; one that holds zero does not tell the two apart. They are "
        f"not corrected for their number.{''.join(notes)}",
    )


def _write_cells(known: Any, runs: dict[str, Any]) -> dict[tuple[Any, Any], str]:
    cells = {}
    for row in known.itertuples():
        cell = f"{row.difference:+.4f} ({row.low:+.4f} to {row.high:+.4f})"
        n_expected = len(runs[row.dataset])
        counted = f", {row.n_runs} of {n_expected} runs" if row.n_runs < n_expected else ""
        cells[row.dataset, row.method] = cell + counted
    return cells

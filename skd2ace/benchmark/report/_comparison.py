"""Sections of a report that compare methods with one of them: differences and tests."""

from typing import Any

from ..compare._differences import differences
from ..compare._statistics import average_ranks, mean_table, wilcoxon_against
from ..compare._tables import need_reference, runs_of
from ._grid import grid
from ._render import Block, Heading, Table, Text


def chosen_reference(
    results: Any, metric: str, upward: bool, reference: str | None
) -> tuple[str, str]:
    """Return the method to compare with, and a sentence on how it was chosen if it was not given.

    Raises
    ------
    ValueError
        If the reference is none of the methods, or nothing can be compared.
    """
    if reference is not None:
        if list(results["method"].unique()) != [reference]:
            need_reference(results["method"].unique(), reference)
        return reference, ""
    n_runs = mean_table(results, metric)["n_runs"].sum()
    try:
        score = average_ranks(results, metric, higher_is_better=upward)
        reason = (
            "best average rank. Being chosen by these very results, it looks better here than it is"
        )
    except ValueError:
        score, reason = -n_runs, "most runs (nothing can be ranked)"
    chosen = min(score.index, key=lambda method: (score[method], str(method)))
    return chosen, f"No reference was given: {chosen} is the method of the {reason}."


def differences_told(
    results: Any, metric: str, upward: bool, reference: str, choice: str
) -> list[Block]:
    """Tell by how much the reference is better on each dataset, with intervals."""
    methods = results["method"].unique()
    if len(methods) == 1:
        return [Heading("Differences"), Text("There is no other method to compare with.")]
    head: list[Block] = [Heading(f"Differences from {reference}")]
    head += [Text(choice)] if choice else []
    table = differences(results, metric, reference, higher_is_better=upward)
    told = table.dropna(subset=["low", "high"])
    if told.empty:
        return [
            *head,
            Text(
                "No differences: an interval needs two folds on which both methods have the same "
                "runs. Nothing by which the means differ here can be told apart from chance."
            ),
        ]
    n_pairs = results["dataset"].nunique() * (len(methods) - 1)
    cells = _cells(told, runs_of(results, metric))
    notes = [
        " Where runs are counted, only those that both methods have are compared."
        if any("runs" in cell for cell in cells.values())
        else "",
        " A dash: less than two folds with the same runs." if len(told) < n_pairs else "",
    ]
    return [
        *head,
        Text(
            f"How much better {reference} is on each dataset, with the 95 % interval over folds "
            "and seeds (corrected resampled t, Nadeau and Bengio 2003); below zero, it is worse. "
            "Bold intervals leave out zero; one that holds zero does not tell the two apart. They "
            f"are not corrected for their number.{''.join(notes)}"
        ),
        _table_of_differences(told, cells, results, reference),
    ]


def _cells(told: Any, per_dataset: dict[str, Any]) -> dict[tuple[Any, Any], str]:
    cells = {}
    for row in told.itertuples():
        cell = f"{row.difference:+.4f} ({row.low:+.4f} to {row.high:+.4f})"
        n_expected = len(per_dataset[row.dataset])
        counted = f", {row.n_runs} of {n_expected} runs" if row.n_runs < n_expected else ""
        cells[row.dataset, row.method] = cell + counted
    return cells


def _table_of_differences(
    told: Any, cells: dict[tuple[Any, Any], str], results: Any, reference: str
) -> Table:
    decided = told[(told["low"] > 0) | (told["high"] < 0)]
    bold = set(zip(decided["dataset"], decided["method"], strict=True))
    others = need_reference(results["method"].unique(), reference)
    return grid(results["dataset"].unique(), others, cells, bold)


def wilcoxon_told(results: Any, metric: str, upward: bool, reference: str) -> list[Block]:
    """Tell what Wilcoxon's test over datasets says of the reference and each other method."""
    if results["method"].nunique() == 1:
        return []
    head = Heading(f"Tests against {reference}")
    try:
        test = wilcoxon_against(results, metric, reference, higher_is_better=upward)
    except ValueError:
        return [head, Text("No test over datasets: on none do all methods have all runs.")]
    n_datasets = int(test.iloc[0][["win", "tie", "loss"]].sum())
    if n_datasets < 2:
        return [head, Text("Wilcoxon's test needs two datasets with all runs; there is 1.")]
    adjusted = wilcoxon_against(
        results, metric, reference, correction="holm", higher_is_better=upward
    )
    rows = [
        [
            str(row.Index),
            f"{row.win} / {row.tie} / {row.loss}",
            f"{row.statistic:g}",
            p_told(row.p_value).removeprefix("= "),
            p_told(adjusted.loc[row.Index, "p_value"]).removeprefix("= "),
        ]
        for row in test.itertuples()
    ]
    return [
        head,
        Text(
            f"Wilcoxon's signed-rank test over {n_datasets} datasets, two-sided. Wins are "
            f"{reference}'s."
        ),
        Table(["method", "win / tie / loss", "statistic", "p", "p after Holm"], rows),
    ]


def p_told(value: float) -> str:
    """Return "= 0.0123", or "< 0.0001"."""
    return f"= {value:.4f}" if value >= 0.0001 else "< 0.0001"

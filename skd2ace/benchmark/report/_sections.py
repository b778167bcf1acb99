"""Sections of a report beside its statistics: times, validation curves, published numbers."""

from typing import Any

import numpy as np

from ..compare._tables import check_columns, metric_name
from ._grid import MISSING, grid
from ._pictures import curve_picture
from ._render import Block, Heading, Table, Text

_CURVE = ["dataset", "method", "fold", "seed", "epoch", "valid_macro_auc"]
_MARKS = {0.01: "*", 0.05: "†"}


def times(results: Any) -> list[Block]:
    """Tell what fits took, where results say so."""
    if "fit_seconds" not in results:
        return []
    columns = [name for name in ("fit_seconds", "selection_seconds") if name in results]
    seconds = results[columns].astype(np.float64)
    means = seconds.groupby([results["dataset"], results["method"]], sort=False).mean()
    cells = {pair: _time_cell(means, pair) for pair in means.index}
    return [
        Heading("Seconds"),
        Text("Mean seconds of a fit; in brackets, how many of them went into selecting batches."),
        grid(results["dataset"].unique(), results["method"].unique(), cells),
    ]


def _time_cell(means: Any, key: tuple[Any, Any]) -> str:
    if np.isnan(means.loc[key, "fit_seconds"]):
        return MISSING
    selecting = means.loc[key].get("selection_seconds", np.nan)
    cell = f"{means.loc[key, 'fit_seconds']:.2f}"
    return cell if np.isnan(selecting) else f"{cell} ({selecting:.2f})"


def validation_curves(curves: Any, *, pictures: bool) -> list[Block]:
    """Tell at which epoch each method is best by validation, and draw the way there.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    if curves is None or not len(curves):
        return []
    check_columns("curves", curves, _CURVE)
    # A validation part without both classes of any label has no Macro-AUC.
    known = curves.dropna(subset=["valid_macro_auc"]).reset_index(drop=True)
    if known.empty:
        return []
    best = known.loc[known.groupby(_CURVE[:4])["valid_macro_auc"].idxmax()]
    means = best.groupby(["dataset", "method"])[["epoch", "valid_macro_auc"]].mean()
    cells = {
        key: f"{epoch:.1f} ({area:.4f})"
        for key, epoch, area in zip(
            means.index, means["epoch"], means["valid_macro_auc"], strict=True
        )
    }
    datasets, methods = known["dataset"].unique(), known["method"].unique()
    drawn = [curve_picture(name, known[known["dataset"] == name]) for name in datasets if pictures]
    return [
        Heading("Validation"),
        Text("Best epoch by validation and the Macro-AUC there in brackets, means over runs."),
        grid(datasets, methods, cells),
        *drawn,
    ]


def published_numbers(published: Any, metric: str, datasets: Any) -> list[Block]:
    """Show what papers print for the same metric: means on these datasets, and average ranks."""
    if published is None:
        return []
    rows = published[published["metric"] == metric]
    means = rows[(rows["statistic"] == "mean") & rows["dataset"].isin(list(datasets))]
    chosen = [*_by_table(means), *_by_table(rows[rows["statistic"] == "average_rank"])]
    head = Heading("Published")
    if not chosen:
        return [head, Text(f"There is no published {metric_name(metric)} for these datasets.")]
    return [
        head,
        Text(
            "Printed in papers, with folds and settings of their own; not to be ranked with ours."
        ),
        *(block for (title, part) in chosen for block in (Text(title), _published_table(part))),
    ]


def _by_table(rows: Any) -> list[tuple[str, Any]]:
    titles = {
        "mean": "means",
        "average_rank": "average ranks; D2ACE is significantly better at 0.01 (*) or 0.05 (†)",
    }
    return [
        (f"{source}, Table {number}: {titles[part['statistic'].iloc[0]]}.", part)
        for (source, number), part in rows.groupby(["source", "table"], sort=False)
    ]


def _published_table(part: Any) -> Table:
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
    return Table(["dataset, network" if part["dataset"].any() else "network", *methods], rows)

"""Section of a report: what fits took."""

from typing import Any

import numpy as np

from skd2ace.inspection import EfficiencyDisplay

from ..compare._comparison import Comparison
from ._blocks import Block, Heading
from ._grid import MISSING, lay_out
from ._pictures import draw_seconds


def describe_times(comparison: Comparison, *, pictures: bool) -> list[Block]:
    """Describe what fits took, where results say so."""
    results = comparison.results
    if "fit_seconds" not in results:
        return []
    columns = [name for name in ("fit_seconds", "selection_seconds") if name in results]
    seconds = results[columns].astype(np.float64)
    means = seconds.groupby([results["dataset"], results["method"]], sort=False).mean()
    table = lay_out(
        comparison.datasets,
        comparison.methods,
        {pair: _write_cell(means, pair) for pair in means.index},
        title="Seconds of a fit",
        label=f"seconds {comparison.metric}",
        caption="Mean seconds of a fit; in brackets, how many of them went into selecting batches.",
    )
    drawn = pictures and seconds["fit_seconds"].gt(0).any()
    picture = [draw_seconds(EfficiencyDisplay.from_results(results))] if drawn else []
    return [Heading("Seconds"), table, *picture]


def _write_cell(means: Any, key: tuple[Any, Any]) -> str:
    if np.isnan(means.loc[key, "fit_seconds"]):
        return MISSING
    selecting = means.loc[key].get("selection_seconds", np.nan)
    cell = f"{means.loc[key, 'fit_seconds']:.2f}"
    return cell if np.isnan(selecting) else f"{cell} ({selecting:.2f})"

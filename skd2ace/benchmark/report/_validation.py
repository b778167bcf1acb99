"""Section of a report: validation by epoch."""

from skd2ace._results import KEYS

from ..compare._comparison import Comparison
from ._blocks import Block, Heading
from ._grid import lay_out
from ._pictures import draw_curves


def describe_validation(comparison: Comparison, *, pictures: bool) -> list[Block]:
    """Describe at which epoch each method is best by validation, and draw the way there."""
    # A validation part without both classes of any label has no Macro-AUC.
    known = comparison.curves.dropna(subset=["valid_macro_auc"]).reset_index(drop=True)
    if known.empty:
        return []
    best = known.loc[known.groupby(KEYS)["valid_macro_auc"].idxmax()]
    means = best.groupby(["dataset", "method"])[["epoch", "valid_macro_auc"]].mean()
    cells = {
        key: f"{epoch:.1f} ({area:.4f})"
        for key, epoch, area in zip(
            means.index, means["epoch"], means["valid_macro_auc"], strict=True
        )
    }
    datasets, methods = known["dataset"].unique(), known["method"].unique()
    table = lay_out(
        datasets,
        methods,
        cells,
        title="Best epochs by validation",
        label=f"validation {comparison.metric}",
        caption="Best epoch by validation and the Macro-AUC there in brackets, means over runs.",
    )
    drawn = [draw_curves(name, known[known["dataset"] == name]) for name in datasets if pictures]
    return [Heading("Validation"), table, *drawn]

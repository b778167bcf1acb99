"""Section of a report: how much a parameter matters, where methods are named by its values."""

from skd2ace.inspection import SensitivityDisplay
from skd2ace.inspection._sensitivity import list_parameters, summarize_runs

from ..compare._comparison import Comparison
from ._blocks import Block, Heading
from ._pictures import draw_sensitivity


def describe_sensitivity(comparison: Comparison, *, pictures: bool) -> list[Block]:
    """Draw the metric against each parameter; the means are in a table before."""
    parameters = list_parameters(comparison.methods) if pictures else []
    if not parameters:
        return []
    displays = [
        SensitivityDisplay(summarize_runs(comparison.runs, parameter), parameter, comparison.title)
        for parameter in parameters
    ]
    return [Heading("Sensitivity"), *map(draw_sensitivity, displays)]

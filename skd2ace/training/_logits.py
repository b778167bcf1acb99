"""What modules must give for selectors and dynamics to read it aright."""

from typing import Any

from torch import Tensor
from torch.nn import BCELoss

from skd2ace._modules import unwrap_compiled


def first_output(output: Any) -> Tensor:
    """Logits (b, q) of what a module gave: the first of several outputs, of one label a column."""
    logits: Tensor = output[0] if isinstance(output, tuple) else output
    return logits.reshape(len(logits), -1)


def refuse_probabilities(criterion: Any) -> None:
    """Raise a ValueError if a criterion takes probabilities: they would pass for logits."""
    if isinstance(unwrap_compiled(criterion), BCELoss):
        raise ValueError(
            "criterion=BCELoss takes probabilities, but the module must give logits: leave out "
            "its sigmoid and take BCEWithLogitsLoss."
        )

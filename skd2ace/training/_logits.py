"""What modules must give for selectors and dynamics to read it aright."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import BCELoss, BCEWithLogitsLoss

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


def find_logit_shift(net: Any) -> Tensor:
    """What the weights of positives add to the logits of a net: (q,), or () where there are none.

    Their logarithm, where the loss of a label is a cross-entropy: that of ``BCEWithLogitsLoss``, or
    the term ``bce`` of a network's own loss. Of others it is not known, and 0. A weight of 0 has
    no logarithm, and counts as 1. Elkan (2001), The foundations of cost-sensitive learning, IJCAI,
    Theorem 1.
    """
    factors = torch.from_numpy(getattr(net, "pos_weight_", np.ones((), np.float32)))
    if hasattr(unwrap_compiled(net.module_), "training_loss"):
        # Of a net that was trimmed and saved there is no history.
        is_cross_entropy = not net.history or "train_bce" in net.history[-1]
    else:
        criterion = unwrap_compiled(net.criterion_)
        is_cross_entropy = isinstance(criterion, BCEWithLogitsLoss)
        if is_cross_entropy and criterion.pos_weight is not None:
            factors = factors * criterion.pos_weight.detach().float().cpu()
    return factors.where((factors > 0) & is_cross_entropy, 1).log()

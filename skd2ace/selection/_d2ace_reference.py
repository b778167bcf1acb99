"""Where the authors' published code of D2ACE goes other ways than the paper, step by step."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from . import functional as F
from ._history import record_predictions

if TYPE_CHECKING:
    from ._d2ace import D2ACE


class PublishedSteps:
    """The steps of the published code, in the place of those of the same names in D2ACE.

    What it computes otherwise within a step are the formulas of ``functional`` with
    ``variant="reference"``.

    Parameters
    ----------
    selector : D2ACE
        Whose state is read and changed.
    """

    def __init__(self, selector: "D2ACE") -> None:
        self.selector = selector

    def _record(self, index: Tensor, proba: Tensor) -> None:
        """Take every visit for an entry of its own, and for a flip too."""
        history, flip_rate = self.selector.history_, self.selector.flip_rate_
        newest = history[-1, index]
        proba = proba.to(newest.dtype)
        flip_rate[index] = F.update_flip_rate(
            flip_rate[index], newest, proba, self.selector.flip_smoothing, "reference"
        )
        record_predictions(history, index, proba, again=torch.zeros_like(index, dtype=torch.bool))

    def _count_flips(self) -> None:
        """Count none at the end of an epoch: each visit has counted its own."""

    def _count_epochs(self, epoch: int) -> tuple[int, int]:
        """Count from 0, and with the schedule of the epoch before.

        The code makes the probabilities of an epoch at the end of the one before.
        """
        return epoch - 1, self.selector.warmup_epochs_

    def _order_warmup(self) -> Tensor:
        """Go through the instances in their order while warming up."""
        return torch.arange(self.selector.n_instances_, device=self.selector.device_)

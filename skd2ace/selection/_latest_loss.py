"""Selectors that go by the latest loss of each instance."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from . import functional as F
from ._base import BatchSelector


class LatestLossSelector(BatchSelector):
    """Keeps, in ``losses_``, the mean loss over known labels of each instance's latest visit.

    An instance not seen yet has ln 2, the loss of a prediction of 0.5; one of which no label is
    known has 0, seen or not.
    """

    _state: ClassVar[tuple[str, ...]] = ("losses_",)

    def _start(self, X: Tensor, Y: Tensor) -> None:
        self.losses_ = torch.full((len(Y),), math.log(2), dtype=torch.float32, device=Y.device)
        if self.known_ is not None:
            self.losses_ *= self.known_.any(1)

    def _update(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> None:
        self.losses_[index] = F.known_mean(losses, self._known_of(index))

"""Selectors that go by the latest loss of each instance."""

import math
from typing import ClassVar

import torch
from torch import Tensor

from ._base import BatchSelector


class LatestLossSelector(BatchSelector):
    """Keeps, in ``losses_``, the mean label loss of each instance's latest visit.

    An instance not seen yet has ln 2, the loss of a prediction of 0.5.
    """

    _state: ClassVar[tuple[str, ...]] = ("losses_",)

    def _start(self, X: Tensor, Y: Tensor) -> None:
        self.losses_ = torch.full((len(Y),), math.log(2), device=Y.device)

    def _update(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> None:
        self.losses_[index] = losses.mean(1)

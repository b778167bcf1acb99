"""Networks that give multi-label logits, and the loss they share."""

from ._clif import CLIF
from ._loss import LossOutput, weighted_mean

__all__ = ["CLIF", "LossOutput", "weighted_mean"]

"""Networks that give multi-label logits, and the loss they share."""

from ._asymmetric_loss import AsymmetricLoss
from ._clif import CLIF
from ._dela import DELA
from ._loss import LossOutput, known_labels, label_losses, weighted_mean
from ._paca import PACA
from ._tabm import MLP, TabM

__all__ = [
    "CLIF",
    "DELA",
    "MLP",
    "PACA",
    "AsymmetricLoss",
    "LossOutput",
    "TabM",
    "known_labels",
    "label_losses",
    "weighted_mean",
]

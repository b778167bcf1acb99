"""Networks that give multi-label logits, and the loss they share."""

from ._asymmetric_loss import AsymmetricLoss
from ._c2ae import C2AE
from ._clif import CLIF
from ._dela import DELA
from ._distribution_balanced_loss import DistributionBalancedLoss
from ._focal_loss import FocalLoss
from ._hst import HST
from ._loss import LossOutput, known_labels, label_losses, weighted_mean
from ._ml_decoder import MLDecoder
from ._mlgcn import MLGCN
from ._mlp import MLP
from ._mpvae import MPVAE
from ._paca import PACA
from ._tabm import TabM
from ._zlpr_loss import ZLPRLoss

__all__ = [
    "C2AE",
    "CLIF",
    "DELA",
    "HST",
    "MLGCN",
    "MLP",
    "MPVAE",
    "PACA",
    "AsymmetricLoss",
    "DistributionBalancedLoss",
    "FocalLoss",
    "LossOutput",
    "MLDecoder",
    "TabM",
    "ZLPRLoss",
    "known_labels",
    "label_losses",
    "weighted_mean",
]

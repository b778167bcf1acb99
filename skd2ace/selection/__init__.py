"""Batch selectors: which instances go into each mini-batch, told what training saw."""

from . import functional
from ._active_bias import ActiveBias
from ._balance import Balance
from ._base import BatchSelector
from ._batch_sampler import SelectedBatchSampler
from ._d2ace import D2ACE
from ._dihcl import DIHCL
from ._gradient_norm import GradientNorm
from ._hard_imb import HardImb
from ._info_batch import InfoBatch
from ._ml_unc import MLUnc
from ._mlros import MLROS
from ._online_batch import OnlineBatch
from ._random_batches import RandomBatches
from ._random_subset import RandomSubset
from ._recency_bias import RecencyBias
from ._reducible_loss import ReducibleLoss
from ._repeat_factor import RepeatFactor
from ._selective_backprop import SelectiveBackprop

__all__ = [
    "D2ACE",
    "DIHCL",
    "MLROS",
    "ActiveBias",
    "Balance",
    "BatchSelector",
    "GradientNorm",
    "HardImb",
    "InfoBatch",
    "MLUnc",
    "OnlineBatch",
    "RandomBatches",
    "RandomSubset",
    "RecencyBias",
    "ReducibleLoss",
    "RepeatFactor",
    "SelectedBatchSampler",
    "SelectiveBackprop",
    "functional",
]

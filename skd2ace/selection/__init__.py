"""Batch selectors: which instances go into each mini-batch, told what training saw."""

from . import functional
from ._active_bias import ActiveBias
from ._balance import Balance
from ._base import BatchSelector
from ._batch_sampler import SelectedBatchSampler
from ._d2ace import D2ACE
from ._dihcl import DIHCL
from ._hard_imb import HardImb
from ._ml_unc import MLUnc
from ._online_batch import OnlineBatch
from ._random_batches import RandomBatches
from ._recency_bias import RecencyBias

__all__ = [
    "D2ACE",
    "DIHCL",
    "ActiveBias",
    "Balance",
    "BatchSelector",
    "HardImb",
    "MLUnc",
    "OnlineBatch",
    "RandomBatches",
    "RecencyBias",
    "SelectedBatchSampler",
    "functional",
]

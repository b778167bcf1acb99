"""Batch selectors: which instances go into each mini-batch, told what training saw."""

from . import functional
from ._base import BatchSelector
from ._d2ace import D2ACE
from ._random_batches import RandomBatches

__all__ = ["D2ACE", "BatchSelector", "RandomBatches", "functional"]

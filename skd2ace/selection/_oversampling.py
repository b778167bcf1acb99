"""Selectors that show some instances several times an epoch."""

import torch
from torch import Tensor

from ._base import BatchSelector


class OverSampler(BatchSelector):
    """Shuffled batches of all instances and of copies of some: ``_copies()`` says how many."""

    def _copies(self) -> Tensor:
        """How often each instance is there in the epoch that opens: (n,), int64, at least 1."""
        raise NotImplementedError

    def _order(self, epoch: int) -> Tensor:
        everything = torch.arange(self.n_instances_, device=self.device_)
        copies = everything.repeat_interleave(self._copies())
        return copies[torch.randperm(len(copies), generator=self.generator_, device=self.device_)]

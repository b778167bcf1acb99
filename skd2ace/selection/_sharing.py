"""Selected batches among processes: each its share, and all told what all have seen."""

import hashlib
from collections import deque
from itertools import cycle, islice
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from skd2ace._processes import gather

from ._base import BatchSelector
from ._checks import check_update


class _Served(NamedTuple):
    """A batch of all processes, and the share of this one, with its weights if these are known."""

    batch: list[int]
    share: list[int]
    weights: Tensor | None
    is_last: bool


class _Told(NamedTuple):
    """What this process saw of its share of a batch: probabilities beside losses."""

    batch: list[int]
    values: Tensor
    learning_rate: float | None


class Sharing:
    """One epoch of batches in which several processes share."""

    def __init__(self, n_processes: int, rank: int) -> None:
        self.n_processes = n_processes
        self.rank = rank
        self.served: deque[_Served] = deque()
        self.told: list[_Told] = []

    def take_share(self, batch: list[int], weights: Tensor | None, *, last: bool) -> list[int]:
        """Give the part of a batch that is this process's, as large as those of the others.

        ``weights`` (b,) are those of the whole batch, where later draws would change them.
        """
        size = -(-len(batch) // self.n_processes)
        dealt = list(islice(cycle(range(len(batch))), size * self.n_processes))
        places = dealt[self.rank * size : (self.rank + 1) * size]
        share = [batch[place] for place in places]
        own = None if weights is None else weights[places]
        self.served.append(_Served(batch, share, own, last))
        return share

    def tell(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> bool:
        """Note what this process saw; return whether that was the last batch of the epoch."""
        served = self._find(index)
        self.served.popleft()
        check_update(index, proba, losses, proba.shape[-1])
        values = torch.cat([proba.detach(), losses.detach()], dim=1)
        wide = values.to(torch.promote_types(values.dtype, torch.float32))
        self.told.append(_Told(served.batch, wide, learning_rate))
        return served.is_last

    def exchange(self, selector: BatchSelector) -> None:
        """Tell the selector what all processes have noted, in the order of the batches."""
        counts = gather(len(self.told))
        if len(set(counts)) > 1:
            raise RuntimeError(
                f"The processes told of {counts} batches: each must call update after each step."
            )
        if not self.told:
            return
        mine = torch.cat([told.values for told in self.told])
        parts = [torch.empty_like(mine) for _ in range(self.n_processes)]
        dist.all_gather(parts, mine)
        start = 0
        for told in self.told:
            stop = start + len(told.values)
            # Copies that filled the last shares come last.
            whole = torch.cat([part[start:stop] for part in parts])[: len(told.batch)]
            proba, losses = whole.chunk(2, dim=1)
            index = torch.tensor(told.batch, device=whole.device)
            selector.update(index, proba, losses, learning_rate=told.learning_rate)
            start = stop
        self.told = []

    def weigh(self, selector: BatchSelector, index: Tensor, Y: Tensor) -> Tensor | None:
        """Weights (b, 1) or (b, q) of this process's share of a batch, None where all are 1."""
        served = self._find(index)
        size, n_batch = len(served.share), len(served.batch)
        wanted = self._wanted(selector, served, Y)
        if size * self.n_processes == n_batch:
            return wanted
        places = torch.arange(self.rank * size, (self.rank + 1) * size, device=Y.device)
        weights = ((places < n_batch) * (self.n_processes * size / n_batch))[:, None].float()
        return weights if wanted is None else weights * wanted.to(Y.device)

    def _wanted(self, selector: BatchSelector, served: _Served, Y: Tensor) -> Tensor | None:
        """What the selector wants of the share, by the whole batch where it may look at that."""
        if type(selector).loss_weights is BatchSelector.loss_weights:
            if served.weights is not None:
                return served.weights[:, None]
            if not selector.unbiased:
                return None
            index = torch.tensor(served.share, device=selector.device_)
            wanted = selector.loss_weights(index, Y)
            return None if wanted is None else wanted[:, None]
        # Of labels, which may be of a type that cannot be exchanged.
        Y = Y if Y.is_floating_point() else Y.float()
        parts = [torch.empty_like(Y) for _ in range(self.n_processes)]
        dist.all_gather(parts, Y.contiguous())
        index = torch.tensor(served.batch, device=selector.device_)
        labels = torch.cat(parts)[: len(index)].to(selector.device_)
        wanted = selector.loss_weights(index, labels)
        if wanted is None:
            return None
        size = len(served.share)
        places = torch.arange(self.rank * size, (self.rank + 1) * size, device=wanted.device)
        own = wanted[places % len(index)]
        return own[:, None] if own.ndim == 1 else own

    def _find(self, index: Tensor) -> _Served:
        """Find the batch of which ``index`` is the share, and forget those before it."""
        share = index.tolist()
        while self.served and self.served[0].share != share:
            self.served.popleft()
        if not self.served:
            raise RuntimeError(
                f"Process {self.rank} was given a batch that is not its share of one served in "
                "this epoch. Batches are told once each and in order; and nothing else may deal "
                "them out: no accelerator.prepare(loader), no use_distributed_sampler of Lightning."
            )
        return self.served[0]

    def check_agreement(self, selector: BatchSelector, first_batch: list[int]) -> None:
        """Refuse to go on where the processes draw from different probabilities."""
        p = selector.probabilities_
        drawn_from = b"" if p is None else p.cpu().numpy().tobytes()
        digest = hashlib.sha256(drawn_from + repr(first_batch).encode()).hexdigest()
        if len(set(gather((selector.epoch_, digest)))) > 1:
            raise RuntimeError(
                f"{type(selector).__name__}: the processes disagree about the batches of epoch "
                f"{selector.epoch_ + 1}. All must start the selector on the same data with the "
                "same parameters, and go on from the same state."
            )

    def check_exchanged(self) -> None:
        """Refuse to be saved with what only this process knows."""
        if self.told:
            raise RuntimeError(
                f"{len(self.told)} batches of this epoch were told and not yet exchanged with the "
                "other processes: states are taken between epochs."
            )

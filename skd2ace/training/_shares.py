"""Batches dealt out to processes, and tensors brought together again."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from skd2ace._processes import world


class Share(NamedTuple):
    """The rows of a batch that a process works on.

    Attributes
    ----------
    rows : slice
    weight : float
        Their part of the batch. 0 where there are fewer rows than processes, and this one has
        another's, since many networks cannot do with none.
    """

    rows: slice
    weight: float

    def spread(self, values: Tensor, n_rows: int) -> Tensor:
        """Put the values of own rows among zeros for all rows of the batch."""
        whole = values.new_zeros(n_rows, *values.shape[1:])
        if self.weight:
            whole[self.rows] = values
        return whole


def deal(n_rows: int) -> Share:
    """Give this process its share of a batch; those of the others have a row more or less."""
    n_processes, rank = world()
    start, stop = (n_rows * i // n_processes for i in (rank, rank + 1))
    if start == stop:
        return Share(slice(0, 1), 0.0)
    return Share(slice(start, stop), (stop - start) / n_rows)


def add_up(tensors: list[Tensor]) -> None:
    """Replace tensors by their sums over all processes, in one message for each of their types."""
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
        same = [tensor for tensor in tensors if tensor.dtype == dtype]
        flat = torch.cat([tensor.reshape(-1) for tensor in same])
        dist.all_reduce(flat)
        totals = flat.split([tensor.numel() for tensor in same])
        for tensor, total in zip(same, totals, strict=True):
            tensor.copy_(total.view_as(tensor))


def copy_first(tensors: Iterable[Tensor]) -> None:
    """Replace tensors by those of the first process."""
    for tensor in tensors:
        # As bytes: not every engine sends every type.
        sent = tensor.detach().reshape(-1).contiguous().view(torch.uint8)
        dist.broadcast(sent, src=0)
        tensor.detach().copy_(sent.view(tensor.dtype).view_as(tensor))

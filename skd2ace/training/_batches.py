"""Mini-batches gathered from whole tensors."""

import math
from collections.abc import Iterator
from functools import cached_property
from numbers import Integral
from typing import Any

import torch
from sklearn.utils import check_scalar
from torch import Tensor

from skd2ace._devices import full_device

from ._data import Tensors, resolve


class Batch(tuple[Tensor, Tensor | None]):
    """A pair (X, y), as skorch wants it, that knows which instances it holds.

    Attributes
    ----------
    instances : Tensor of shape (b,)
        Indices of the instances, counted within the dataset that was iterated over.
    weights : Tensor of shape (b,) or (b, q), or None
        Weights that the selector wants on the loss.
    epoch : int or None
        The epoch, counted from 0, that a selector chose it for; None where nobody chose.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.training import Batch
    >>> batch = Batch(torch.zeros(2, 3), torch.ones(2, 1), instances=torch.tensor([7, 4]))
    >>> X, y = batch
    >>> X.shape, batch.instances
    (torch.Size([2, 3]), tensor([7, 4]))
    """

    instances: Tensor
    weights: Tensor | None
    epoch: int | None

    def __new__(
        cls,
        X: Tensor,
        y: Tensor | None,
        instances: Tensor,
        weights: Tensor | None = None,
        epoch: int | None = None,
    ) -> "Batch":
        """Make the pair."""
        batch = super().__new__(cls, (X, y))
        batch.instances, batch.weights, batch.epoch = instances, weights, epoch
        return batch


class BatchIterator:
    """Iterator for skorch's ``iterator_valid``; see :class:`SelectedBatches` for training.

    Consecutive rows, one gather per batch, from data that was moved to the device once.

    Parameters
    ----------
    dataset : Dataset
        Best a :class:`TensorDataset` or a subset of one; others are read item by item, once
        for each iterator.
    batch_size : int, default=128
        At least 1.
    device : str or torch.device, default="cpu"
        Where the batches are wanted.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.training import BatchIterator, TensorDataset
    >>> dataset = TensorDataset(np.zeros((5, 3), dtype="float32"), np.ones((5, 2)))
    >>> [batch.instances.tolist() for batch in BatchIterator(dataset, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self, dataset: Any, batch_size: int = 128, device: str | torch.device = "cpu"
    ) -> None:
        self.dataset = dataset
        self.batch_size = int(check_scalar(batch_size, "batch_size", Integral, min_val=1))
        self.device = full_device(device)

    @cached_property
    def _data(self) -> tuple[Tensors, Tensor | None]:
        """The tensors behind the dataset, and which of their rows it is (None: all)."""
        source, rows = resolve(self.dataset)
        index = None if rows is None else torch.as_tensor(rows, device=self.device)
        return source.tensors(self.device), index

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        everything = torch.arange(len(self.dataset), device=self.device)
        for index in everything.split(self.batch_size):
            yield Batch(*self._gather(index), index)

    def _gather(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        tensors, rows = self._data
        return tensors.gather(index if rows is None else rows[index])

    def labels(self) -> Tensor:
        """All labels (n, q) of the dataset, on the device; one dimension as one column."""
        tensors, rows = self._data
        if tensors.y is None:
            raise ValueError("The dataset has no labels.")
        y = tensors.y if rows is None else tensors.y.index_select(0, rows)
        return y[:, None] if y.ndim == 1 else y

    def whole(self) -> tuple[Tensor, Tensor]:
        """All rows of the dataset at once: X where it lives, and the labels."""
        tensors, rows = self._data
        return tensors.X if rows is None else tensors.select(rows), self.labels()

"""Mini-batches gathered from whole tensors."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_scalar
from torch import Tensor

from skd2ace._devices import full_device
from skd2ace._stored import StoredFeatures

from ._data import TensorDataset, Tensors, resolve, select_rows
from ._items import ItemDataset, Items, Workers
from ._shares import Share, deal


class Batch(tuple[Tensor, Tensor | None]):
    """A pair (X, y), as skorch wants it, that knows which instances it holds.

    Attributes
    ----------
    instances : Tensor of shape (b,)
        Indices of the instances, counted within the dataset that was iterated over.
    weights : Tensor of shape (b,) or (b, q), or None
        Weights of the loss: those of the data, whose mean over all cells of the dataset is 1,
        times those that a selector wants.
    instance_weights : Tensor of shape (b,), or None
        Beside ``weights`` of shape (b, q) from the data: what they are per instance.
    share : Share or None
        Where several processes train together: the rows of the batch that this one works on, of
        which alone X is; all else is of the whole batch.
    epoch : int or None
        The epoch, counted from 0, that a selector chose it for; None where nobody chose.
    is_labelled : bool
        Whether y is known not to hold NaN, for which nobody need look then.

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
    instance_weights: Tensor | None
    share: Share | None
    is_labelled: bool

    def __new__(
        cls,
        X: Tensor,
        y: Tensor | None,
        instances: Tensor,
        weights: Tensor | None = None,
        epoch: int | None = None,
        instance_weights: Tensor | None = None,
        share: Share | None = None,
        is_labelled: bool = False,
    ) -> "Batch":
        """Make the pair."""
        batch = super().__new__(cls, (X, y))
        batch.instances, batch.weights, batch.epoch = instances, weights, epoch
        batch.instance_weights, batch.share = instance_weights, share
        batch.is_labelled = is_labelled
        return batch


class BatchIterator:
    """Iterator for skorch's ``iterator_valid``; see :class:`SelectedBatches` for training.

    Consecutive rows, one gather per batch, from data that was moved to the device once.

    Parameters
    ----------
    dataset : Dataset
        A :class:`TensorDataset` or a subset of one; others, which give (x, y), are read item by
        item for each batch, their labels once for each iterator.
    batch_size : int, default=128
        At least 1.
    device : str or torch.device, default="cpu"
        Where the batches are wanted.
    num_workers, prefetch_factor, worker_init_fn
        As for torch's DataLoader, for data sets that are read item by item; no workers by
        default.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.training import BatchIterator, TensorDataset
    >>> dataset = TensorDataset(np.zeros((5, 3), dtype="float32"), np.ones((5, 2)))
    >>> [batch.instances.tolist() for batch in BatchIterator(dataset, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    # Whether each of several processes is served its share of the batches only.
    is_shared = False
    # Whether steps of a training are made on what is served: then images are augmented.
    is_training = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 128,
        device: str | torch.device = "cpu",
        num_workers: int = 0,
        prefetch_factor: int | None = None,
        worker_init_fn: Callable[[int], None] | None = None,
    ) -> None:
        self.dataset = dataset
        self.batch_size = int(check_scalar(batch_size, "batch_size", Integral, min_val=1))
        self.device = full_device(device)
        self.workers = Workers(num_workers, prefetch_factor, worker_init_fn)

    @cached_property
    def _source(self) -> tuple[TensorDataset | ItemDataset, np.ndarray | None]:
        """The data behind the dataset, and which of their rows it is; labels are read once."""
        return resolve(self.dataset)

    @cached_property
    def _data(self) -> tuple[Tensors | Items, Tensor | None]:
        """The tensors behind the dataset, and which of their rows it is (None: all)."""
        source, rows = self._source
        index = None if rows is None else torch.as_tensor(rows, device=self.device)
        return source.tensors(self.device), index

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        everything = torch.arange(len(self.dataset), device=self.device)
        indices = everything.split(self.batch_size)
        # Workers are seeded by a generator of their own: a pass leaves torch's as it was.
        batches = self._load(map(self._own, indices), torch.Generator())
        for index, (X, y) in zip(indices, batches, strict=True):
            yield self._make_batch(X, y, index)

    def _own(self, index: Tensor) -> Tensor:
        """Rows of a batch whose features this process reads."""
        return index[deal(len(index)).rows] if self.is_shared else index

    def _load(
        self,
        indices: Iterable[Tensor],
        generator: torch.Generator | None = None,
        *,
        ahead: bool = True,
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Serve X and y of batches of rows.

        Each is asked for when it is wanted, but for items that workers read, and for features in
        a file where they may be read ``ahead``.
        """
        tensors, rows = self._data
        roots = indices if rows is None else (rows[index] for index in indices)
        if isinstance(tensors, Items):
            return tensors.load(roots, self.workers, generator=generator, training=self.is_training)
        return tensors.load(roots, ahead=ahead)

    def _make_batch(
        self,
        X: Tensor,
        y: Tensor | None,
        index: Tensor,
        wanted: Tensor | None = None,
        epoch: int | None = None,
    ) -> Batch:
        """Make a batch with the weights of its cells, times those that a selector wants."""
        share = None
        if self.is_shared:
            share, y = deal(len(index)), self._all_labels[index]
        weights, of_instances = wanted, None
        if self._cell_weight is not None:
            weights = self._cell_weight[index]
            of_instances = weights if weights.ndim == 1 else weights.mean(1)
            if wanted is not None:
                weights = _multiply(weights, wanted)
                of_instances = of_instances * wanted if wanted.ndim == 1 else of_instances
            of_instances = None if weights.ndim == 1 else of_instances
        return Batch(X, y, index, weights, epoch, of_instances, share, self._is_labelled)

    @cached_property
    def _all_labels(self) -> Tensor:
        return self.labels()

    @cached_property
    def _is_labelled(self) -> bool:
        tensors, _ = self._data
        return tensors.y is not None and not self.labels().isnan().any()

    @cached_property
    def _cell_weight(self) -> Tensor | None:
        return self.cell_weight()

    def instance_shape(self) -> tuple[int, ...]:
        """Shape of the features of one instance."""
        source, _ = self._source
        if isinstance(source, ItemDataset):
            return source.instance_shape()
        return tuple(source.tensors(self.device).X.shape[1:])

    def labels(self) -> Tensor:
        """All labels (n, q) of the dataset, on the device; one dimension as one column."""
        tensors, rows = self._data
        if tensors.y is None:
            raise ValueError("The dataset has no labels.")
        y = tensors.y if rows is None else tensors.y.index_select(0, rows)
        return y[:, None] if y.ndim == 1 else y

    def cell_weight(self) -> Tensor | None:
        """Weights of the dataset's cells, on the device; None where all count the same.

        Returns
        -------
        Tensor of shape (n,) or (n, q), float32, or None
            0 where a label is not known; divided by the mean over all cells of the dataset.

        Raises
        ------
        ValueError
            If no cell that is known has a weight.
        """
        tensors, rows = self._data
        if tensors.y is None:
            return None
        given = tensors.cell_weight
        if given is not None and rows is not None:
            given = given.index_select(0, rows)
        return _normalize(given, None if self._is_labelled else ~self.labels().isnan())

    def neighbor_features(self) -> Tensor | None:
        """What neighbours of the dataset's rows are found on, where it is not X."""
        tensors, rows = self._data
        features = tensors.neighbor_features
        return None if features is None else select_rows(features, rows)

    def whole(self) -> tuple[Tensor, Tensor]:
        """All rows of the dataset at once: X where it lives, and the labels.

        Warns
        -----
        UserWarning
            If X is a large file, of which this reads all.
        """
        tensors, rows = self._data
        if isinstance(tensors, Items):
            return tensors.select(rows, self.workers), self.labels()
        if isinstance(tensors.X, StoredFeatures):
            tensors.X.warn_of_reading(
                "Neighbours are looked for among all instances",
                "With neighbor_features in fit, or n_neighbors=0, it stays in its file.",
            )
        return select_rows(tensors.X, rows), self.labels()

    @property
    def is_whole(self) -> bool:
        """Whether all features are at hand, and need not be read from items or a file."""
        tensors, _ = self._data
        return isinstance(tensors, Tensors) and isinstance(tensors.X, Tensor)


@contextmanager
def mark_training(iterator: Any, *, training: bool) -> Iterator[None]:
    """Have an iterator know whether steps of a training are made on what it serves."""
    if isinstance(iterator, BatchIterator):
        iterator.is_training = training
    try:
        yield
    finally:
        if isinstance(iterator, BatchIterator):
            # Selectors and callbacks go through it too, to see how the network predicts.
            iterator.is_training = False


def _normalize(weight: Tensor | None, known: Tensor | None) -> Tensor | None:
    """Weights over their mean, in which cells that are not known count as 0; None: all are."""
    if known is None:
        if weight is None or weight.min() == weight.max() > 0:
            return None
    else:
        per_cell = torch.ones_like(known, dtype=torch.float64) if weight is None else weight
        per_cell = per_cell if per_cell.ndim == 2 else per_cell[:, None]
        weight = torch.where(known, per_cell, 0)
    # In double precision: a mean over many cells.
    weight = weight.to(torch.float64)
    mean = weight.mean()
    if not mean > 0:
        raise ValueError("No instance has a label that is known and of a weight above 0.")
    return (weight / mean).to(torch.float32)


def _multiply(weights: Tensor, others: Tensor) -> Tensor:
    """Multiply weights of shape (b,) or (b, q) by others."""
    if weights.ndim == others.ndim:
        return weights * others
    return (weights if weights.ndim == 2 else weights[:, None]) * (
        others if others.ndim == 2 else others[:, None]
    )

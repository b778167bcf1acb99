"""Data that is read item by item when a batch wants it: with transforms, beyond memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.helper import SliceDataset
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from skd2ace._seeding import host_rngs, torch_rng

_READ_AT_ONCE = 128
_HOST = torch.device("cpu")


class Workers(NamedTuple):
    """Processes that read items, as torch's DataLoader takes them."""

    num_workers: int = 0
    prefetch_factor: int | None = None
    worker_init_fn: Callable[[int], None] | None = None


class ItemDataset(Dataset[Any]):
    """A map-style data set of instances, whose labels are read once and kept.

    Parameters
    ----------
    items : Dataset or SliceDataset
        Gives x, or a tuple (x, y, ...), at ``items[i]``: anew each time, so that transforms that
        draw do so for each batch. x is an array or tensor of numbers of one shape.
    y : Tensor of shape (n, q), optional
        Their labels, float32, NaN where one is not known; None where nobody wants them.
    cell_weight : Tensor of shape (n,) or (n, q), optional
        Weight of each instance, or of each of its labels, on any scale.
    neighbor_features : Tensor of shape (n, m), dense or sparse CSR, optional
        What a batch selector finds neighbours on. Without such, one that wants neighbours has
        all items read into memory, once for each training.

    Raises
    ------
    TypeError
        If items cannot be asked for by their number.
    ValueError
        If there are none.
    """

    def __init__(
        self,
        items: Any,
        y: Tensor | None = None,
        *,
        cell_weight: Tensor | None = None,
        neighbor_features: Tensor | None = None,
    ) -> None:
        if isinstance(items, IterableDataset) or not hasattr(items, "__len__"):
            raise TypeError(
                f"A data set must be of the map style, with __getitem__ and __len__: "
                f"{type(items).__name__} has no length, by which instances are split and chosen."
            )
        if len(items) == 0:
            raise ValueError("Found data set with 0 sample(s) while a minimum of 1 is required.")
        self.items = items
        self.y = y
        self.cell_weight = cell_weight
        self.neighbor_features = neighbor_features
        self._shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return _features(self.items, i), self.labels()[i]

    def __repr__(self) -> str:
        # All by which a checkpoint knows the features again: items may be others each time.
        kind = f"{type(self.items).__module__}.{type(self.items).__qualname__}"
        return f"ItemDataset({kind}, {len(self)} of shape {self.instance_shape()})"

    def instance_shape(self) -> tuple[int, ...]:
        """Shape of the features of one instance."""
        if self._shape is None:
            with torch_rng(_HOST, 0):
                self._shape = tuple(_features(self.items, 0).shape)
        return self._shape

    def read_labels(self, workers: Workers | None = None) -> NDArray[Any]:
        """Read the labels of all items once, as these have them.

        Raises
        ------
        ValueError
            If items are no pairs (x, y).
        """
        loader = DataLoader(
            _Labels(self.items),
            batch_size=_READ_AT_ONCE,
            collate_fn=list,
            generator=torch.Generator(),
            **(workers or Workers())._asdict(),
        )
        # What transforms draw meanwhile is of no account.
        with torch_rng(_HOST, 0):
            return np.stack([label for labels in loader for label in labels])

    def labels(self) -> Tensor:
        """Labels (n, q), float32; read at the first call where none were given."""
        if self.y is None:
            y = torch.as_tensor(self.read_labels(), dtype=torch.float32)
            self.y = y[:, None] if y.ndim == 1 else y
        return self.y

    def tensors(self, device: torch.device) -> "Items":
        """Return the data for ``device``: of all but the features, which are read when asked."""
        y = None if self.y is None else self.y.to(device)
        weight = None if self.cell_weight is None else self.cell_weight.to(device)
        return Items(self.items, y, device, weight, self.neighbor_features)

    def with_labels(self) -> "ItemDataset":
        """Read the labels if the items have such; returns the data set itself."""
        with torch_rng(_HOST, 0):
            first = self.items[0]
        if _is_pair(first) and not isinstance(self.items, SliceDataset):
            self.labels()
        return self


class Items(NamedTuple):
    """A data set's items and their labels, with the face of :class:`Tensors`."""

    items: Any
    y: Tensor | None
    device: torch.device
    cell_weight: Tensor | None = None
    neighbor_features: Tensor | None = None

    def select(self, rows: Tensor | None, workers: Workers) -> Tensor:
        """Features of rows (None: of all) at once, on the host; the same at each call."""
        batches = (torch.arange(len(self.items)) if rows is None else rows).split(_READ_AT_ONCE)
        generator = torch.Generator()
        # A training that goes on from a checkpoint finds the neighbours that it had.
        with torch_rng(_HOST, 0):
            parts = self.load(batches, workers, generator=generator, on_device=False)
            return torch.cat([X for X, _ in parts])

    def gather(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        """Items ``index``, on the device."""
        return next(self.load([index]))

    def load(
        self,
        batches: Iterable[Tensor],
        workers: Workers | None = None,
        *,
        generator: torch.Generator | None = None,
        on_device: bool = True,
        training: bool = False,
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Serve features and labels of batches of indices.

        Without workers a batch is asked for when it is wanted and not before; with workers some
        are drawn ahead. ``generator`` seeds the workers; None is torch's own. For ``training``
        items that have others for it, ``for_training()``, are drawn each by a seed of its own: the
        same whoever reads them.
        """
        pending: deque[Tensor] = deque()
        augmented = _augment(self.items) if training else None
        seeds = None if augmented is None else _seed_one_by_one()

        def draw() -> Iterator[list[Any]]:
            for index in batches:
                pending.append(index)
                rows = index.tolist()
                yield rows if seeds is None else list(zip(rows, seeds, strict=False))

        workers = workers or Workers()
        if workers.num_workers == 0 or augmented is not None:
            # The seed of workers that are not there would be drawn all the same.
            generator = torch.Generator()
        pin = on_device and self.device.type == "cuda"
        loader = DataLoader(
            _Features(self.items) if augmented is None else _Drawn(augmented),
            batch_sampler=_Once(draw()),
            generator=generator,
            pin_memory=pin,
            **workers._asdict(),
        )
        for X in loader:
            index = pending.popleft()
            y = None if self.y is None else self.y.index_select(0, index.to(self.y.device))
            yield (X.to(self.device, non_blocking=pin) if on_device else X), y


class _Once:
    """A batch sampler that is gone through once."""

    def __init__(self, batches: Iterator[list[Any]]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[Any]]:
        return self.batches


class _Features(Dataset[Tensor]):
    """The features of items; its own class, since worker processes get it."""

    def __init__(self, items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Tensor:
        return _features(self.items, i)


class _Drawn(_Features):
    """The features of items that are drawn: asked for by their number and a seed."""

    def __getitem__(self, place: Any) -> Tensor:
        i, seed = place
        with host_rngs(seed):
            return super().__getitem__(i)


class _Labels(_Features):
    """The labels of items, as numpy has them."""

    def __getitem__(self, i: int) -> Any:
        item = self.items[i]
        if not _is_pair(item):
            raise ValueError(
                f"A data set to train on must give pairs (x, y), got {type(item).__name__} at {i}; "
                "labels can be given apart, as fit(dataset, Y)."
            )
        label = item[1]
        return label.detach().cpu().numpy() if isinstance(label, Tensor) else np.asarray(label)


def _augment(items: Any) -> Any:
    """Items as a training wants them drawn, or None if as everyone has them."""
    return items.for_training() if hasattr(items, "for_training") else None


def _seed_one_by_one() -> Iterator[int]:
    """Seeds without end, that go back to one draw from torch's own generator."""
    generator = torch.Generator()
    generator.manual_seed(int(torch.randint(2**62, ())))
    while True:
        yield int(torch.randint(2**62, (), generator=generator))


def _is_pair(item: Any) -> bool:
    return isinstance(item, (tuple, list)) and len(item) >= 2


def _features(items: Any, i: int) -> Tensor:
    item = items[i]
    # A slice of a data set gives x alone.
    if isinstance(item, (tuple, list)) and not isinstance(items, SliceDataset):
        item = item[0]
    try:
        x = item if isinstance(item, Tensor) else torch.as_tensor(np.asarray(item))
    except TypeError as error:
        raise ValueError(f"x of item {i} must be an array of numbers: {error}") from error
    if x.ndim == 0:
        raise ValueError(f"x of item {i} must have a dimension at least, got {item!r}.")
    return x.detach().to(torch.float32)

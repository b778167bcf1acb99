"""The training's own iterator: batches that a selector chose."""

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Protocol

import torch
from torch import Tensor

from skd2ace._devices import is_ready
from skd2ace.selection import BatchSelector

from ._batches import Batch, BatchIterator

_Reference = weakref.ReferenceType["SelectedBatches"]


class _Unclaimed(threading.local):
    """Iterators of a thread that no training has claimed yet, in the order they were made."""

    def __init__(self) -> None:
        self.references: list[_Reference] = []

    def alive(self) -> list["SelectedBatches"]:
        found = [reference() for reference in self.references]
        self.references = [
            reference
            for reference, one in zip(self.references, found, strict=True)
            if one is not None
        ]
        return [one for one in found if one is not None]


_unclaimed = _Unclaimed()


class ChoosesBatches(Protocol):
    """What is asked of a batch selector here."""

    def batches(self, epoch: int) -> Iterator[Tensor]: ...

    def count_batches(self, epoch: int) -> int: ...

    def loss_weights(self, index: Tensor, Y: Any) -> Tensor | None: ...


class SelectedBatches(BatchIterator):
    """Iterator for skorch's ``iterator_train``, which :class:`BatchSelection` tells what to serve.

    A training claims the iterator that its loop goes through. Told of a selector, that one serves
    the selector's batches of one epoch, once; in all other cases, and whoever else iterates, it
    serves consecutive rows. So callbacks may make and use iterators of their own over the
    training data, at any time, and training does not notice.

    Parameters
    ----------
    dataset, batch_size, device, num_workers, prefetch_factor, worker_init_fn
        As for :class:`BatchIterator`. Workers draw batches ahead, ``num_workers`` times
        ``prefetch_factor`` of them (2): of selectors that look at each update before they draw
        the next batch, those see updates that much later. Without workers none is drawn ahead.

    Raises
    ------
    ValueError
        While iterating, if a selector gives an epoch or a batch without instances.
    IndexError
        While iterating, if a selector gives an index out of range: at once on the CPU, at the
        end of the epoch on other devices, for which no step waits.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.selection import RandomBatches
    >>> from skd2ace.training import SelectedBatches, TensorDataset
    >>> batches = SelectedBatches(TensorDataset(np.eye(5), np.eye(5)), batch_size=2)
    >>> selector = RandomBatches()
    >>> selector = selector.start(*batches.whole(), n_epochs=1, batch_size=2, random_state=0)
    >>> batches.select(selector, epoch=0)
    >>> [batch.instances.tolist() for batch in batches]
    [[2, 3], [4, 1], [0]]
    >>> [batch.instances.tolist() for batch in batches]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 128,
        device: str | torch.device = "cpu",
        num_workers: int = 0,
        prefetch_factor: int | None = None,
        worker_init_fn: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(dataset, batch_size, device, num_workers, prefetch_factor, worker_init_fn)
        self._selection: tuple[ChoosesBatches, int] | None = None
        _unclaimed.references.append(weakref.ref(self))

    def select(self, selector: ChoosesBatches, epoch: int) -> None:
        """Serve the batches of a started selector's epoch, counted from 0, the next time."""
        self._selection = selector, epoch

    def __len__(self) -> int:
        if self._selection is None:
            return super().__len__()
        selector, epoch = self._selection
        return selector.count_batches(epoch)

    def __iter__(self) -> Iterator[Batch]:
        selection, self._selection = self._selection, None
        return super().__iter__() if selection is None else self._serve(*selection)

    def _serve(self, selector: ChoosesBatches, epoch: int) -> Iterator[Batch]:
        name = getattr(selector, "name", type(selector).__name__)
        check = _RangeCheck(name, len(self.dataset), self.device)
        labels, ahead = self.labels(), _may_draw_ahead(selector)
        drawn: deque[tuple[Tensor, Tensor | None]] = deque()

        def weigh(index: Tensor) -> Tensor | None:
            return selector.loss_weights(index, labels.index_select(0, index))

        def draw() -> Iterator[Tensor]:
            for index in selector.batches(epoch):
                index = check(index)
                # While the selector is where it drew them: later ones may be drawn by workers.
                drawn.append((index, None if ahead else weigh(index)))
                yield self._own(index)

        for X, y in self._load(draw(), ahead=ahead):
            index, wanted = drawn.popleft()
            # With all updates made before the batch, as where none is drawn ahead.
            yield self._make_batch(X, y, index, weigh(index) if ahead else wanted, epoch)
        check.finish()


def find_unclaimed() -> "weakref.WeakSet[SelectedBatches]":
    """Find the iterators that there are and that no training has claimed."""
    return weakref.WeakSet(_unclaimed.alive())


def claim_batches(
    dataset: Any, earlier: "weakref.WeakSet[SelectedBatches]"
) -> SelectedBatches | None:
    """Claim the iterator that a training which is about to begin its first epoch goes through.

    Skorch makes it right after training has begun and before its first epoch, together with the
    training data: of the unclaimed ones over them it is the oldest that was not there earlier.
    None where there is none.
    """
    for iterator in _unclaimed.alive():
        if iterator.dataset is dataset and iterator not in earlier:
            _unclaimed.references.remove(weakref.ref(iterator))
            return iterator
    return None


def _may_draw_ahead(selector: Any) -> bool:
    """Whether its batches are the same if it is told late of the steps before."""
    serves_as_usual = getattr(type(selector), "batches", None) is BatchSelector.batches
    return serves_as_usual and not selector._draws_by_updates()


class _RangeCheck:
    """Watches the indices of one epoch, without making a GPU wait for the answer."""

    def __init__(self, name: str, n_instances: int, device: torch.device) -> None:
        self.name = name
        self.device = device
        self.n_instances = n_instances
        self.n_batches = 0
        self.outside: Tensor | None = None

    def __call__(self, index: Any) -> Tensor:
        if not _is_index(index):
            what = tuple(index.shape) if isinstance(index, Tensor) else type(index).__name__
            raise ValueError(
                f"{self.name} gave a batch of {what}, {getattr(index, 'dtype', '')}; a batch is "
                "a one-dimensional tensor of at least one index, int64 or int32."
            )
        index = index.to(self.device, torch.int64)
        self.n_batches += 1
        lowest, highest = index.aminmax()
        if is_ready(index):
            if lowest.item() < 0 or highest.item() >= self.n_instances:
                self._refuse()
            return index
        outside = (lowest < 0) | (highest >= self.n_instances)
        self.outside = outside if self.outside is None else self.outside | outside
        return index.clamp(0, self.n_instances - 1)

    def finish(self) -> None:
        if self.n_batches == 0:
            raise ValueError(f"{self.name} gave an epoch without batches.")
        if self.outside is not None and bool(self.outside):
            self._refuse()

    def _refuse(self) -> NoReturn:
        raise IndexError(
            f"{self.name} gave an index outside the {self.n_instances} training instances."
        )


def _is_index(index: Any) -> bool:
    # An uint8 tensor would index as a mask does.
    whole = isinstance(index, Tensor) and index.dtype in (torch.int64, torch.int32)
    return whole and index.ndim == 1 and len(index) > 0

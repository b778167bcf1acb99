"""A selector's batches for whoever trains through torch's DataLoader, in one process or many."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Sampler

from skd2ace._processes import from_first, gather, world

from ._base import BatchSelector
from ._sharing import Sharing


class SelectedBatchSampler(Sampler[list[int]]):
    """Serve the batches of a started selector as the ``batch_sampler`` of a DataLoader.

    Each time it is gone through it serves the next epoch: the one after the last that was served
    whole, or of which the selector has been told anything; a look at a first batch before the
    training costs none, unless the loader's workers have drawn the whole epoch by then (of no
    more than ``num_workers * prefetch_factor`` batches). :meth:`set_epoch` says otherwise, and
    takes such a look back. Call :meth:`update` after each step.

    Where torch.distributed is initialized when an epoch begins, each process serves its share of
    the same batches, ceil(b / processes) instances of each, and the selectors of all are told
    what all have seen, in the order of one process: given the same predictions, the batches are
    the same bit for bit. All processes start their selectors on all data. A seed that was drawn
    (``random_state=None``) is that of process 0. Where a batch cannot be dealt evenly, its first
    instances fill the last shares, as with torch's DistributedSampler; the weights of
    :meth:`loss_weights` are 0 for these copies, and :meth:`update` leaves them out.

    Parameters
    ----------
    selector : BatchSelector
        Started; it is changed, not copied.

    Attributes
    ----------
    batch_size : int
        Instances in a whole batch of all processes.

    Notes
    -----
    The loader's data set must give the index along with each instance, for :meth:`update`.
    Workers draw batches ahead, which matters only to selectors that draw each batch by the
    updates of the one before (``HardImb``); weights are those of the probabilities that a batch
    was drawn by.

    In many processes :meth:`update` is called once for each batch, in the order in which they are
    served, by all processes. What they saw is exchanged when the epoch's last batch is told, or
    before each batch for selectors that draw by it.

    Examples
    --------
    >>> import torch
    >>> from torch.nn.functional import binary_cross_entropy_with_logits
    >>> from torch.utils.data import DataLoader, TensorDataset
    >>> from skd2ace.selection import D2ACE, SelectedBatchSampler
    >>> X, Y = torch.randn(60, 5), torch.randint(2, (60, 3)).float()
    >>> network = torch.nn.Linear(5, 3)
    >>> optimizer = torch.optim.Adam(network.parameters())
    >>> selector = D2ACE(warmup_epochs=1).start(X, Y, n_epochs=3, batch_size=16)
    >>> batches = SelectedBatchSampler(selector)
    >>> loader = DataLoader(TensorDataset(torch.arange(60), X, Y), batch_sampler=batches)
    >>> for epoch in range(3):
    ...     for index, x, y in loader:
    ...         logits = network(x)
    ...         losses = binary_cross_entropy_with_logits(logits, y, reduction="none")
    ...         optimizer.zero_grad()
    ...         (batches.loss_weights(index, y) * losses).mean().backward()
    ...         optimizer.step()
    ...         batches.update(index, logits.sigmoid(), losses)
    """

    def __init__(self, selector: BatchSelector) -> None:
        selector._check_started()
        self.selector = selector
        self.batch_size = selector.batch_size_
        self._wanted: int | None = None
        # The last epoch that was served whole, and how often update was called in the one at hand.
        self._served: int | None = None
        self._n_told = 0
        # Batches drawn and not told yet, with weights by probabilities that later ones change.
        self._weighed: deque[tuple[list[int], Tensor]] = deque()
        self._sharing: Sharing | None = None

    @property
    def sampler(self) -> "SelectedBatchSampler":
        """Itself: Lightning tells the epoch to the sampler of a batch sampler."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch is served next.

        Parameters
        ----------
        epoch : int
            0, 1, 2, ...

        Raises
        ------
        ValueError
            If it lies before the last one served.
        """
        if epoch < self.selector.epoch_:
            raise ValueError(
                f"Epoch {epoch} (from 0) was asked for, and epoch {self.selector.epoch_} has been "
                "served: start() the selector again for another training; where one goes on, tell "
                "the loader at which epoch."
            )
        self._wanted = epoch

    def __len__(self) -> int:
        """Count the batches of the epoch at hand.

        That is the one being served, and as soon as all of its batches have been told, or
        :meth:`set_epoch` was called, the one to be served next.
        """
        selector = self.selector
        if selector.epoch_ >= 0 and self._wanted is None and not self._is_told():
            return selector.count_batches(selector.epoch_)
        return selector.count_batches(self._epoch())

    def __iter__(self) -> Iterator[list[int]]:
        # A loader with workers takes two iterators, and Lightning more: what is drawn from counts.
        epoch = self._begin()
        selector, sharing = self.selector, self._sharing
        n_batches = selector.count_batches(epoch)
        for i, drawn in enumerate(self._draw(epoch)):
            batch = drawn.tolist()
            if sharing is not None and i == 0:
                sharing.check_agreement(selector, batch)
            # Loops that know the number of batches do not ask for one more.
            is_last = i + 1 >= n_batches
            self._served = epoch if is_last else self._served
            weights = self._weigh_drawn(drawn)
            if sharing is not None:
                batch = sharing.take_share(batch, weights, last=is_last)
            elif weights is not None:
                self._weighed.append((batch, weights))
            yield batch

    def _begin(self) -> int:
        """Begin the next epoch, with all processes."""
        n_processes, rank = world()
        if self._sharing is not None:
            self._sharing.exchange(self.selector)
        epoch = self._epoch()
        self._sharing = Sharing(n_processes, rank) if n_processes > 1 else None
        if self._sharing is not None and epoch == 0:
            self._share_seed()
        self._wanted, self._n_told = None, 0
        self._weighed.clear()
        return epoch

    def _draw(self, epoch: int) -> Iterator[Tensor]:
        batches = self.selector.batches(epoch)
        while True:
            if self._sharing is not None and self.selector._draws_by_updates():
                self._sharing.exchange(self.selector)
            try:
                yield next(batches)
            except StopIteration:
                return

    def _weigh_drawn(self, drawn: Tensor) -> Tensor | None:
        """Weights (b,) of a batch just drawn, if they must be kept until it is trained on."""
        selector = self.selector
        by_draw = type(selector).loss_weights is BatchSelector.loss_weights
        is_passing = by_draw and selector._draws_by_updates()
        return selector._draw_weights(drawn) if is_passing else None

    def _find_weights(self, index: Tensor) -> Tensor | None:
        """Find the weights kept of a batch, and forget those of the batches before it."""
        batch = index.tolist() if self._weighed else []
        if not any(drawn == batch for drawn, _ in self._weighed):
            return None
        while self._weighed[0][0] != batch:
            self._weighed.popleft()
        return self._weighed[0][1]

    def update(
        self,
        index: Tensor,
        proba: Tensor,
        losses: Tensor,
        *,
        learning_rate: float | None = None,
    ) -> None:
        """Tell the selector what a training step saw: :meth:`BatchSelector.update`, shared.

        Selectors with ``refresh="epoch"`` are told of all instances, by each process.

        Parameters
        ----------
        index : Tensor of shape (b,), integer
            The instances of the batch, as they were served to this process; in many processes
            best on the CPU, as a wait for the device is spared.
        proba : Tensor of shape (b, q)
            Their predicted probabilities, in [0, 1]; detached here.
        losses : Tensor of shape (b, q)
            Their binary cross-entropy per label, unreduced and unweighted, in nats.
        learning_rate : float, optional
            That of the step.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        RuntimeError
            In many processes, if the batch is none that was served, or the processes do not go
            through the same batches.
        """
        selector, sharing = self.selector, self._sharing
        self._n_told += 1
        if self._find_weights(index) is not None:
            self._weighed.popleft()
        if self._wanted == selector.epoch_ and self._is_told():
            # Lightning says which epoch it is when that has begun.
            self._wanted = None
        is_for_all = selector.refresh == "visit" and selector._wants_updates()
        if sharing is None or not is_for_all:
            # Told of all instances by each process, or going by nothing it is told.
            selector.update(index, proba, losses, learning_rate=learning_rate)
            return
        if sharing.tell(index, proba, losses, learning_rate):
            sharing.exchange(selector)

    def loss_weights(self, index: Tensor, Y: Tensor) -> Tensor:
        """Weights by which to multiply the losses (b, q) of a batch before their mean is taken.

        In many processes the mean over processes of these means, as DistributedDataParallel
        takes it of the gradients, is the mean over the whole batch.

        Parameters
        ----------
        index : Tensor of shape (b,)
            As for :meth:`update`, which comes after.
        Y : Tensor of shape (b, q)
            Labels of the batch.

        Returns
        -------
        Tensor of shape (b, 1) or (b, q)
            On the device of Y, and of its dtype if that is floating; ones in one process, unless
            the selector weights the loss.

        Raises
        ------
        RuntimeError
            In many processes, if the batch is none that was served.
        """
        selector, sharing = self.selector, self._sharing
        weights: Tensor | None
        if sharing is not None:
            weights = sharing.weigh(selector, index, Y)
        elif (kept := self._find_weights(index)) is not None:
            weights = _as_columns(kept)
        else:
            weights = _as_columns(selector.loss_weights(index.to(selector.device_), Y))
        if weights is None:
            return torch.ones(len(index), 1, device=Y.device)
        # Labels may be whole numbers, which would cut weights off.
        return weights.to(Y.device, Y.dtype if Y.is_floating_point() else torch.float32)

    def state_dict(self) -> dict[str, Any]:
        """Copy what is needed to go on later: call it between epochs, in one process or all.

        Returns
        -------
        dict
            What ``torch.save`` stores and ``torch.load(..., weights_only=True)`` reads.

        Raises
        ------
        RuntimeError
            In many processes, if there are updates of a part of an epoch.
        """
        if self._sharing is not None:
            self._sharing.check_exchanged()
        return {"next_epoch": self._due(), "selector": self.selector.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was called: with a selector started on the same data.

        Parameters
        ----------
        state : dict
            Of any process, of any number of them.

        Raises
        ------
        ValueError
            If the state is that of another selector, or of another number of instances or labels.
        """
        self.selector.load_state_dict(state["selector"])
        self._wanted, self._sharing = state["next_epoch"], None
        # Those of an epoch that is taken back.
        self._served, self._n_told = None, 0
        self._weighed.clear()

    def _share_seed(self) -> None:
        """Give all processes the seed of the first, and what it has drawn by it."""
        selector = self.selector
        if len(set(gather(selector.seed_))) > 1 and not selector.seen_:
            selector.load_state_dict(from_first(selector.state_dict))

    def _is_told(self) -> bool:
        """Whether all of the epoch being served has been served and told."""
        selector = self.selector
        n_updates = 1 if selector.refresh == "epoch" else selector.count_batches(selector.epoch_)
        return self._served == selector.epoch_ and self._n_told >= n_updates

    def _epoch(self) -> int:
        return self._due() if self._wanted is None else self._wanted

    def _due(self) -> int:
        """Find the epoch that comes next where nobody says which."""
        if self._wanted is not None and self._wanted > self.selector.epoch_:
            return self._wanted
        if self.selector.epoch_ < 0:
            return 0
        is_over = self._served == self.selector.epoch_ or self.selector._was_told()
        return self.selector.epoch_ + is_over


def _as_columns(weights: Tensor | None) -> Tensor | None:
    return weights[:, None] if weights is not None and weights.ndim == 1 else weights

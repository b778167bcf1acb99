"""What a batch selector did, epoch by epoch."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback
from torch import Tensor

from skd2ace.selection import BatchSelector
from skd2ace.selection.functional import known_mean


@dataclass(frozen=True)
class SelectionEpoch:
    """What a selector did in one epoch.

    Parameters
    ----------
    epoch : int
        From 1.
    draws : ndarray of shape (n,), int32
        How often each instance of the training part was drawn.
    probabilities : ndarray of shape (n,), float32, or None
        What it was drawn by; None where the batches were shuffled.
    losses : ndarray of shape (n,), float32
        Mean loss over the labels that are known at the instance's last step, in nats; NaN where
        it was not drawn, or nobody told; 0 of an instance without any.
    distributions : dict of str to ndarray of shape (n,), float32
        What D2ACE mixes the probabilities of: "uncertainty", "hardness", or the one that has a
        part; empty for other selectors.
    share : float
        Part of uncertainty in that mixture (Eq. 17 of the D2ACE paper), or NaN.
    label_weights : dict of str to ndarray of shape (q,), float32
        Under the same names, the label weights (Eq. 6-7) that went into the distributions.
    """

    epoch: int
    draws: NDArray[np.int32]
    probabilities: NDArray[np.float32] | None
    losses: NDArray[np.float32]
    distributions: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    share: float = float("nan")
    label_weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)


class _Epochs(list[SelectionEpoch]):
    """Epochs that go into a checkpoint and back."""

    def state_dict(self) -> dict[str, Any]:
        """Give all that they hold."""
        return {"epochs": [dict(vars(epoch)) for epoch in self]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Hold what :meth:`state_dict` gave, and nothing else."""
        self[:] = [SelectionEpoch(**epoch) for epoch in state["epochs"]]


class SelectionRecorder(Callback):
    """Keep what a batch selector did: its probabilities, and who was drawn how often.

    As a callback of a classifier here, or of any net with
    :class:`~skd2ace.training.BatchSelection`; or, in a loop of one's own, by :meth:`follow`. It
    keeps 12 bytes for each instance and epoch on the host, 20 with D2ACE, and so does each file and
    checkpoint, of all epochs so far; it changes nothing. Of D2ACE it makes the label weights again,
    which costs as much as a part of the probabilities.

    Attributes
    ----------
    epochs_ : list of SelectionEpoch
        Of all epochs so far.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import D2ACE
    >>> from skd2ace.training import SelectionRecorder
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = CLIFClassifier(
    ...     batch_selector=D2ACE(), callbacks=[SelectionRecorder()], train_split=None,
    ...     max_epochs=10, random_state=0, verbose=0,
    ... ).fit(X, Y)
    >>> epochs = dict(est.callbacks_)["SelectionRecorder"].epochs_
    >>> len(epochs), int(epochs[-1].draws.sum()), sorted(epochs[-1].distributions)
    (10, 60, ['hardness', 'uncertainty'])

    In a loop of one's own:

    >>> import torch
    >>> recorder, selector = SelectionRecorder(), D2ACE()
    >>> X, Y = torch.as_tensor(X).float(), torch.as_tensor(Y).float()
    >>> selector = selector.start(X, Y, n_epochs=2, batch_size=20, random_state=0)
    >>> for epoch in range(2):
    ...     for index in recorder.follow(selector, epoch):
    ...         losses = torch.rand(len(index), 5)  # those of the step
    ...         selector.update(index, torch.rand(len(index), 5), losses)
    ...         recorder.see(index, losses)
    >>> len(recorder.epochs_)
    2
    """

    # Counts of the epoch under way; None between epochs.
    _draws_: Tensor | None = None

    def initialize(self) -> "SelectionRecorder":
        """Forget all epochs."""
        self.epochs_: list[SelectionEpoch] = _Epochs()
        return self

    def follow(self, selector: BatchSelector, epoch: int) -> Iterator[Tensor]:
        """Serve the batches of an epoch, as ``selector.batches(epoch)`` does, and record it.

        Parameters
        ----------
        selector : BatchSelector
            Started.
        epoch : int
            0, 1, 2, ...; at 0 what was recorded before is forgotten.

        Yields
        ------
        Tensor of shape (b,), int64
        """
        if epoch == 0 or not hasattr(self, "epochs_"):
            self.initialize()
        self._draws_ = None
        for index in selector.batches(epoch):
            self._count(selector, index)
            yield index
        self._end_epoch(selector, epoch + 1)

    def see(self, index: Tensor, losses: Tensor) -> None:
        """Take in the losses of a step of one's own loop.

        Parameters
        ----------
        index : Tensor of shape (b,), integer
        losses : Tensor of shape (b, q)
            In nats, unreduced.
        """
        losses = losses.detach().float().to(self._losses_.device)
        index = index.to(self._losses_.device)
        known = None if self._known_ is None else self._known_[index]
        self._losses_[index] = known_mean(losses, known)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin to count."""
        if not hasattr(net, "batch_selector_"):
            raise TypeError(
                f"SelectionRecorder records what a batch selector draws, and this "
                f"{type(net).__name__} trains without one: skd2ace.training.BatchSelection, before "
                "it among the callbacks, brings one."
            )
        self._draws_ = None

    def on_batch_begin(
        self, net: Any, batch: Any = None, training: bool | None = None, **kwargs: Any
    ) -> None:
        """Count who was drawn."""
        if training:
            self._count(net.batch_selector_, batch.instances)

    def on_batch_end(
        self,
        net: Any,
        batch: Any = None,
        training: bool | None = None,
        label_losses: Tensor | None = None,
        **kwargs: Any,
    ) -> None:
        """Take in the losses of a step, where the net says what they are."""
        if training and label_losses is not None:
            self.see(batch.instances, label_losses)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Bring the epoch to the host."""
        if self._draws_ is not None:
            self._end_epoch(net.batch_selector_, len(net.history))

    def _count(self, selector: Any, index: Tensor) -> None:
        if self._draws_ is None:
            # The first batch is drawn, and nothing told of it: what its probabilities were made
            # of is still there.
            n, device = selector.n_instances_, selector.device_
            self._draws_ = torch.zeros(n, dtype=torch.int32, device=device)
            self._losses_ = torch.full((n,), torch.nan, device=device)
            self._known_ = selector.known_
            self._label_weights_ = {
                name: _to_host(selector.weigh_labels(name)) for name in _find_mixed(selector)
            }
        index = index.to(self._draws_.device)
        self._draws_.index_add_(0, index, torch.ones_like(index, dtype=torch.int32))

    def _end_epoch(self, selector: BatchSelector, epoch: int) -> None:
        assert self._draws_ is not None
        served, mixed = selector.probabilities_, _find_mixed(selector)
        self.epochs_.append(
            SelectionEpoch(
                epoch,
                self._draws_.cpu().numpy(),
                None if served is None else _to_host(served),
                _to_host(self._losses_),
                {name: _to_host(part) for name, part in mixed.items()},
                float(getattr(selector, "share_", "nan")) if mixed else float("nan"),
                self._label_weights_,
            )
        )
        self._draws_ = None

    def __getstate__(self) -> dict[str, Any]:
        passing = ("_draws_", "_losses_", "_known_", "_label_weights_")
        return {k: v for k, v in vars(self).items() if k not in passing}


def _find_mixed(selector: Any) -> dict[str, Tensor]:
    """Find the distributions that D2ACE mixed for the epoch at hand; other selectors have none."""
    # It keeps its last mixture; in a shuffled epoch that has no part.
    return {} if selector.probabilities_ is None else getattr(selector, "distributions_", {})


def _to_host(values: Tensor) -> NDArray[np.float32]:
    return values.float().cpu().numpy()

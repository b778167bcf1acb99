"""Random subsets: the control of every selector that leaves instances out."""

import math
from collections.abc import Iterator
from numbers import Real
from typing import Any, ClassVar

import torch
from sklearn.base import clone
from torch import Tensor

from skd2ace._sklearn import Interval

from ._base import BatchSelector


class RandomSubset(BatchSelector):
    """A random part of the instances, drawn anew each epoch.

    What a selector gains may be owed to whom it chooses, or to how many: to fewer steps, or to the
    same few instances again. With ``like``, this one follows another selector in all but the
    choice: that one makes its batches, from what training sees, and each epoch the instances are
    exchanged for others by a random permutation. The batches have the same sizes, the same number
    of distinct instances, and each of them is repeated as often. Random subsets with the pacing of
    a curriculum were found to do as well as the curriculum [1]_.

    Parameters
    ----------
    share : float, default=0.5
        Share of the instances in an epoch, in (0, 1]; at least one. Without meaning where there
        is a selector to follow.
    like : BatchSelector or None, default=None
        The selector to follow; a copy is started. Its weights of the loss are left away: whom they
        were for is not there, and a random choice needs none.

    Attributes
    ----------
    like_ : BatchSelector or None
        The one that is followed.
    epoch_ : int
        The epoch being served, from 0.

    See Also
    --------
    RandomBatches : All instances.

    Notes
    -----
    *Its batches are as many* as ceil(share n / batch_size), or as those of the other selector.

    *Cost.* Time O(n) per epoch, no state; beside those of the selector that is followed.

    References
    ----------
    .. [1] Wu, Dyer and Neyshabur (2021). When Do Curricula Work? ICLR. arXiv:2012.03107.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection import RandomSubset
    >>> selector = RandomSubset(share=0.3)
    >>> X, Y = torch.zeros(10, 2), torch.zeros(10, 3)
    >>> selector = selector.start(X, Y, n_epochs=1, batch_size=2, random_state=0)
    >>> [len(index) for index in selector.batches(0)]
    [2, 1]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "share": [Interval(Real, 0, 1, closed="right")],
        "like": [BatchSelector, None],
    }
    # Handed on without loss.
    _update_dtype: ClassVar[torch.dtype] = torch.float64

    def __init__(self, share: float = 0.5, like: BatchSelector | None = None) -> None:
        self.share = share
        self.like = like

    @property
    def refresh(self) -> Any:  # type: ignore[override]
        """Which predictions the selector that is followed wants."""
        return "visit" if self.like is None else self.like.refresh

    def _wants_features(self) -> bool:
        return self.like is not None and self.like._wants_features()

    def _wants_updates(self) -> bool:
        return self.like is not None and self.like._wants_updates()

    def _draws_by_updates(self) -> bool:
        return self.like is not None and self.like._draws_by_updates()

    def _start(self, X: Tensor, Y: Tensor) -> None:
        self.like_: BatchSelector | None = None
        if self.like is not None:
            self.like_ = clone(self.like).start(
                X,
                Y,
                n_epochs=self.n_epochs_,
                batch_size=self.batch_size_,
                random_state=self.seed_,
                cell_weight=self.known_,
            )

    def _update(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> None:
        if self.like_ is not None:
            self.like_.update(index, proba, losses, learning_rate=learning_rate)

    def _open(self, epoch: int) -> None:
        super()._open(epoch)
        if self.like_ is not None:
            self.n_batches_ = self.like_.count_batches(epoch)

    def _order(self, epoch: int) -> Tensor:
        order = super()._order(epoch)
        n_served = max(math.floor(round(self.share * len(order), 9) + 0.5), 1)
        return order if self.like_ is not None else order[:n_served]

    def _serve(self) -> Iterator[Tensor]:
        if self.like_ is None:
            yield from super()._serve()
            return
        exchanged = self.order_
        for index in self.like_.batches(self.epoch_):
            yield exchanged[index]

    def state_dict(self) -> dict[str, Any]:
        """Copy what is needed to go on later, that of the selector that is followed included.

        Returns
        -------
        dict of str to Tensor, int or bool
            As of every selector; the followed one's begin with ``like_.``.
        """
        state = super().state_dict()
        return state | _prefix({} if self.like_ is None else self.like_.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was called; call it after ``start``.

        Parameters
        ----------
        state : dict
            Of a selector with the same parameters, started on the same data.
        """
        own, of_like = _divide(state)
        super().load_state_dict(own)
        if self.like_ is not None:
            self.like_.load_state_dict(of_like)

    def suspend(self, state: dict[str, Any]) -> None:
        """Take a state without the data: :meth:`state_dict` then gives it back, and no more.

        Parameters
        ----------
        state : dict
            Of :meth:`state_dict`.
        """
        own, of_like = _divide(state)
        super().suspend(own)
        self.like_ = None
        if self.like is not None:
            self.like_ = clone(self.like)
            self.like_.suspend(of_like)


_PREFIX = "like_."


def _prefix(state: dict[str, Any]) -> dict[str, Any]:
    return {_PREFIX + name: value for name, value in state.items()}


def _divide(state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Divide a state into one's own and that of the selector that is followed."""
    of_like = {k.removeprefix(_PREFIX): v for k, v in state.items() if k.startswith(_PREFIX)}
    return {k: v for k, v in state.items() if not k.startswith(_PREFIX)}, of_like

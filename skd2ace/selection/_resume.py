"""Stopping a selector and going on: states, and pickles that open on any machine."""

from typing import Any, ClassVar

import torch
from sklearn.base import BaseEstimator
from torch import Tensor


class Resumable(BaseEstimator):
    """What a selector needs to go on exactly where it stopped.

    ``_state`` names the attributes that change from step to step. All else is made by ``start``
    from the data, and the generator anew at each epoch from the seed.
    """

    _state: ClassVar[tuple[str, ...]] = ()
    _always: ClassVar[tuple[str, ...]] = ("seed_", "epoch_", "seen_")
    # Of the epoch that is open, and whether it has been counted and not been served yet.
    n_batches_: int | None = None
    is_counted_: bool = False

    def _begin(self, seed: int) -> None:
        """Forget an earlier run."""
        self.seed_ = seed
        self.epoch_ = -1
        self.seen_ = False
        self.n_batches_, self.is_counted_ = None, False
        # Of the probabilities told in each step of the epoch, where they are.
        self.extremes_: list[Tensor] = []

    def state_dict(self) -> dict[str, Any]:
        """Copy what is needed to go on later: call it between epochs.

        Returns
        -------
        dict of str to Tensor, int or bool
            What ``torch.save`` stores and ``torch.load(..., weights_only=True)`` reads; tensors
            are on the selector's device.

        Raises
        ------
        RuntimeError
            If the selector has not been started.
        """
        self._check_started()
        values = {name: getattr(self, name) for name in self._always + self._state}
        return {k: v.clone() if isinstance(v, Tensor) else v for k, v in values.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was called; call it after ``start``.

        Parameters
        ----------
        state : dict
            Of a selector with the same parameters, started on the same data; tensors on any
            device.

        Raises
        ------
        RuntimeError
            If the selector has not been started.
        ValueError
            If the state is that of another selector or of another number of instances or labels.
        """
        self._check_started()
        self._check_names(state)
        tensors = {k: v for k in self._state if isinstance(v := getattr(self, k), Tensor)}
        for name, mine in tensors.items():
            theirs = state[name]
            if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
                raise ValueError(
                    f"{name} is {tuple(mine.shape)} {mine.dtype} here and {tuple(theirs.shape)} "
                    f"{theirs.dtype} in the state: a selector goes on with the same instances, "
                    "labels and parameters."
                )
        for name, theirs in state.items():
            setattr(self, name, tensors[name].copy_(theirs) if name in tensors else theirs)
        self.n_batches_, self.is_counted_ = None, False
        # Those of an epoch that is taken back.
        self.extremes_ = []

    def suspend(self, state: dict[str, Any]) -> None:
        """Take a state without the data: :meth:`state_dict` then gives it back, and no more.

        Parameters
        ----------
        state : dict
            Of :meth:`state_dict`; kept as it is, without a copy.

        Raises
        ------
        ValueError
            If the state is that of another selector.
        """
        self._check_names(state)
        vars(self).update(state)

    def _check_names(self, state: dict[str, Any]) -> None:
        wanted = {*self._always, *self._state}
        if set(state) != wanted:
            raise ValueError(
                f"{type(self).__name__} has the state {sorted(wanted)}, got {sorted(state)}."
            )

    def _check_started(self) -> None:
        if not hasattr(self, "seed_"):
            raise RuntimeError(f"{type(self).__name__} is used before its start() was called.")

    def __getstate__(self) -> dict[str, Any]:
        # The tensors go to the host, so that a file written with a GPU opens without one.
        state = dict(super().__getstate__())
        for name in ("generator_", "order_", "n_batches_", "is_counted_", "distributions_"):
            state.pop(name, None)
        if "device_" in state:
            state["device_"], state["extremes_"] = torch.device("cpu"), []
        return {k: v.cpu() if isinstance(v, Tensor) else v for k, v in state.items()}

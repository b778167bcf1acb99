"""A training from its first epoch, or from a checkpoint, to its last."""

import os
from pathlib import Path
from typing import Any

from skorch import NeuralNet
from torch import Tensor

from skd2ace._devices import full_device
from skd2ace._seeding import set_generator_states, torch_rng
from skd2ace.training import Checkpointing
from skd2ace.training._checkpointing import fingerprint, newest_checkpoint
from skd2ace.training._state import restore_training_state


class TrainingRun(NeuralNet):
    """A skorch net whose trainings are seeded and can go on from a checkpoint.

    While it trains, ``last_epoch_`` is the epoch, counted from 1, with which it will end.
    """

    torch_state_: dict[str, Tensor]

    def _train(self, X: Any, Y: Any, method: str, **fit_params: Any) -> "TrainingRun":
        with torch_rng(full_device(self.device), self.torch_seed_, self.torch_state_) as end:
            try:
                NeuralNet.partial_fit(self, X, Y, _routing_method=method, **fit_params)
                if isinstance(self.threshold, str):
                    self.thresholds_ = self._tune_thresholds(self._held_out)
            finally:
                self.__dict__.pop("_held_out", None)
        self.torch_state_ = end
        return self

    def _start_afresh(self) -> None:
        """Forget an earlier fit and make everything anew."""
        self._history = None
        for name in ("batch_selector_", "best_epoch_", "thresholds_"):
            self.__dict__.pop(name, None)
        self.initialize()

    def _resume_from(self, directory: str | os.PathLike[str], X: Any, Y: Any) -> None:
        """Find the checkpoint that the training to come goes on from, if there is one."""
        checkpoint = newest_checkpoint(directory)
        if checkpoint is None:
            return
        written, present = checkpoint["fingerprint"], fingerprint(self, X, Y)
        for name in sorted(written.keys() | present.keys()):
            if written.get(name) != present.get(name):
                raise ValueError(
                    f"The checkpoint in {directory} is of a training with other {name}: "
                    f"{written.get(name)} there, {present.get(name)} here."
                )
        self._checkpoint = (directory, checkpoint)

    def fit_loop(self, X: Any, y: Any = None, epochs: int | None = None, **kwargs: Any) -> Any:
        """Train for a number of epochs, or for those that a checkpoint leaves to do."""
        epochs = self.max_epochs if epochs is None else epochs
        self.last_epoch_ = len(self.history) + epochs
        # Here, since when training begins callbacks forget.
        if "_checkpoint" in vars(self):
            self._go_on_from(*self.__dict__.pop("_checkpoint"))
        return super().fit_loop(X, y, self.last_epoch_ - len(self.history), **kwargs)

    def _go_on_from(self, directory: str | os.PathLike[str], checkpoint: dict[str, Any]) -> None:
        restore_training_state(self, checkpoint["training"], training=True)
        set_generator_states(full_device(self.device), checkpoint["generators"])
        self.last_epoch_ = checkpoint["last_epoch"]
        for _, callback in self.callbacks_:
            if isinstance(callback, Checkpointing):
                callback.resumed_ = Path(callback.directory).resolve() == Path(directory).resolve()

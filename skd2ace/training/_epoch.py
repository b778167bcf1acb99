"""What an epoch leaves in the history."""

import math
from typing import Any

import torch
from torch import Tensor

from skd2ace._devices import is_ready


class EpochRecord:
    """Collects the losses of an epoch's steps where they are, and reads them once at its end.

    On the CPU a loss is in the history as soon as its step is done, as in plain skorch. On other
    devices reading it would make the host wait for the step: it is there when the epoch ends.

    Parameters
    ----------
    net : skorch.NeuralNet
    prefix : {"train", "valid"}

    Examples
    --------
    >>> import torch
    >>> from skorch import NeuralNet
    >>> from skd2ace.training import EpochRecord
    >>> net = NeuralNet(torch.nn.Linear, torch.nn.MSELoss)
    >>> net.initialize_history().history.new_epoch()
    >>> record = EpochRecord(net, "train")
    >>> for loss in (3.0, 1.0):
    ...     net.history.new_batch()
    ...     record.add({"loss": torch.tensor(loss), "terms": {"bce": torch.tensor(loss)}}, 16)
    >>> record.close()
    >>> net.history[-1, "train_bce"], net.history[-1, "batches", :, "train_loss"]
    (2.0, [3.0, 1.0])
    """

    def __init__(self, net: Any, prefix: str) -> None:
        self.net = net
        self.prefix = prefix
        self.losses: list[Tensor] = []
        self.terms: dict[str, Tensor] = {}
        self.n_instances = 0

    def add(self, step: dict[str, Any], n_instances: int) -> None:
        """Take in one step: its scalar ``loss`` and the scalars of ``terms``, all detached."""
        loss = step["loss"]
        self.losses.append(loss)
        self.n_instances += n_instances
        if is_ready(loss):
            self.net.history.record_batch(f"{self.prefix}_loss", loss.item())
        self.net.history.record_batch(f"{self.prefix}_batch_size", n_instances)
        for name, value in step.get("terms", {}).items():
            self.terms[name] = self.terms.get(name, 0) + value * n_instances

    def close(self) -> None:
        """Write the epoch to the history.

        Raises
        ------
        ValueError
            If the loss or one of its terms is not finite; the message says which, and at which
            epoch.
        """
        history = self.net.history
        if not self.losses:
            return
        losses = torch.stack(self.losses).tolist()
        batches = history[-1]["batches"][-len(losses) :]
        for row, loss in zip(batches, losses, strict=True):
            row[f"{self.prefix}_loss"] = loss
        means = {name: total.item() / self.n_instances for name, total in self.terms.items()}
        for name, value in means.items():
            history.record(f"{self.prefix}_{name}", value)
        history.record(f"{self.prefix}_batch_count", len(losses))
        self._check({**means, "loss": sum(losses)})

    def _check(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                raise ValueError(
                    f"Epoch {len(self.net.history)}: the {self.prefix} loss"
                    f"{'' if name == 'loss' else f' term {name!r}'} is {value}. A smaller "
                    "learning rate, or features scaled to a common range, may help."
                )

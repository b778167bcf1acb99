"""The training loop: what a step and an epoch of skorch do differently here."""

import inspect
from copy import deepcopy
from typing import Any

import torch
from skorch import NeuralNet
from torch import Tensor
from torch.nn.functional import pad

from skd2ace._devices import full_device
from skd2ace.networks import LossOutput, weighted_mean
from skd2ace.training import BatchIterator, EpochRecord
from skd2ace.training._best_epoch import bare

from ._parameters import parameter_names

# Matrix products sum the rows at the edge of a block in another order than those inside: with
# whole blocks an instance gets the same bits alone as among others (seen for 16 and more).
_ROW_BLOCK = 16


class TrainingSteps(NeuralNet):
    """A skorch net whose steps see losses per label and whose epochs do not wait for the device.

    Any module that maps X (b, d) to logits (b, q) trains with the criterion, which is made with
    ``reduction="none"`` and must give losses (b, q); a module with ``training_loss`` uses that.
    """

    applies_loss_weights = True
    # A module and its compiled loss: made when it is first needed, and in no pickle or copy.
    _compiled: tuple[torch.nn.Module, Any] | None = None

    def initialize_criterion(self) -> "TrainingSteps":
        """Make the criterion, unreduced."""
        params = self.get_params_for("criterion")
        if isinstance(self.criterion, torch.nn.Module) and not params:
            self.criterion_ = deepcopy(self.criterion)
            vars(self.criterion_)["reduction"] = "none"
        else:
            params = {"reduction": "none", **params}
            self.criterion_ = self.initialized_instance(self.criterion, params)
        return self

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Make the iterator over a dataset, with batches on the net's device."""
        iterator = self.iterator_train if training else self.iterator_valid
        name = "iterator_train" if training else "iterator_valid"
        params = self.get_params_for(name)
        params.setdefault("batch_size", self.batch_size)
        if params["batch_size"] == -1:
            params["batch_size"] = len(dataset)
        if inspect.isclass(iterator) and issubclass(iterator, BatchIterator):
            params.setdefault("device", full_device(self.device))
        return iterator(dataset, **params)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Go once through an iterator, reading the losses at the end."""
        if iterator is None:
            return
        record = EpochRecord(self, prefix)
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            record.add(step, len(batch[0]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
        record.close()

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Forward and backward pass of one batch.

        Returns
        -------
        dict
            ``loss``, ``y_pred`` (logits), ``label_losses`` (b, q) and ``terms``, all detached.
        """
        self._set_training(True)
        out = self._training_output(batch, **fit_params)
        out.loss.backward()
        return {
            "loss": out.loss.detach(),
            "y_pred": out.logits.detach(),
            "label_losses": out.label_losses.detach(),
            "terms": {name: term.detach() for name, term in out.terms.items()},
        }

    def _step_optimizer(self, step_fn: Any) -> None:
        # At each step anew: schedules and set_params know nothing of the ratios.
        ratios = self._lr_ratios()
        groups = self.optimizer_.param_groups
        for group, (_, ratio) in zip(groups[len(groups) - len(ratios) :], ratios, strict=True):
            group["lr"] = ratio * groups[-1 - len(ratios)]["lr"]
        super()._step_optimizer(step_fn)

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Prediction and its loss for one batch, in evaluation mode."""
        self._set_training(False)
        X, Y = self._on_device(batch)
        with torch.no_grad():
            logits = self._padded_logits(X, **fit_params)
            losses = self._label_losses(logits, X, Y)
        return {"loss": losses.mean(), "y_pred": logits, "label_losses": losses}

    def evaluation_step(self, batch: Any, training: bool = False) -> Tensor:
        """Logits of one batch."""
        self.check_is_fitted()
        with torch.set_grad_enabled(training):
            self._set_training(training)
            return self.infer(batch[0]) if training else self._padded_logits(batch[0])

    def infer(self, x: Tensor, **fit_params: Any) -> Tensor:
        """Logits of features, with those fit parameters that the module's forward takes."""
        if fit_params:
            known = parameter_names(self.module_.forward)
            fit_params = {k: v for k, v in fit_params.items() if known is None or k in known}
        return super().infer(x, **fit_params)

    def _training_output(self, batch: Any, **fit_params: Any) -> LossOutput:
        X, Y = self._on_device(batch)
        weights = getattr(batch, "weights", None)
        if hasattr(self.module_, "training_loss"):
            return self._own_loss()(X, Y, weights)
        logits = self.infer(X, **fit_params)
        losses = self._label_losses(logits, X, Y)
        return LossOutput(weighted_mean(losses, weights), logits, losses, {})

    def _own_loss(self) -> Any:
        """Give the module's ``training_loss``, compiled where the module is.

        What ``torch.compile`` makes of a module compiles its ``forward`` and no other method.
        """
        module = bare(self.module_)
        if module is self.module_:
            return module.training_loss
        if self._compiled is None or self._compiled[0] is not module:
            self._compiled = module, self.torch_compile(module.training_loss, "training_loss")
        return self._compiled[1]

    def _label_losses(self, logits: Tensor, X: Tensor, Y: Tensor) -> Tensor:
        if logits.shape != Y.shape:
            raise ValueError(
                f"The module maps X of shape {tuple(X.shape)} to {tuple(logits.shape)}; it must "
                f"give one logit per instance and label, {tuple(Y.shape)}."
            )
        losses = self.criterion_(logits, Y)
        if losses.shape != logits.shape:
            raise ValueError(
                f"The criterion gave losses of shape {tuple(losses.shape)}; unreduced, it must "
                f"give one per instance and label, {tuple(logits.shape)}."
            )
        return losses

    def _padded_logits(self, X: Tensor, **fit_params: Any) -> Tensor:
        """Logits that do not depend on how many other instances are in the batch."""
        return self.infer(pad(X, (0, 0, 0, -len(X) % _ROW_BLOCK)), **fit_params)[: len(X)]

    def _on_device(self, batch: Any) -> tuple[Tensor, Tensor]:
        # Iterators other than ours may leave that to the net, as skorch's do.
        X, Y = batch
        device = full_device(self.device)
        X, Y = X.to(device), Y.to(device)
        return X, Y[:, None] if Y.ndim == 1 else Y

    def _set_training(self, training: bool = True) -> None:
        # Walking through all submodules costs more than a small network's step.
        if self.module_.training != training:
            super()._set_training(training)

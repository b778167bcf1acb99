"""What training does differently from skorch: run, split, steps."""

import hashlib
import inspect
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils.metadata_routing import MetadataRouter
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import DataLoader, Subset
from typing_extensions import Self

from skd2ace._describe import digest
from skd2ace._devices import full_device
from skd2ace._labels import keep_known
from skd2ace._modules import unwrap_compiled
from skd2ace._processes import is_first
from skd2ace._seeding import set_generator_states, torch_rng
from skd2ace.networks import LossOutput, known_labels, weighted_mean
from skd2ace.training import (
    BatchIterator,
    BestEpoch,
    Checkpointing,
    EpochRecord,
    WeightAverage,
)
from skd2ace.training._batches import mark_training
from skd2ace.training._checkpointing import check_same_training, newest_checkpoint
from skd2ace.training._data import resolve
from skd2ace.training._items import ItemDataset
from skd2ace.training._out_of_bag import has_out_of_bag
from skd2ace.training._sharing import (
    begin_sharing,
    copy_first_weights,
    end_sharing,
    end_training_epoch,
    join_rows,
    own_rows,
    share_epoch,
    step_back,
)
from skd2ace.training._state import components, restore_training_state

from ._batch_size import choose_batch_size
from ._checks import (
    check_callbacks,
    check_validation_labels,
    explain_failure,
    made_class,
    refuse_to_hide_rows,
    refuse_what_batches_lack,
)
from ._parameters import parameter_names, takes_parameter
from ._preprocessing import check_prepared
from ._set_up import SetUpNet
from ._split import (
    Parts,
    find_rows,
    route_to_splitter,
    select_parts,
    split,
    takes_split_parameter,
)
from ._training_data import TrainingData, show_labels

# Matrix products sum the rows at the edge of a block in another order than those inside: with
# whole blocks an instance gets the same bits alone as among others (seen for 16 and more).
_ROW_BLOCK = 16
# Rows whose features tell whether the rows of a training are those of the one before.
_N_COMPARED = 256


class TrainingEngine(SetUpNet):
    """A net that is trained on batches that are selected.

    Any module that maps X (b, d) to logits (b, q) trains with the criterion, which is made with
    ``reduction="none"`` and must give losses (b, q); a module with ``training_loss`` uses that,
    and is told the rows' positions in the training part if it has a parameter ``index``.
    Steps see losses per label, and epochs do not wait for the device.

    While it trains, ``last_epoch_`` is the epoch, counted from 1, with which it will end.
    """

    applies_loss_weights = True
    # Whether features must be of shape (n, d).
    _needs_matrix = False
    # The parts of a training under way, what it is given beside X and Y, and the checkpoint that
    # it goes on from.
    _parts: Parts = Parts(None, None)
    _data: TrainingData | None = None
    _checkpoint: tuple[str | os.PathLike[str], dict[str, Any]] | None = None
    # Digest of the labels of those instances by which epochs are compared.
    _judged_by: str | None = None
    # Digests of the training parts so far, where members of the network are blind to some rows.
    _trained_on: Sequence[str] = ()
    # A module and its compiled loss: made when it is first needed, and in no pickle or copy.
    _compiled: tuple[torch.nn.Module, Any] | None = None

    # Run: a training from its first epoch, or from a checkpoint, to its last

    def _train(
        self,
        data: TrainingData,
        method: str,
        resume: str | os.PathLike[str] | None = None,
        **fit_params: Any,
    ) -> Parts:
        """Train for ``max_epochs`` epochs, and give the parts that were trained on and held out."""
        check_callbacks(self)
        self._check_fit_params(fit_params)
        with torch_rng(full_device(self.device), self.torch_seed_, self.torch_state_) as end:
            self._data = data
            try:
                begin_sharing(self, data.X, data.Y)
                if resume is not None:
                    self._resume_from(resume)
                with self._silent_unless_first():
                    self._run_training(data.X, data.Y, method, **fit_params)
                copy_first_weights(self)
                parts = self._parts
            finally:
                self._parts, self._data = Parts(None, None), None
        self.torch_state_ = end
        return parts

    @contextmanager
    def _silent_unless_first(self) -> Iterator[None]:
        verbose = self.verbose
        self.verbose = verbose if is_first() else 0
        try:
            yield
        finally:
            self.verbose = verbose

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Find all processes that train together at the end, before callbacks read files."""
        end_sharing(self)
        super().on_train_end(net, X, y, **kwargs)

    def _resume_from(self, directory: str | os.PathLike[str]) -> None:
        """Find the checkpoint that the training to come goes on from, if there is one."""
        checkpoint = newest_checkpoint(directory)
        if checkpoint is not None:
            assert self._data is not None
            check_same_training(directory, checkpoint, self, self._data.X, self._data.Y)
            self._checkpoint = directory, checkpoint

    def _check_fit_params(self, params: dict[str, Any]) -> None:
        """Refuse parameters of fit that neither the module's forward nor the split takes."""
        for name in params:
            if not (self._is_of_forward(name) or takes_split_parameter(self.train_split, name)):
                raise TypeError(f"fit got an unexpected argument {name!r}.")

    def fit_loop(self, X: Any, y: Any = None, epochs: int | None = None, **kwargs: Any) -> Self:
        """Train for a number of epochs, or for those that a checkpoint leaves to do."""
        # Numpy's small integers would wrap around when epochs are added.
        epochs = int(self.max_epochs if epochs is None else epochs)
        self.last_epoch_ = len(self.history) + epochs
        # Here, since when training begins callbacks forget.
        if self._checkpoint is not None:
            self._go_on_from(*self._checkpoint)
        return super().fit_loop(X, y, self.last_epoch_ - len(self.history), **kwargs)

    def _go_on_from(self, directory: str | os.PathLike[str], checkpoint: dict[str, Any]) -> None:
        self._checkpoint = None
        restore_training_state(self, checkpoint["training"], training=True)
        set_generator_states(full_device(self.device), checkpoint["generators"])
        self.last_epoch_ = checkpoint["last_epoch"]
        self._trained_on = checkpoint.get("trained_on", self._trained_on)
        for _, callback in self.callbacks_:
            if isinstance(callback, Checkpointing):
                callback.resumed_ = Path(callback.directory).resolve() == Path(directory).resolve()

    # Split

    def get_split_datasets(self, X: Any, y: Any = None, **split_params: Any) -> tuple[Any, Any]:
        """Split into a training and a validation dataset, and show the network its labels."""
        split_params = {k: v for k, v in split_params.items() if not self._is_of_forward(k)}
        dataset = self._annotate(self.get_dataset(X, y))
        parts = None if self._data is None else self._data.parts
        if parts is None:
            train, valid = split(self.train_split, dataset, y, self.split_seed_, **split_params)
        else:
            train, valid = select_parts(dataset, *parts)
        if valid is not None:
            check_validation_labels(self._cells_of(valid), y.shape[1])
        self._parts = Parts(train, valid)
        self._compare_judges(train if valid is None else valid)
        self._compare_rows(train)
        chosen = self.get_params_for("iterator_train").get("batch_size", self.batch_size)
        self.batch_size_ = choose_batch_size(chosen, len(train))
        self.n_samples_fit_ = len(dataset)
        self.train_indices_ = find_rows(train, dataset)
        self.valid_indices_ = find_rows(valid, dataset)
        if not self.history:
            self._show_labels(train)
        return train, valid

    def _compare_judges(self, dataset: Any) -> None:
        """Forget the best epoch if epochs are scored by other rows than before."""
        labels = self._cells_of(dataset).labels().cpu().numpy()
        before, now = self._judged_by, hashlib.sha256(labels.tobytes()).hexdigest()
        self._judged_by = now
        if before not in (None, now):
            self._forget_best_epoch()

    def _compare_rows(self, train: Any) -> None:
        """Have no predictions out of bag where training goes on with other rows than before."""
        if not self.history:
            # The module is new, whatever the one before it has seen.
            self._trained_on = ()
        if not has_out_of_bag(self):
            return
        now = _digest_rows(train)
        if now not in self._trained_on:
            self._trained_on = (*self._trained_on, now)
        if not has_out_of_bag(self):
            self._forget_best_epoch()
            warnings.warn(
                "Training goes on with other rows than before, or in another order, and members "
                "of the network are blind to positions: from now on there are no predictions out "
                "of bag, by which epochs are compared and thresholds tuned.",
                stacklevel=2,
            )

    def _forget_best_epoch(self) -> None:
        for _, callback in self.callbacks_:
            if isinstance(callback, BestEpoch):
                callback.forget_best()

    def _show_labels(self, train: Any) -> None:
        """Show the labels to train on to a network and a criterion that look at them."""
        hooks = ((self.module_, "fit_label_graph"), (self.criterion_, "fit_label_frequency"))
        for part, name in hooks:
            if hasattr(part, name):
                cells = self._cells_of(train)
                show_labels(getattr(part, name), cells.labels(), cells.cell_weight())

    def get_metadata_routing(self) -> MetadataRouter:
        """Route what fit is given to the network, and to the splitter that it has."""
        return route_to_splitter(super().get_metadata_routing(), self.train_split)

    def _annotate(self, dataset: Any) -> Any:
        """Put weights, and what neighbours are found on, beside the features of a dataset."""
        for name in ("cell_weight", "neighbor_features"):
            value = getattr(self._data, name, None)
            if value is not None:
                if not hasattr(dataset, name):
                    raise TypeError(
                        f"{type(dataset).__name__} has no place for {name}: as dataset, take "
                        "skd2ace.training.TensorDataset or a subclass."
                    )
                setattr(dataset, name, value)
        if hasattr(self, "preprocessor_"):
            dataset.is_prepared = True
        return dataset

    def _is_of_forward(self, name: str) -> bool:
        return not self._has_own_loss and takes_parameter(self.module_.forward, name)

    def _cells_of(self, dataset: Any) -> BatchIterator:
        """Where the labels of a dataset and their weights are found, on the net's device."""
        return BatchIterator(dataset, device=full_device(self.device))

    # Steps

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Make the iterator over a dataset, with batches on the net's device."""
        name = "iterator_train" if training else "iterator_valid"
        iterator, params = getattr(self, name), self.get_params_for(name)
        chosen = params.get("batch_size", self.batch_size)
        params["batch_size"] = choose_batch_size(chosen, len(dataset))
        if inspect.isclass(iterator) and issubclass(iterator, BatchIterator):
            params.setdefault("device", full_device(self.device))
        elif not training and issubclass(made_class(iterator) or object, DataLoader):
            # Else each pass draws from torch's global generator, which training draws from too.
            params.setdefault("generator", torch.Generator())
        return iterator(dataset, **params)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Go once through an iterator, reading the losses at the end."""
        if iterator is None:
            return
        share_epoch(self, iterator, training=training)
        record = EpochRecord(self, prefix)
        with mark_training(iterator, training=training):
            for batch in iterator:
                self.notify("on_batch_begin", batch=batch, training=training)
                step = step_fn(batch, **fit_params)
                # Of a batch that processes share X is a part.
                record.add(step, len(step["y_pred"]))
                self.notify("on_batch_end", batch=batch, training=training, **step)
        record.close()
        if training:
            end_training_epoch(self)

    def train_step(self, batch: Any, **fit_params: Any) -> Any:
        """Forward pass, backward pass and the optimizer's step of one batch."""
        # At each step anew: schedules and set_params know nothing of the ratios.
        ratios = self._lr_ratios()
        groups = self.optimizer_.param_groups
        for group, (_, ratio) in zip(groups[len(groups) - len(ratios) :], ratios, strict=True):
            group["lr"] = ratio * groups[-1 - len(ratios)]["lr"]
        return super().train_step(batch, **fit_params)

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Forward and backward pass of one batch.

        Returns
        -------
        dict
            ``loss``, ``y_pred`` (logits), ``label_losses`` (b, q) and ``terms``, all detached.
        """
        self._set_mode(training=True)
        out = self._training_output(own_rows(batch), **fit_params)
        loss, logits, losses, terms = step_back(self, out, batch)
        return {"loss": loss, "y_pred": logits, "label_losses": losses, "terms": terms}

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Prediction and its loss for one batch, in evaluation mode."""
        self._set_mode(training=False)
        X, Y = self._on_device(batch)
        labels, known = _known_labels(Y, batch)
        with torch.no_grad():
            logits = join_rows(self._padded_logits(X, **fit_params), batch)
            told = self._criterion_labels(Y, labels)
            losses = keep_known(self._label_losses(logits, X, told), known)
        weights, _ = self._loss_weights(batch, labels)
        return {
            "loss": weighted_mean(losses, weights),
            "y_pred": logits,
            "label_losses": losses,
        }

    def evaluation_step(self, batch: Any, training: bool = False) -> Tensor:
        """Logits of one batch."""
        self.check_is_fitted()
        with torch.set_grad_enabled(training):
            self._set_mode(training)
            return self.infer(batch[0]) if training else self._padded_logits(batch[0])

    def infer(self, x: Tensor, **fit_params: Any) -> Tensor:
        """Logits of features, with those fit parameters that the module's forward takes."""
        if fit_params:
            known = parameter_names(self.module_.forward)
            fit_params = {k: v for k, v in fit_params.items() if known is None or k in known}
        with explain_failure(x):
            return super().infer(x, **fit_params)

    def _training_output(self, batch: Any, **fit_params: Any) -> LossOutput:
        X, Y = self._on_device(batch)
        labels, known = _known_labels(Y, batch)
        weights, of_instances = self._loss_weights(batch, labels)
        if self._has_own_loss:
            if not hasattr(batch, "instances"):
                refuse_to_hide_rows(self)
            taken = _keywords(unwrap_compiled(self.module_).training_loss)
            offered = {"index": getattr(batch, "instances", None), "instance_weights": of_instances}
            kwargs = {name: value for name, value in offered.items() if name in taken}
            with explain_failure(X):
                return self._own_loss()(X, Y, weights, **kwargs)
        logits = self.infer(X, **fit_params)
        losses = keep_known(self._label_losses(logits, X, self._criterion_labels(Y, labels)), known)
        return LossOutput(weighted_mean(losses, weights), logits, losses, {})

    def _loss_weights(self, batch: Any, labels: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Weights of the loss, and beside weights of labels those of instances."""
        if not hasattr(batch, "weights"):
            refuse_what_batches_lack(self, self._data)
        weights = getattr(batch, "weights", None)
        of_instances = getattr(batch, "instance_weights", None)
        if self._data is None or self._data.pos_weight is None:
            return weights, of_instances
        factors = torch.where(labels == 1, self._data.pos_weight.to(labels.device), 1)
        if weights is not None and weights.ndim == 1:
            weights, of_instances = weights[:, None], weights
        return factors if weights is None else factors * weights, of_instances

    def _own_loss(self) -> Any:
        """Give the module's ``training_loss``, compiled where the module is.

        What ``torch.compile`` makes of a module compiles its ``forward`` and no other method.
        """
        module = unwrap_compiled(self.module_)
        if module is self.module_:
            return module.training_loss
        if self._compiled is None or self._compiled[0] is not module:
            self._compiled = module, self.torch_compile(module.training_loss, "training_loss")
        return self._compiled[1]

    def _criterion_labels(self, Y: Tensor, labels: Tensor) -> Tensor:
        """Labels for the criterion, NaN where they are not known if it can read that."""
        return Y if getattr(self.criterion_, "reads_unknown", False) else labels

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
        # From the last dimension on.
        rows = (0, 0) * (X.ndim - 1) + (0, -len(X) % _ROW_BLOCK)
        return self.infer(pad(X, rows), **fit_params)[: len(X)]

    def _on_device(self, batch: Any) -> tuple[Tensor, Tensor]:
        # Iterators other than ours may leave that to the net, as skorch's do.
        X, Y = batch
        device = full_device(self.device)
        X, Y = X.to(device), Y.to(device)
        return X, Y[:, None] if Y.ndim == 1 else Y

    def _set_mode(self, training: bool) -> None:
        # Walking through all submodules costs more than a small network's step.
        if self.module_.training != training:
            for name in components(self):
                part = getattr(self, f"{name}_")
                if isinstance(part, torch.nn.Module):
                    part.train(training)

    # State

    def save_params(self, *args: Any, **kwargs: Any) -> None:
        """Write parameters as in skorch; in a training of several processes the first does."""
        if self._data is None or is_first():
            super().save_params(*args, **kwargs)

    def load_params(self, *args: Any, **kwargs: Any) -> None:
        """Load weights as in skorch; training then goes on from them.

        Raises
        ------
        NotFittedError
            If features are to be prepared and no fit has found out how.
        """
        check_prepared(self)
        super().load_params(*args, **kwargs)
        for _, callback in getattr(self, "callbacks_", []):
            if isinstance(callback, (BestEpoch, WeightAverage)):
                callback.initialize()

    def __getstate__(self) -> dict[str, Any]:
        # A checkpoint in the middle of training would take the data along; compiled code is made
        # anew when it is needed.
        state = dict(super().__getstate__())
        left_out = ("_parts", "_data", "_cross_fitting", "_compiled")
        return {k: v for k, v in state.items() if k not in left_out}


def _known_labels(Y: Tensor, batch: Any) -> tuple[Tensor, Tensor | None]:
    """Labels of a batch, and which of them are known; None for all of them."""
    # Looking for them at each step, and masking nothing, costs as much as a small layer.
    return (Y, None) if getattr(batch, "is_labelled", False) else known_labels(Y)


def _keywords(training_loss: Callable[..., LossOutput]) -> frozenset[str]:
    """Names of a loss's parameters; looked up once, not at each step."""
    return _keywords_of(getattr(training_loss, "__func__", training_loss))


@lru_cache(maxsize=16)
def _keywords_of(function: Callable[..., LossOutput]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _digest_rows(part: Any) -> str:
    """What tells a part from one of other rows, or of the same in another order.

    All labels, and the features of some rows from the first to the last, but for those that are
    read item by item, which may be others each time.
    """
    labels = BatchIterator(part).labels()
    if isinstance(resolve(part)[0], ItemDataset):
        return digest(labels)
    some = np.unique(np.linspace(0, len(part) - 1, _N_COMPARED).astype(np.int64))
    ((X, _),) = BatchIterator(Subset(part, some.tolist()), batch_size=len(some))
    return digest([labels, X])

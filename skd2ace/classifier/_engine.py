"""What training does differently from skorch: set-up, split, steps, run."""

import inspect
import os
from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from sklearn.utils.metadata_routing import MetadataRouter
from skorch.callbacks import EpochScoring, ProgressBar
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import DataLoader
from typing_extensions import Self

from skd2ace._constraints import to_python
from skd2ace._devices import full_device
from skd2ace._labels import keep_known
from skd2ace._modules import copy_module, materialize, unwrap_compiled
from skd2ace._precision import single_precision
from skd2ace._seeding import draw_seeds, set_generator_states, torch_rng
from skd2ace.networks import LossOutput, known_labels, weighted_mean
from skd2ace.training import (
    BatchIterator,
    BatchSelection,
    BestEpoch,
    Checkpointing,
    EpochRecord,
    OutOfBagScore,
    WeightAverage,
)
from skd2ace.training._checkpointing import check_same_training, newest_checkpoint
from skd2ace.training._state import components, restore_training_state

from ._batch_size import choose_batch_size
from ._checks import (
    check_callbacks,
    check_for_logits,
    check_validation_labels,
    explain_failure,
    made_class,
    selects_batches,
)
from ._parameters import ParameterizedNet, check_parameters, parameter_names, takes_parameter
from ._split import Parts, find_rows, route_to_splitter, split, takes_split_parameter
from ._training_data import TrainingData, show_labels
from ._validation import score_macro_auc

# Matrix products sum the rows at the edge of a block in another order than those inside: with
# whole blocks an instance gets the same bits alone as among others (seen for 16 and more).
_ROW_BLOCK = 16


class TrainingEngine(ParameterizedNet):
    """A skorch net that is seeded, sized by its data, and trained on batches that are selected.

    Any module that maps X (b, d) to logits (b, q) trains with the criterion, which is made with
    ``reduction="none"`` and must give losses (b, q); a module with ``training_loss`` uses that,
    and is told the rows' positions in the training part if it has a parameter ``index``.
    Steps see losses per label, and epochs do not wait for the device.

    While it trains, ``last_epoch_`` is the epoch, counted from 1, with which it will end.
    """

    applies_loss_weights = True
    # Of the features of one instance, once they are known.
    _instance_shape: tuple[int, ...] | None = None
    # Whether features must be of shape (n, d).
    _needs_matrix = False
    # The parts of a training under way, what it is given beside X and Y, and the checkpoint that
    # it goes on from.
    _parts: Parts = Parts(None, None)
    _data: TrainingData | None = None
    _checkpoint: tuple[str | os.PathLike[str], dict[str, Any]] | None = None
    # A module and its compiled loss: made when it is first needed, and in no pickle or copy.
    _compiled: tuple[torch.nn.Module, Any] | None = None

    # Set-up

    def _set_sizes(self, n_labels: int) -> None:
        """Note how many labels there are; features are counted where they are checked."""
        self.n_labels_ = n_labels

    def _start_afresh(self) -> None:
        """Forget an earlier fit and make everything anew."""
        self.history_ = None
        for name in ("batch_selector_", "best_epoch_"):
            vars(self).pop(name, None)
        self.initialize()

    def initialize(self) -> Self:
        """Make callbacks, module, criterion and optimizer, seeded by ``random_state``.

        Before the first fit the module's sizes must be given: ``module__n_features``,
        ``module__n_labels``.
        """
        check_parameters(self)
        seeds = draw_seeds(self.random_state, 3)
        self.torch_seed_, self.split_seed_, self.selector_seed_ = seeds
        with torch_rng(full_device(self.device), self.torch_seed_) as self.torch_state_:
            self._make_in_single_precision()
        try:
            self._check_criterion()
            check_for_logits(self.module_, self.criterion_)
            check_callbacks(self)
        except ValueError:
            self.initialized_ = False
            raise
        self.must_start_afresh_ = False
        return self

    def _make_in_single_precision(self) -> None:
        with single_precision() as usual:
            super().initialize()
        if usual is not torch.float32:
            # Modules that were given as instances are still of the type that was usual.
            for part in components(self).values():
                if isinstance(part, torch.nn.Module):
                    part.float()

    def _make_default_callbacks(self) -> list[tuple[str, Any]]:
        """Timer and losses of skorch, selection, scores, best epoch, log."""
        *timing_and_losses, log = super()._make_default_callbacks()
        scoring = EpochScoring(score_macro_auc, lower_is_better=False, name="valid_macro_auc")
        # Numpy's integers are no int.
        verbose = to_python(self.verbose)
        wants_bar = isinstance(verbose, int) and verbose >= 2
        progress = [("progress_bar", ProgressBar())] if wants_bar else []
        selection = [("batch_selection", BatchSelection())] if selects_batches(self) else []
        return [
            *timing_and_losses,
            *selection,
            ("valid_macro_auc", scoring),
            ("out_of_bag", OutOfBagScore()),
            ("best_epoch", BestEpoch()),
            *progress,
            log,
        ]

    def initialize_module(self) -> Self:
        """Make the module, with the sizes that the data gives."""
        params = self.get_params_for("module")
        if isinstance(self.module, torch.nn.Module):
            # A copy: the parameter is the user's, and the next fit begins with it again.
            self.module_ = copy_module(self.initialized_instance(self.module, params))
        else:
            self.module_ = self.module(**{**self._module_sizes(params), **params})
        if self._instance_shape is not None:
            materialize(self.module_, self._instance_shape)
        return self

    def _module_sizes(self, given: dict[str, Any]) -> dict[str, int]:
        """Sizes that the module asks for and the user has not given."""
        known = parameter_names(self.module) or set()
        sizes = {}
        for name, attribute in (("n_features", "n_features_in_"), ("n_labels", "n_labels_")):
            if name in known and name not in given:
                if not hasattr(self, attribute):
                    raise ValueError(f"Before the first fit, give the size module__{name}.")
                sizes[name] = getattr(self, attribute)
        return sizes

    def initialize_criterion(self) -> Self:
        """Make the criterion, unreduced."""
        params = self.get_params_for("criterion")
        if isinstance(self.criterion, torch.nn.Module) and not params:
            self.criterion_ = deepcopy(self.criterion)
            vars(self.criterion_)["reduction"] = "none"
        else:
            params = {"reduction": "none", **params}
            self.criterion_ = self.initialized_instance(self.criterion, params)
        return self

    def _check_criterion(self) -> None:
        """Refuse one that would have no say in the training."""
        chosen = self.criterion is not torch.nn.BCEWithLogitsLoss
        if self._has_own_loss and (chosen or self.get_params_for("criterion")):
            raise ValueError(
                f"{type(self.module_).__name__} has a loss of its own: criterion is not used."
            )

    @property
    def _has_own_loss(self) -> bool:
        return hasattr(self.module_, "training_loss")

    def get_params_for_optimizer(
        self, prefix: str, named_parameters: Iterable[tuple[str, Any]]
    ) -> tuple[tuple[list[dict[str, Any]]], dict[str, Any]]:
        """Give parameters with a learning rate of their own groups of their own, the last ones."""
        ratios = self._lr_ratios()
        apart = {id(parameter) for parameters, _ in ratios for parameter in parameters}
        others = [pair for pair in named_parameters if id(pair[1]) not in apart]
        (groups,), kwargs = super().get_params_for_optimizer(prefix, others)
        own = [{"params": params, "lr": ratio * kwargs["lr"]} for params, ratio in ratios]
        return ([*groups, *own],), kwargs

    def _lr_ratios(self) -> list[tuple[list[Any], float]]:
        return self.module_.lr_ratios() if hasattr(self.module_, "lr_ratios") else []

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
                if resume is not None:
                    self._resume_from(resume)
                self._run_training(data.X, data.Y, method, **fit_params)
                parts = self._parts
            finally:
                self._parts, self._data = Parts(None, None), None
        self.torch_state_ = end
        return parts

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
        for _, callback in self.callbacks_:
            if isinstance(callback, Checkpointing):
                callback.resumed_ = Path(callback.directory).resolve() == Path(directory).resolve()

    # Split

    def get_split_datasets(self, X: Any, y: Any = None, **split_params: Any) -> tuple[Any, Any]:
        """Split into a training and a validation dataset, and show the network its labels."""
        split_params = {k: v for k, v in split_params.items() if not self._is_of_forward(k)}
        dataset = self._annotate(self.get_dataset(X, y))
        train, valid = split(self.train_split, dataset, y, self.split_seed_, **split_params)
        if valid is not None:
            check_validation_labels(self._cells_of(valid), y.shape[1])
        self._parts = Parts(train, valid)
        self.batch_size_ = choose_batch_size(self.batch_size, len(train))
        self.train_indices_ = find_rows(train, dataset)
        self.valid_indices_ = find_rows(valid, dataset)
        if not self.history and hasattr(self.module_, "fit_label_graph"):
            cells = self._cells_of(train)
            show_labels(self.module_.fit_label_graph, cells.labels(), cells.cell_weight())
        return train, valid

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
        record = EpochRecord(self, prefix)
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            record.add(step, len(batch[0]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
        record.close()

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
        out = self._training_output(batch, **fit_params)
        out.loss.backward()
        return {
            "loss": out.loss.detach(),
            "y_pred": out.logits.detach(),
            "label_losses": out.label_losses.detach(),
            "terms": {name: term.detach() for name, term in out.terms.items()},
        }

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Prediction and its loss for one batch, in evaluation mode."""
        self._set_mode(training=False)
        X, Y = self._on_device(batch)
        labels, known = known_labels(Y)
        with torch.no_grad():
            logits = self._padded_logits(X, **fit_params)
            losses = keep_known(self._label_losses(logits, X, labels), known)
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
        labels, known = known_labels(Y)
        weights, of_instances = self._loss_weights(batch, labels)
        if self._has_own_loss:
            taken = _keywords(unwrap_compiled(self.module_).training_loss)
            offered = {"index": getattr(batch, "instances", None), "instance_weights": of_instances}
            kwargs = {name: value for name, value in offered.items() if name in taken}
            with explain_failure(X):
                return self._own_loss()(X, Y, weights, **kwargs)
        logits = self.infer(X, **fit_params)
        losses = keep_known(self._label_losses(logits, X, labels), known)
        return LossOutput(weighted_mean(losses, weights), logits, losses, {})

    def _loss_weights(self, batch: Any, labels: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Weights of the loss, and beside weights of labels those of instances."""
        if not hasattr(batch, "weights"):
            self._refuse_what_batches_lack()
        weights = getattr(batch, "weights", None)
        of_instances = getattr(batch, "instance_weights", None)
        if self._data is None or self._data.pos_weight is None:
            return weights, of_instances
        factors = torch.where(labels == 1, self._data.pos_weight.to(labels.device), 1)
        if weights is not None and weights.ndim == 1:
            weights, of_instances = weights[:, None], weights
        return factors if weights is None else factors * weights, of_instances

    def _refuse_what_batches_lack(self) -> None:
        """Raise a TypeError if fit was given what batches of another iterator do not carry."""
        told = {"cell_weight": "weights", "neighbor_features": "neighbor_features"}
        for name, meant in told.items():
            if getattr(self._data, name, None) is not None:
                raise TypeError(
                    f"fit was given {meant}, which batches of iterator_train="
                    f"{self.iterator_train!r} and iterator_valid={self.iterator_valid!r} do not "
                    "carry: skd2ace.training.SelectedBatches and BatchIterator do."
                )

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

    def load_params(self, *args: Any, **kwargs: Any) -> None:
        """Load weights as in skorch; training then goes on from them."""
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


def _keywords(training_loss: Callable[..., LossOutput]) -> frozenset[str]:
    """Names of a loss's parameters; looked up once, not at each step."""
    return _keywords_of(getattr(training_loss, "__func__", training_loss))


@lru_cache(maxsize=16)
def _keywords_of(function: Callable[..., LossOutput]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)

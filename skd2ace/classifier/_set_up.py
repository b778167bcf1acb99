"""What a net is made of: seeds, preprocessor, callbacks, module, criterion, optimizer."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import torch
from skorch.callbacks import EpochScoring
from typing_extensions import Self

from skd2ace._constraints import to_python
from skd2ace._devices import full_device
from skd2ace._modules import copy_module, materialize
from skd2ace._precision import single_precision
from skd2ace._processes import from_first, is_first
from skd2ace._seeding import draw_seeds, torch_rng
from skd2ace.training import BatchSelection, BestEpoch, OutOfBagScore, WeightAverage
from skd2ace.training._checkpointing import newest_checkpoint
from skd2ace.training._items import ItemDataset
from skd2ace.training._state import components, drawn_seeds

from ._checks import check_callbacks, check_for_logits, selects_batches
from ._parameters import ParameterizedNet, check_parameters, parameter_names
from ._preprocessing import fit_preprocessor, is_prepared
from ._skorch import SelectionProgressBar
from ._split import takes_split_parameter
from ._training_data import TrainingData
from ._validation import score_macro_auc


class SetUpNet(ParameterizedNet):
    """A skorch net that is seeded, and sized by its data, of which it prepares the features."""

    preprocessor_: Any

    # Of the features of one instance, once they are known and prepared.
    _instance_shape: tuple[int, ...] | None = None
    n_features_in_: int

    def _set_sizes(self, n_labels: int) -> None:
        """Note how many labels there are; features are counted where they are checked."""
        self.n_labels_ = n_labels

    @property
    def _starts_afresh(self) -> bool:
        """Whether a training that goes on would have nothing to go on from."""
        # What is initialized only has no preprocessor yet.
        return not self.initialized_ or self.must_start_afresh_ or not is_prepared(self)

    def _start_afresh(
        self, data: TrainingData, resume: Any = None, **fit_params: Any
    ) -> TrainingData:
        """Forget an earlier fit, make everything anew, and give the data as it is prepared."""
        self.history_ = None
        for name in ("batch_selector_", "best_epoch_", "preprocessor_", "_judged_by"):
            vars(self).pop(name, None)
        self._draw_seeds()
        # Those of processes that train together, which would draw each its own from None.
        vars(self).update(from_first(lambda: drawn_seeds(self)))
        if self.preprocessor is not None:
            checkpoint = None if resume is None else newest_checkpoint(resume)
            if checkpoint is not None:
                # The preprocessor must see the rows that it saw then.
                vars(self).update(checkpoint["training"]["seeds"])
            split_params = {
                k: v for k, v in fit_params.items() if takes_split_parameter(self.train_split, k)
            }
            X, parts = fit_preprocessor(self, data.X, data.Y, self.split_seed_, **split_params)
            data = data._replace(X=X, parts=parts)
        if not isinstance(data.X, ItemDataset):
            self._instance_shape = tuple(data.X.shape[1:])
        self._initialize()
        return data

    def initialize(self) -> Self:
        """Make callbacks, module, criterion and optimizer, seeded by ``random_state``.

        Before the first fit the module's sizes must be given: ``module__n_features``,
        ``module__n_labels``.
        """
        check_parameters(self)
        self._draw_seeds()
        return self._initialize()

    def _initialize_for_weights(self) -> Self:
        """Make the same of a net whose weights come from a file."""
        return self.initialize()

    def _draw_seeds(self) -> None:
        seeds = draw_seeds(self.random_state, 3)
        self.torch_seed_, self.split_seed_, self.selector_seed_ = seeds

    def _initialize(self) -> Self:
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
        wants_bar = isinstance(verbose, int) and verbose >= 2 and is_first()
        progress = [("progress_bar", SelectionProgressBar())] if wants_bar else []
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

    def initialize_callbacks(self) -> Self:
        """Make the callbacks: what averages weights comes before what scores and keeps them."""
        super().initialize_callbacks()
        self.callbacks_.sort(key=lambda named: not isinstance(named[1], WeightAverage))
        return self

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
        n_features = getattr(self, "n_features_in_", None)
        if hasattr(self, "preprocessor_"):
            # Those that the preprocessor makes.
            assert self._instance_shape is not None
            n_features = self._instance_shape[0]
        found = {"n_features": n_features, "n_labels": getattr(self, "n_labels_", None)}
        sizes = {}
        for name, size in found.items():
            if name in known and name not in given:
                if size is None:
                    raise ValueError(f"Before the first fit, give the size module__{name}.")
                sizes[name] = size
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

"""How a net is made ready: data, seeds, sizes, callbacks, split."""

import warnings
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_consistent_length
from skorch import NeuralNet
from skorch.callbacks import EpochScoring, ProgressBar

from skd2ace._devices import full_device
from skd2ace._seeding import draw_seeds, torch_rng
from skd2ace._targets import encode_targets
from skd2ace.metrics import macro_auc_scorer
from skd2ace.training import BatchIterator, BatchSelection, BestEpoch
from skd2ace.training._best_epoch import bare

from ._parameters import check_parameters, parameter_names
from ._split import split


class Setup(NeuralNet):
    """A skorch net that is seeded, sized by its data, and holds a part of it out."""

    classes_: NDArray

    def _check_data(
        self, X: Any, y: Any, *, reset: bool, classes: Any = None
    ) -> tuple[Any, NDArray[np.float32]]:
        """Check parameters and data; with ``reset`` take classes and sizes from the data."""
        check_parameters(self)
        X = self._check_features(X, reset=reset)
        # Those of a matrix are always 0 and 1, whatever form they are declared in.
        known = np.unique(classes) if classes is not None and np.ndim(y) == 1 else None
        Y, found = encode_targets(y, known if reset else self.classes_)
        check_consistent_length(X, Y)
        if reset:
            self.classes_, self.n_labels_ = found, Y.shape[1]
        self._check_threshold(self.n_labels_)
        return X, Y

    def initialize(self) -> "Setup":
        """Make callbacks, module, criterion and optimizer, seeded by ``random_state``.

        Before the first fit the module's sizes must be given: ``module__n_features``,
        ``module__n_labels``.
        """
        check_parameters(self)
        seeds = draw_seeds(self.random_state, 3)
        self.torch_seed_, self.split_seed_, self.selector_seed_ = seeds
        with torch_rng(full_device(self.device), self.torch_seed_) as self.torch_state_:
            super().initialize()
        try:
            self._check_components()
        except ValueError:
            self.initialized_ = False
            raise
        self.must_start_afresh_ = False
        return self

    def _check_components(self) -> None:
        """Refuse parts that would have no say in the training."""
        has_own_loss = hasattr(self.module_, "training_loss")
        chosen = self.criterion is not torch.nn.BCEWithLogitsLoss
        if has_own_loss and (chosen or self.get_params_for("criterion")):
            raise ValueError(
                f"{type(self.module_).__name__} has a loss of its own: criterion is not used."
            )
        self._check_for_logits()
        n_selections = sum(isinstance(callback, BatchSelection) for _, callback in self.callbacks_)
        if n_selections > 1 or (n_selections == 0 and self.iterator_train is BatchIterator):
            raise ValueError(
                f"One BatchSelection must be among the callbacks, to order the training "
                f"instances; there are {n_selections}. One of your own takes the place of the "
                "default one as callbacks__batch_selection=BatchSelection(...)."
            )

    def _check_for_logits(self) -> None:
        """Refuse a sigmoid before that of predicting: all probabilities would be 0.5 or more."""
        if isinstance(bare(self.criterion_), torch.nn.BCELoss):
            raise ValueError(
                "criterion=BCELoss takes probabilities, but the module must give logits: leave out "
                "its sigmoid and take BCEWithLogitsLoss, the default."
            )
        module = bare(self.module_)
        layers = list(module) if type(module) is torch.nn.Sequential else []
        if layers and isinstance(layers[-1], torch.nn.Sigmoid):
            warnings.warn(
                "The module ends in a sigmoid, but must give logits: leave it out.", stacklevel=2
            )

    def initialize_module(self) -> "Setup":
        """Make the module, with the sizes that the data gives."""
        params = self.get_params_for("module")
        if isinstance(self.module, torch.nn.Module):
            # A copy: the parameter is the user's, and the next fit begins with it again.
            self.module_ = deepcopy(self.initialized_instance(self.module, params))
        else:
            self.module_ = self.module(**{**self._module_sizes(params), **params})
        return self

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

    def get_split_datasets(self, X: Any, y: Any = None, **split_params: Any) -> tuple[Any, Any]:
        """Split into a training and a validation dataset, and show the network its labels."""
        split_params = self._without_forward_params(split_params)
        if split_params and not callable(self.train_split):
            raise TypeError(f"fit got an unexpected argument {next(iter(split_params))!r}.")
        dataset = self.get_dataset(X, y)
        train, valid = split(self.train_split, dataset, y, self.split_seed_, **split_params)
        if isinstance(self.threshold, str) and valid is None:
            raise ValueError('threshold="tune" needs a held-out part: see train_split.')
        if valid is not None:
            self._check_validation_labels(self._labels(valid))
        self._held_out = valid
        if not self.history and hasattr(self.module_, "fit_label_graph"):
            self.module_.fit_label_graph(self._labels(train))
        return train, valid

    def _without_forward_params(self, params: dict[str, Any]) -> dict[str, Any]:
        if hasattr(self.module_, "training_loss"):
            return params
        known = parameter_names(self.module_.forward)
        return {} if known is None else {k: v for k, v in params.items() if k not in known}

    def _check_validation_labels(self, Y: torch.Tensor) -> None:
        if Y.shape[1] != self.n_labels_ or not ((Y == 0) | (Y == 1)).all():
            raise ValueError(
                f"The labels held out for validation must be zeros and ones of shape "
                f"(n, {self.n_labels_}), got shape {tuple(Y.shape)} and values "
                f"{Y.unique()[:5].tolist()}."
            )

    def load_params(self, *args: Any, **kwargs: Any) -> None:
        """Load weights as in skorch; training then goes on from them."""
        super().load_params(*args, **kwargs)
        for _, callback in getattr(self, "callbacks_", []):
            if isinstance(callback, BestEpoch):
                callback.initialize()

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        *timing_and_losses, log = super()._default_callbacks
        scoring = EpochScoring(macro_auc_scorer, lower_is_better=False, name="valid_macro_auc")
        wants_bar = isinstance(self.verbose, int) and self.verbose >= 2
        progress = [("progress_bar", ProgressBar())] if wants_bar else []
        return [
            *timing_and_losses,
            ("batch_selection", BatchSelection()),
            ("valid_macro_auc", scoring),
            ("best_epoch", BestEpoch()),
            *progress,
            log,
        ]

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

    def _labels(self, dataset: Any) -> torch.Tensor:
        return BatchIterator(dataset, device=full_device(self.device)).labels()

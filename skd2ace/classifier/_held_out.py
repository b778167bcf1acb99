"""Predictions of instances by networks that were not trained on them."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import indexable
from skorch.callbacks import Checkpoint, TrainEndCheckpoint
from torch import Tensor
from torch.utils.data import Subset

from skd2ace._containers import open_features
from skd2ace._seeding import derive_seed
from skd2ace._sklearn import take_rows
from skd2ace._stored import StoredFeatures, open_stored
from skd2ace._weights import check_weights
from skd2ace.model_selection import IterativeStratifiedKFold
from skd2ace.training import Checkpointing
from skd2ace.training._items import ItemDataset

from ._item_data import open_items
from ._thresholds import read_by_label

_N_FOLDS = 3
# Their files are those of one training.
_WRITERS = (Checkpointing, Checkpoint, TrainEndCheckpoint)


class CrossFitting:
    """Predict each third of the instances by a copy of an estimator trained on the others.

    Parameters
    ----------
    X, sample_weight, neighbor_features
        As ``fit`` was given them, in any container: a copy prepares its own part of them.
    fit_params : dict
    """

    def __init__(
        self, X: Any, fit_params: dict[str, Any], *, sample_weight: Any, neighbor_features: Any
    ) -> None:
        self.X = X
        self.fit_params = fit_params
        self.sample_weight = sample_weight
        self.neighbor_features = neighbor_features

    def deal_folds(self, Y: NDArray[np.float32], seed: int) -> None:
        """Deal the instances, by their labels (n, q).

        Raises
        ------
        ValueError
            If there are fewer instances than folds.
        """
        self.seed = seed
        folds = IterativeStratifiedKFold(_N_FOLDS, random_state=seed % 2**32)
        self.folds = list(folds.split(Y, Y))

    def predict(self, est: Any, Y: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, q)."""
        weight = check_weights(self.sample_weight, Y.shape)
        proba = np.full(Y.shape, np.nan)
        for fold, (train, test) in enumerate(self.folds):
            copy = _copy(est, derive_seed(self.seed, fold) % 2**32)
            with warnings.catch_warnings():
                # Of a matrix of one label, which y may not have been.
                warnings.simplefilter("ignore", DataConversionWarning)
                copy.fit(
                    _select_instances(self.X, train),
                    Y[train],
                    None if weight is None else weight[train],
                    neighbor_features=self._select_neighbor_features(train),
                    **self.fit_params,
                )
            proba[test] = copy.predict_proba(_select_instances(self.X, test))
        return proba

    def _select_neighbor_features(self, rows: NDArray[np.int64]) -> Any:
        given = self.neighbor_features
        return None if given is None else _select_instances(given, rows)


def read_weight(weight: Tensor | None) -> NDArray[np.float64] | None:
    """Weights of cells as an array."""
    return None if weight is None else weight.double().cpu().numpy()


def _copy(est: Any, seed: int) -> Any:
    """Copy an estimator, unfitted, with a seed of its own and without files that it would write."""
    copy = clone(est)
    without: dict[str, Any] = {
        name: None
        for name, value in copy.get_params(deep=False).items()
        if name.startswith("callbacks__") and isinstance(value, _WRITERS)
    }
    if isinstance(copy.callbacks, list):
        without["callbacks"] = [one for one in copy.callbacks if not _writes(one)]
    for name in ("label_weight", "pos_weight"):
        without[name] = read_by_label(est, name)
    plain = {"threshold": 0.5, "calibration": None, "verbose": 0}
    return copy.set_params(random_state=seed, **plain, **without)


def _writes(callback: Any) -> bool:
    # With a name, or without.
    return isinstance(callback[1] if isinstance(callback, tuple) else callback, _WRITERS)


def _select_instances(X: Any, rows: NDArray[np.int64]) -> Any:
    X, _ = open_items(X, y=())
    if isinstance(X, ItemDataset):
        return Subset(X.items, rows.tolist())
    X = open_stored(X)
    if isinstance(X, StoredFeatures):
        return X.select(rows)
    (X,) = indexable(open_features(X))
    return take_rows(X, rows)

"""Predictions of a trained network, in scikit-learn's forms."""

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from skorch.utils import to_numpy

from skd2ace._targets import decode_targets
from skd2ace.training._out_of_bag import (
    HeldOut,
    has_out_of_bag,
    measure_pooling,
    predict_out_of_bag,
)

from ._calibration import (
    calibrate_probabilities,
    fit_sigmoid,
    fit_temperature,
    read_calibration,
)
from ._engine import TrainingEngine
from ._held_out import CrossFitting, read_weight
from ._item_data import is_of_a_training
from ._preprocessing import read_features, read_input_tags
from ._split import Parts
from ._thresholds import read_thresholds, tune_thresholds
from ._training_data import TrainingData
from ._validation import score_subset_accuracy


class PredictingNet(ClassifierMixin, TrainingEngine):
    """A trained network that predicts as scikit-learn's classifiers do."""

    classes_: NDArray
    thresholds_: NDArray[np.float64]
    temperature_: float
    intercept_: float
    pos_weight_: NDArray[np.float32]
    oob_proba_: NDArray[np.float64]
    oob_score_: float

    # What predicts the instances of a fit that holds none out; while fit runs.
    _cross_fitting: CrossFitting | None = None

    def decision_function(self, X: ArrayLike) -> NDArray[np.float32]:
        """Logits; with ``calibration`` divided by ``temperature_``, plus ``intercept_``.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, q), float32; (n,) for a one-dimensional y

        Raises
        ------
        ValueError
            If X is not as in :meth:`fit`, a logit is not finite, or ``calibration`` was set after
            the fit.
        """
        self.check_is_fitted()
        # Scoring callbacks hand in cached batches, which are where the net computes.
        if not is_of_a_training(X, prepared=hasattr(self, "preprocessor_")):
            X = read_features(self, X)
        logits = self._predict_logits(self.get_dataset(X))
        if not np.isfinite(logits).all():
            raise ValueError("The network's logits are not finite: X is too large for it.")
        if self.calibration is not None:
            temperature, intercept = map(np.float32, read_calibration(self))
            logits = logits / temperature + intercept
        return logits if self._is_matrix else logits[:, 0]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probability of each label.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, q), float64; (n, 2) for a one-dimensional y
        """
        # In float64: in float32 the sigmoid is exactly 1 from a logit of 17 on.
        proba = expit(self.decision_function(X).astype(np.float64))
        return proba if self._is_matrix else np.column_stack((1 - proba, proba))

    def predict(self, X: ArrayLike) -> NDArray:
        """Labels whose probability is at least the threshold.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, q), int64 of 0/1; (n,) of classes for a one-dimensional y
        """
        proba = self._label_proba(X)
        n_labels = proba.shape[1]
        classes = getattr(self, "classes_", np.tile([0, 1], (n_labels, 1)))
        if self._data is not None and classes.ndim == 1:
            # Callbacks that score in training compare with labels as the network has them.
            classes = np.array([0, 1])
        return decode_targets(proba >= read_thresholds(self, n_labels), classes)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Share of instances of which every label is predicted correctly (subset accuracy).

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n, q), or (n,)
            As for :meth:`fit`. Labels that are not known are left out, and so are instances
            without any that is.
        sample_weight : array-like of shape (n,) or (n, q), optional
            An instance counts by its weight, or by the mean of those that are above 0.

        Returns
        -------
        float
            In [0, 1], larger is better; NaN where no label is known.

        Raises
        ------
        ValueError
            If y has other labels than in :meth:`fit`, or in another order.
        """
        return score_subset_accuracy(self, X, y, sample_weight)

    def get_split_datasets(self, X: Any, y: Any = None, **split_params: Any) -> tuple[Any, Any]:
        """Split into a training and a validation part; without one, tuning needs cross-fitting."""
        train, valid = super().get_split_datasets(X, y, **split_params)
        if self._needs_held_out and valid is None and not has_out_of_bag(self):
            if self._cross_fitting is None:
                parameter = "threshold" if isinstance(self.threshold, str) else "calibration"
                raise ValueError(
                    f'{parameter}="{getattr(self, parameter)}" needs a held-out part where '
                    "training goes on: see train_split."
                )
            # Before anything is trained, what can fail.
            self._cross_fitting.deal_folds(y, self.split_seed_)
        return train, valid

    def _train(self, data: TrainingData, *args: Any, **kwargs: Any) -> Any:
        # The network changes, and the next calibration is found from its own logits.
        self._set_calibration(1.0, 0.0)
        vars(self).pop("pos_weight_", None)
        if data.pos_weight is not None:
            self.pos_weight_ = data.pos_weight.numpy()
        return super()._train(data, *args, **kwargs)

    def _start_afresh(self, *args: Any, **kwargs: Any) -> TrainingData:
        for name in ("thresholds_", "temperature_", "intercept_", "oob_proba_", "oob_score_"):
            vars(self).pop(name, None)
        return super()._start_afresh(*args, **kwargs)

    @property
    def _is_matrix(self) -> bool:
        return not hasattr(self, "classes_") or self.classes_.ndim == 2

    def _label_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities (n, q), also for a one-dimensional y."""
        proba = self.predict_proba(X)
        return proba if self._is_matrix else proba[:, 1:]

    def _predict_logits(self, dataset: Any) -> NDArray[np.float32]:
        """Logits (n, q) of a data set."""
        batches = map(to_numpy, self.forward_iter(dataset))
        first = next(batches)
        # Into one array: small ones that are kept would lie scattered through the memory of the
        # features between them, which could not be used again.
        logits = np.empty((len(dataset), *first.shape[1:]), first.dtype)
        start = 0
        for batch in chain([first], batches):
            if start + len(batch) > len(logits):
                # Of a training part the batches that were served, in which rows may be repeated.
                logits = np.concatenate((logits, np.empty_like(logits)))
            logits[start : start + len(batch)] = batch
            start += len(batch)
        return logits[:start]

    @property
    def _needs_held_out(self) -> bool:
        return isinstance(self.threshold, str) or self.calibration is not None

    def _conclude(self, parts: Parts, data: TrainingData) -> None:
        """Predict instances that were not trained on, and tune by them what is to be tuned."""
        for name in ("oob_proba_", "oob_score_"):
            vars(self).pop(name, None)
        out_of_bag = has_out_of_bag(self)
        if out_of_bag or self._needs_held_out:
            seen = self._predict_held_out(parts, data)
            if self.calibration is not None:
                seen = self._calibrate(seen, parts, data)
            if isinstance(self.threshold, str):
                self.thresholds_ = tune_thresholds(self, seen)
            if out_of_bag:
                # What is corrected for is an estimate too.
                self.oob_score_ = min(seen.score() + measure_pooling(self, parts.train), 1.0)
                self.oob_proba_ = self._spread(seen.proba, len(data.Y))
        vars(self).pop("_cross_fitting", None)

    def _set_calibration(self, temperature: float, intercept: float) -> None:
        for name in ("temperature_", "intercept_"):
            vars(self).pop(name, None)
        if self.calibration is not None:
            self.temperature_ = temperature
        if self.calibration == "sigmoid":
            self.intercept_ = intercept

    def _calibrate(self, seen: HeldOut, parts: Parts, data: TrainingData) -> HeldOut:
        """Find the calibration from held-out predictions, and give these as they are with it."""
        by_temperature = self.calibration == "temperature"
        found = (fit_temperature(seen), 0.0) if by_temperature else fit_sigmoid(seen)
        self._set_calibration(*found)
        if parts.valid is not None and not has_out_of_bag(self):
            # As they will be predicted, to the bit: thresholds lie on them.
            return self._predict_held_out(parts, data)
        return seen._replace(proba=calibrate_probabilities(seen.proba, *found))

    def _predict_held_out(self, parts: Parts, data: TrainingData) -> HeldOut:
        """Predict what was not trained on: out of bag, held out, or by cross-fitting."""
        if has_out_of_bag(self):
            return predict_out_of_bag(self, parts.train)
        if parts.valid is not None:
            cells, proba = self._cells_of(parts.valid), self._label_proba(parts.valid)
            return HeldOut(cells.labels().cpu().numpy(), proba, read_weight(cells.cell_weight()))
        assert self._cross_fitting is not None
        proba = self._cross_fitting.predict(self, data.Y)
        return HeldOut(data.Y, proba, read_weight(data.cell_weight))

    def _spread(self, proba: NDArray[np.float64], n_rows: int) -> NDArray[np.float64]:
        """Probabilities of the training part as those of all rows that fit was given."""
        if self.train_indices_ is not None:
            everything = np.full((n_rows, proba.shape[1]), np.nan)
            everything[self.train_indices_] = proba
            proba = everything
        return proba if self._is_matrix else np.column_stack((1 - proba, proba))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.multi_class = False
        tags.input_tags.sparse = True
        tags.input_tags = read_input_tags(self.preprocessor, tags.input_tags)
        return tags

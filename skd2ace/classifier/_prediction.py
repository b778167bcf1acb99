"""What a net predicts: logits, probabilities, and labels by threshold."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.utils.validation import validate_data
from skorch import NeuralNet
from skorch.utils import is_dataset, to_numpy

from skd2ace._targets import decode_targets, from_tensor
from skd2ace.metrics import best_f1_thresholds


class Prediction(NeuralNet):
    """A skorch net whose logits become probabilities and labels as scikit-learn has them."""

    classes_: NDArray

    def decision_function(self, X: ArrayLike) -> NDArray:
        """Logits.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, q), float32; (n,) for a one-dimensional y

        Raises
        ------
        ValueError
            If X is not as in :meth:`fit`, or a logit is not finite.
        """
        self.check_is_fitted()
        if not is_dataset(X):
            X = self._check_features(X, reset=False)
        # Scoring callbacks hand in cached batches, which are where the net computes.
        logits = np.concatenate([to_numpy(batch) for batch in self.forward_iter(X)])
        if not np.isfinite(logits).all():
            raise ValueError("The network's logits are not finite: X is too large for it.")
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
        proba = self.predict_proba(X)
        proba = proba if self._is_matrix else proba[:, 1:]
        self._check_threshold(proba.shape[1])
        classes = getattr(self, "classes_", np.tile([0, 1], (proba.shape[1], 1)))
        return decode_targets(proba >= self._present_thresholds(), classes)

    @property
    def _is_matrix(self) -> bool:
        return not hasattr(self, "classes_") or self.classes_.ndim == 2

    def _check_features(self, X: Any, *, reset: bool) -> Any:
        if isinstance(X, torch.Tensor):
            X = from_tensor(X)
        # What does not fit into single precision becomes infinite, and an error of that name;
        # and so may the sums by which infinity is looked for, one of them NaN.
        with np.errstate(over="ignore", invalid="ignore"):
            return validate_data(self, X, dtype=np.float32, accept_sparse="csr", reset=reset)

    def _check_threshold(self, n_labels: int) -> None:
        if isinstance(self.threshold, str):
            return
        try:
            thresholds = np.asarray(self.threshold, dtype=np.float64)
        except (TypeError, ValueError):
            thresholds = np.array(np.nan)
        in_range = np.all((thresholds >= 0) & (thresholds <= 1))
        if thresholds.shape not in ((), (n_labels,)) or not in_range:
            raise ValueError(
                f"threshold must be in [0, 1], one number or one for each of the {n_labels} "
                f"labels, got {self.threshold!r}."
            )

    def _tune_thresholds(self, held_out: Any) -> NDArray[np.float64]:
        proba = self.predict_proba(held_out)
        relevant = self._labels(held_out).cpu().numpy()
        return best_f1_thresholds(relevant, proba if self._is_matrix else proba[:, 1:])

    def _present_thresholds(self) -> Any:
        if not isinstance(self.threshold, str):
            return np.asarray(self.threshold, dtype=np.float64)
        if not hasattr(self, "thresholds_"):
            raise ValueError('threshold="tune" must be set before fit.')
        return self.thresholds_

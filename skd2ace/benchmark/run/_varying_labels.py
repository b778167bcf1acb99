"""Labels that a library refuses, as all or none of a fold's instances have them."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import Tags


class VaryingLabels(ClassifierMixin, BaseEstimator):
    """Fit an estimator to the labels that vary; the others keep the value that they had.

    Parameters
    ----------
    estimator : estimator
        Of many labels, with ``predict_proba`` of shape (n, q), or (n, 2) for a single one.

    Attributes
    ----------
    constants_ : ndarray of shape (q,)
        Value of each label in the first row.
    varies_ : ndarray of shape (q,), of bool
    estimator_ : estimator
        Fitted, where a label varies.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, Y: NDArray) -> "VaryingLabels":
        """Fit to features (n, d) and labels (n, q) of 0/1."""
        self.constants_ = Y[0].astype(np.float64)
        self.varies_ = (Y[0] != Y).any(axis=0)
        self.classes_ = np.tile([0, 1], (Y.shape[1], 1))
        if self.varies_.any():
            self.estimator_ = clone(self.estimator).fit(_as_matrix(X), Y[:, self.varies_])
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities (n, q); 0 or 1 of a label that did not vary."""
        proba = np.tile(self.constants_, (X.shape[0], 1))
        if n_varying := int(self.varies_.sum()):
            # Of one label, the last column is that of having it.
            proba[:, self.varies_] = self.estimator_.predict_proba(_as_matrix(X))[:, -n_varying:]
        return proba

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Labels (n, q) of a probability above one half."""
        return (self.predict_proba(X) > 0.5).astype(np.int64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.sparse = True
        return tags


def _as_matrix(X: Any) -> Any:
    """Sparse features as a matrix: CatBoost knows no sparse arrays."""
    return sp.csr_matrix(X) if sp.issparse(X) else X

"""MLkNN, the lazy baseline of the field."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skd2ace._labels import check_zero_one
from skd2ace._sklearn import Interval


class MLkNN(ClassifierMixin, BaseEstimator):
    """Multi-label k nearest neighbours (Zhang and Zhou 2007).

    For each label, the posterior of having it given how many of the k nearest neighbours do, with
    frequencies counted on the training data, each instance's own neighbours without itself, and
    smoothed.

    Parameters
    ----------
    n_neighbors : int, default=10
    smoothing : float, default=1.
        Added to every count.

    Attributes
    ----------
    classes_ : ndarray of shape (q, 2)
    prior_ : ndarray of shape (q,)
    likelihood_ : ndarray of shape (2, k + 1, q)
        Probability of c neighbours with the label, without (0) and with it (1).

    References
    ----------
    .. [1] Zhang and Zhou (2007). ML-KNN: A lazy learning approach to multi-label learning.
       Pattern Recognition.

    Examples
    --------
    >>> from skd2ace.benchmark import MLkNN
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> MLkNN().fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "smoothing": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, n_neighbors: int = 10, smoothing: float = 1.0) -> None:
        self.n_neighbors = n_neighbors
        self.smoothing = smoothing

    def fit(self, X: Any, Y: Any) -> "MLkNN":
        """Count, on X (n, d) and Y (n, q) of 0/1, each dense or sparse.

        Raises
        ------
        ValueError
            If Y holds anything else, or there are no more instances than neighbours.
        """
        self._validate_params()
        X, Y = validate_data(self, X, Y, accept_sparse="csr", multi_output=True)
        Y = Y.toarray() if sp.issparse(Y) else Y
        check_zero_one(Y, "Y")
        k, s = self.n_neighbors, self.smoothing
        if len(Y) <= k:
            raise ValueError(f"{k} neighbours of {len(Y)} instances: there must be more of them.")
        self.Y_ = Y.astype(np.int64).reshape(len(Y), -1)
        self.classes_ = np.tile([0, 1], (self.Y_.shape[1], 1))
        self.neighbors_ = NearestNeighbors(n_neighbors=k).fit(X)
        self.prior_ = (s + self.Y_.sum(0)) / (2 * s + len(Y))
        counts = self._counts(None)
        # Rows of an identity, summed over the instances that have the label or have it not.
        seen = np.eye(k + 1)[counts]
        with_label = np.einsum("ncq,nq->cq", np.moveaxis(seen, 2, 1), self.Y_)
        tables = np.stack([seen.sum(0).T - with_label, with_label])
        self.likelihood_ = (s + tables) / (s * (k + 1) + tables.sum(1, keepdims=True))
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Posterior probabilities (n, q)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        counts = self._counts(X)
        labels = np.arange(counts.shape[1])
        without, having = (table[counts, labels] for table in self.likelihood_)
        joint = self.prior_ * having
        return joint / (joint + (1 - self.prior_) * without)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Labels (n, q) with a posterior of at least one half."""
        return (self.predict_proba(X) >= 0.5).astype(np.int64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.sparse = True
        return tags

    def _counts(self, X: Any) -> NDArray[np.int64]:
        """How many neighbours have each label (n, q); None for the training instances."""
        return self.Y_[self.neighbors_.kneighbors(X, return_distance=False)].sum(1)

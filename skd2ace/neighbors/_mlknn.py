"""MLkNN, the lazy baseline of the field."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from skd2ace._columns import name_bad_column
from skd2ace._containers import open_features
from skd2ace._sklearn import Interval
from skd2ace._targets import decode_targets, encode_targets, measure_subset_accuracy

# "numeric" lets words in a frame pass, which fail later without the name of their column.
_FLOATS = (np.float64, np.float32)


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
    classes_ : ndarray of shape (q, 2), or (2,) for a one-dimensional y
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (d,)
        Where X had names of columns.
    n_neighbors_ : int
        k: fewer than ``n_neighbors`` where there were no more instances than these.
    prior_ : ndarray of shape (q,)
    likelihood_ : ndarray of shape (2, k + 1, q)
        Probability of c neighbours with the label, without (0) and with it (1).

    Notes
    -----
    Neighbours are Euclidean ones. A one-dimensional y of two classes is a problem of one label:
    ``predict`` gives classes of shape (n,), ``predict_proba`` (n, 2).

    References
    ----------
    .. [1] Zhang and Zhou (2007). ML-KNN: A lazy learning approach to multi-label learning.
       Pattern Recognition 40(7), 2038-2048.

    Examples
    --------
    >>> from skd2ace.neighbors import MLkNN
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

    def fit(self, X: ArrayLike, y: ArrayLike) -> "MLkNN":
        """Count how many neighbours have a label, where the instance has it and where not.

        Parameters
        ----------
        X : ndarray, DataFrame or sparse matrix of shape (n, d)
            Features, finite.
        y : ndarray, DataFrame, sparse matrix or Tensor of shape (n, q), or (n,)
            0/1 or bool; in one dimension any two classes.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or a parameter are not as described, or there is one instance only.

        Warns
        -----
        UserWarning
            If there are no more instances than ``n_neighbors``: all others are the neighbours.
        """
        self._validate_params()
        X = open_features(X)
        with name_bad_column(X):
            X = validate_data(self, X, accept_sparse="csr", dtype=_FLOATS)
        Y, self.classes_, _ = encode_targets(y)
        if np.isnan(Y).any():
            raise ValueError("MLkNN counts labels: y must not contain NaN.")
        check_consistent_length(X, Y)
        self.n_neighbors_ = self._existing_neighbors(len(Y))
        self._Y = Y.astype(np.int64)
        self._neighbors = NearestNeighbors(n_neighbors=self.n_neighbors_).fit(X)
        s = self.smoothing
        self.prior_ = (s + self._Y.sum(0)) / (2 * s + len(Y))
        tables = self._count_occurrences()
        self.likelihood_ = (s + tables) / (
            s * (self.n_neighbors_ + 1) + tables.sum(1, keepdims=True)
        )
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Posterior probability of each label.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)

        Returns
        -------
        ndarray of shape (n, q), float64; (n, 2) for a one-dimensional y
        """
        proba = self._posteriors(X)
        return proba if self.classes_.ndim == 2 else np.column_stack((1 - proba, proba))

    def predict(self, X: ArrayLike) -> NDArray:
        """Labels with a posterior of at least one half.

        Of the two classes of a one-dimensional y the first, where both have one half.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)

        Returns
        -------
        ndarray of shape (n, q), int64 of 0/1; (n,) of classes for a one-dimensional y
        """
        proba = self._posteriors(X)
        relevant = proba >= 0.5 if self.classes_.ndim == 2 else proba > 0.5
        return decode_targets(relevant, self.classes_)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Share of instances of which every label is predicted correctly (subset accuracy).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        y : ndarray, DataFrame, sparse matrix or Tensor of shape (n, q), or (n,)
            As for :meth:`fit`; labels that are NaN are left out, and so are instances without
            any that is known.
        sample_weight : array-like of shape (n,) or (n, q), optional

        Returns
        -------
        float
            In [0, 1], larger is better; NaN where no label is known.
        """
        return measure_subset_accuracy(self.predict(X), y, self.classes_, sample_weight)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.multi_class = False
        tags.input_tags.sparse = True
        return tags

    def _existing_neighbors(self, n: int) -> int:
        """Return how many of the neighbours asked for n instances have, as LocalOutlierFactor."""
        if n < 2:
            raise ValueError(f"An instance alone has no neighbours: n_samples={n}, 2 are needed.")
        if n <= self.n_neighbors:
            warnings.warn(
                f"n_neighbors={self.n_neighbors} of {n} instances: each has {n - 1} neighbours, "
                "and these are taken.",
                stacklevel=3,
            )
        return min(self.n_neighbors, n - 1)

    def _posteriors(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        X = open_features(X)
        with name_bad_column(X):
            X = validate_data(self, X, accept_sparse="csr", dtype=_FLOATS, reset=False)
        counts = self._count_neighbors(X)
        labels = np.arange(counts.shape[1])
        without, having = (table[counts, labels] for table in self.likelihood_)
        joint = self.prior_ * having
        return joint / (joint + (1 - self.prior_) * without)

    def _count_neighbors(self, X: Any) -> NDArray[np.int64]:
        """Count the neighbours that have each label (n, q); None for the training instances."""
        return (self._neighbors.kneighbors_graph(X) @ self._Y).astype(np.int64)

    def _count_occurrences(self) -> NDArray[np.int64]:
        """Count how often c neighbours occur, (2, k + 1, q): without the label, and with it."""
        shape = 2, self.n_neighbors_ + 1, self._Y.shape[1]
        places = (self._Y, self._count_neighbors(None), np.arange(shape[2])[None, :])
        flat = np.ravel_multi_index(np.broadcast_arrays(*places), shape).ravel()
        return np.bincount(flat, minlength=np.prod(shape)).reshape(shape)

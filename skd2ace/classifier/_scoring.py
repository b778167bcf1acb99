"""A net that scikit-learn scores as a classifier."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin

from ._engine import TrainingEngine
from ._item_data import open_items


class ScoredNet(ClassifierMixin, TrainingEngine):
    """A classifier that is scored on the labels of a data set too."""

    def score(self, X: Any, y: ArrayLike | None = None, sample_weight: Any = None) -> float:
        """Share of instances all of whose labels are predicted.

        Parameters
        ----------
        X : array-like of shape (n, d) or (n, ...), or Dataset
        y : array-like of shape (n, q), or (n,)
            May be None for a data set that gives (x, y).
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
        """
        X, y = open_items(X, y)
        return super().score(X, y, sample_weight)

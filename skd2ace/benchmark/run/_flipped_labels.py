"""Training on labels of which some are wrong."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state
from typing_extensions import Self

from skd2ace._label_errors import mark_exchanged
from skd2ace._seeding import RandomState


class FlippedLabels(ClassifierMixin, BaseEstimator):
    """Train a classifier on labels some of which were flipped.

    Parameters
    ----------
    estimator : classifier
        Its own ``random_state`` is left as it is.
    share : float
        Of each label's positives, in [0, 1].
    random_state : int, RandomState or None, default=None
        Of the flips.

    Attributes
    ----------
    estimator_ : classifier
    """

    def __init__(self, estimator: Any, share: float, random_state: RandomState = None) -> None:
        self.estimator = estimator
        self.share = share
        self.random_state = random_state

    def fit(self, X: Any, Y: NDArray[Any]) -> Self:
        """Flip, and train."""
        self.estimator_ = clone(self.estimator).fit(
            X, flip_labels(Y, self.share, self.random_state)
        )
        self.classes_ = self.estimator_.classes_
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities (n, q) of the classifier."""
        return self.estimator_.predict_proba(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels (n, q) by the classifier."""
        return self.estimator_.predict(X)


def flip_labels(Y: NDArray[Any], share: float, random_state: RandomState = None) -> NDArray[Any]:
    """Exchange a share of each label's positives with as many of its negatives.

    So each label stays as frequent as it was.

    Parameters
    ----------
    Y : ndarray of shape (n, q), 0/1
    share : float
        Rounded to whole instances; no more than there are negatives.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    ndarray of shape (n, q)
        A copy.
    """
    is_flipped = mark_exchanged(
        Y,
        lambda n_ones, n_zeros: min(round(share * n_ones), n_zeros),
        check_random_state(random_state),
    )
    return np.where(is_flipped, Y == 0, Y).astype(Y.dtype)

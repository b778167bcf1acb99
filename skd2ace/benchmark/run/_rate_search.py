"""A network trained at several learning rates, of which held-out rows choose one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from typing_extensions import Self

from skd2ace import MultiLabelNetClassifier
from skd2ace._seeding import RandomState


class RateSearch(ClassifierMixin, BaseEstimator):
    """Train a network at each of some learning rates, and keep the best.

    The best has the highest Macro-AUC, after its last epoch, on the rows that the network holds
    out; these are the same for all rates. It is not trained again on all rows.

    Parameters
    ----------
    estimator : MultiLabelNetClassifier
        With a ``train_split``.
    rates : sequence of float
    random_state : int, RandomState or None, default=None
        That of the network.

    Attributes
    ----------
    best_estimator_ : MultiLabelNetClassifier
    scores_ : list of float
        Of each rate.
    history : skorch.history.History
        That of the best.
    """

    def __init__(
        self,
        estimator: MultiLabelNetClassifier,
        rates: Sequence[float],
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.rates = rates
        self.random_state = random_state

    def fit(self, X: Any, Y: NDArray[Any], **fit_params: Any) -> Self:
        """Train at all rates."""
        networks = [
            clone(self.estimator)
            .set_params(lr=rate, random_state=self.random_state)
            .fit(X, Y, **fit_params)
            for rate in self.rates
        ]
        self.scores_ = [float(network.history[-1, "valid_macro_auc"]) for network in networks]
        self.best_estimator_ = networks[int(np.nanargmax(self.scores_))]
        self.classes_ = self.best_estimator_.classes_
        return self

    @property
    def history(self) -> Any:
        """That of the best network."""
        return self.best_estimator_.history

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities (n, q) of the best network."""
        return self.best_estimator_.predict_proba(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels (n, q) by the best network."""
        return self.best_estimator_.predict(X)

"""Stratified folds, dealt several times."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any

from sklearn.model_selection import BaseCrossValidator

from skd2ace._constraints import check_parameters
from skd2ace._seeding import RandomState, draw_seeds
from skd2ace._sklearn import Interval

from ._iterative import Indices, IterativeStratifiedKFold, warn_of_groups

_CONSTRAINTS: dict[str, list[Any]] = {
    "n_splits": [Interval(Integral, 2, None, closed="left")],
    "n_repeats": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}


class RepeatedIterativeStratifiedKFold(BaseCrossValidator):
    """:class:`IterativeStratifiedKFold` several times, each time with folds of its own.

    The counterpart of scikit-learn's ``RepeatedStratifiedKFold`` for many labels: where
    differences are small, more folds make them surer than more seeds of the same folds.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    n_repeats : int, default=10
        How many times the instances are dealt, at least 1.
    random_state : int, RandomState or None, default=None
        Seed of all of them, as of :class:`IterativeStratifiedKFold`.

    Raises
    ------
    InvalidParameterError
        If a parameter has no such value; a ValueError and a TypeError.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.model_selection import RepeatedIterativeStratifiedKFold
    >>> Y = np.array([[1, 0], [1, 1], [0, 1], [0, 0]] * 3)
    >>> folds = RepeatedIterativeStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    >>> len([test for train, test in folds.split(Y, Y)])
    6
    """

    def __init__(
        self, n_splits: int = 5, *, n_repeats: int = 10, random_state: RandomState = None
    ) -> None:
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.random_state = random_state
        parameters = {name: getattr(self, name) for name in _CONSTRAINTS}
        check_parameters(_CONSTRAINTS, parameters, type(self).__name__)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds of all repetitions.

        Parameters
        ----------
        X, y, groups : object
            Ignored, as in every splitter.

        Returns
        -------
        int
            ``n_splits`` times ``n_repeats``.
        """
        return int(self.n_splits * self.n_repeats)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Indices, Indices]]:
        """Yield the indices of each fold, one repetition after the other.

        Parameters
        ----------
        X, y, groups
            As for :meth:`IterativeStratifiedKFold.split`.

        Yields
        ------
        train, test : ndarray of int
            Sorted positions.

        Raises
        ------
        ValueError, ImportError
            As :meth:`IterativeStratifiedKFold.split`.
        """
        warn_of_groups(groups, self)
        for seed in draw_seeds(self.random_state, self.n_repeats):
            yield from IterativeStratifiedKFold(self.n_splits, random_state=seed % 2**32).split(
                X, y
            )

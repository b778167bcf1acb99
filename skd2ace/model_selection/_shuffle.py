"""Random parts of given sizes in which every label is about as frequent as in the whole."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.model_selection import BaseShuffleSplit, ShuffleSplit
from sklearn.utils import check_random_state, indexable

from skd2ace._constraints import check_parameters
from skd2ace._seeding import RandomState, draw_seeds
from skd2ace._sklearn import Interval

from ._iterative import Indices, missing_package, read_labels, warn_of_groups

_CONSTRAINTS: dict[str, list[Any]] = {
    "n_splits": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
}


class IterativeStratifiedShuffleSplit(BaseShuffleSplit):  # type: ignore[misc]
    """Random training and test parts of multi-label data, stratified iteratively.

    The parts have the sizes that scikit-learn's ``ShuffleSplit`` gives them.

    Parameters
    ----------
    n_splits : int, default=10
        Number of splits, at least 1; each is drawn anew.
    test_size : float, int or None, default=None
        Share or number of test instances. None is what ``train_size`` leaves, or 0.1.
    train_size : float, int or None, default=None
        Share or number of training instances. None is what the test part leaves.
    random_state : int, RandomState or None, default=None
        An integer gives the same splits each time. A ``RandomState`` is advanced at each call of
        ``split``. None takes fresh entropy.

    Raises
    ------
    InvalidParameterError
        If a parameter has no such value; a ValueError and a TypeError.

    Notes
    -----
    Instances are dealt out by iterative-stratification, which misses the sizes by some instances.
    Those too many in a part then move to one with too few, each time the one that brings
    the counts of labels, in relation to the labels' frequencies, closest to their shares.

    References
    ----------
    Sechidis et al. (2011). On the stratification of multi-label data. ECML PKDD.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.model_selection import IterativeStratifiedShuffleSplit
    >>> Y = np.array([[1, 0], [1, 1], [0, 1], [0, 0]] * 5)
    >>> splitter = IterativeStratifiedShuffleSplit(2, test_size=8, random_state=0)
    >>> [Y[test].sum(axis=0).tolist() for _, test in splitter.split(Y, Y)]
    [[4, 4], [4, 4]]
    """

    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float | int | None = None,
        train_size: float | int | None = None,
        random_state: RandomState = None,
    ) -> None:
        super().__init__(
            n_splits, test_size=test_size, train_size=train_size, random_state=random_state
        )
        parameters = {name: getattr(self, name) for name in _CONSTRAINTS}
        check_parameters(_CONSTRAINTS, parameters, type(self).__name__)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Indices, Indices]]:
        """Yield the indices of each split.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Only its length is looked at.
        y : array-like, frame, Tensor or sparse matrix of shape (n, q) or (n,)
            0/1, NaN where unknown. Of a label with unknown cells, the known 1 and the known 0 are
            balanced, each for itself.
        groups : object
            Ignored, with scikit-learn's warning.

        Yields
        ------
        train, test : ndarray of int
            Sorted positions.

        Raises
        ------
        ValueError
            If y is missing, has another length than X or holds anything but 0, 1 and NaN, or the
            sizes do not fit the number of instances.
        ImportError
            If iterative-stratification is not installed.
        """
        if y is None:
            raise ValueError("y must be given: the parts are stratified by its labels.")
        warn_of_groups(groups, self)
        Y = read_labels(y)
        indexable(X, Y)
        seed = self.random_state
        if seed is None or isinstance(seed, np.random.RandomState):
            seed = draw_seeds(seed, 1)[0] % 2**32
        rng = check_random_state(int(seed))
        sizes = self._sizes(Y.shape[0])
        for _ in range(self.n_splits):
            part = _deal(Y, sizes, rng)
            yield np.flatnonzero(part == 0), np.flatnonzero(part == 1)

    def _iter_indices(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        return self.split(X, y, groups)

    def _sizes(self, n_instances: int) -> NDArray[np.int64]:
        """Sizes of the training part, the test part and what is in neither, if anything is."""
        sizes = ShuffleSplit(
            1, test_size=self.test_size, train_size=self.train_size, random_state=0
        )
        train, test = next(sizes.split(np.empty(n_instances)))
        rest = n_instances - len(train) - len(test)
        return np.array([len(train), len(test)] + [rest] * (rest > 0))


def _deal(
    Y: sp.csr_array, sizes: NDArray[np.int64], rng: np.random.RandomState
) -> NDArray[np.int64]:
    """Part of each instance, drawn so that parts have their sizes and about equal labels."""
    try:
        from iterstrat.ml_stratifiers import IterativeStratification
    except ImportError as error:
        raise missing_package("iterstrat", "iterative-stratification", "benchmark") from error
    order = rng.permutation(Y.shape[0])
    shuffled = Y[order]
    part = IterativeStratification(shuffled.toarray().astype(bool), sizes / sizes.sum(), rng)
    _keep_sizes(shuffled, part, sizes)
    back = np.empty_like(part)
    back[order] = part
    return back


def _keep_sizes(Y: sp.csr_array, part: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
    """Move instances between parts, in place, until each part has its size."""
    total = np.asarray(Y.sum(axis=0), dtype=np.float64)
    ones = Y.astype(np.float64)
    excess = np.array(
        [ones[part == i].sum(axis=0) - total * s / sizes.sum() for i, s in enumerate(sizes)]
    )
    surplus = np.bincount(part, minlength=len(sizes)) - sizes
    while surplus.any():
        source, target = int(surplus.argmax()), int(surplus.argmin())
        # The change of half the squared excesses, in relation to how frequent a label is.
        change = ones @ ((excess[target] - excess[source] + 1) / np.maximum(total, 1))
        members = np.flatnonzero(part == source)
        moved = members[change[members].argmin()]
        part[moved] = target
        row = ones[[moved]].toarray()[0]
        excess[source] -= row
        excess[target] += row
        surplus[source] -= 1
        surplus[target] += 1

"""Folds in which every label is about as frequent as in the whole."""

import warnings
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import indexable

from skd2ace._constraints import check_parameters
from skd2ace._containers import read_container
from skd2ace._labels import check_zero_one
from skd2ace._seeding import RandomState, draw_seeds, numpy_rng
from skd2ace._sklearn import Interval, Options, StrOptions

_CONSTRAINTS: dict[str, list[Any]] = {
    "n_splits": [Interval(Integral, 2, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "method": [StrOptions({"iterstrat", "skmultilearn"})],
    "order": [Options(Integral, {1, 2})],
}

Indices = NDArray[np.int64]


class IterativeStratifiedKFold(BaseCrossValidator):
    """K folds of multi-label data, stratified iteratively: the rarest label is dealt out first.

    The folds come from one of two public implementations, so that folds of papers can be
    followed. Every instance is in exactly one test fold.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=True
        False gives the same folds each time, without a ``random_state``: both implementations
        draw lots between folds that are as good, and then do so under the seed 0.
    random_state : int, RandomState or None, default=None
        An integer gives the same folds each time, those of the implementation under that seed. A
        ``RandomState`` is advanced at each call of ``split``. None takes fresh entropy. numpy's
        global generator is left as it was.
    method : {"iterstrat", "skmultilearn"}, default="iterstrat"
        Implementation: ``MultilabelStratifiedKFold`` of iterative-stratification, whose folds
        are the closer to the whole on large label sets, or ``IterativeStratification`` of
        scikit-multilearn.
    order : {1, 2}, default=1
        Whether single labels are balanced, or pairs of labels too (Szymański and Kajdanowicz
        2017). 2 needs ``method="skmultilearn"``.

    Raises
    ------
    InvalidParameterError
        If a parameter has no such value; a ValueError and a TypeError.
    ValueError
        If two parameters do not go together.

    Notes
    -----
    scikit-multilearn draws from numpy's global generator. Its state is saved, seeded for the
    split, and put back; another thread that draws from it meanwhile, and a process forked
    meanwhile, see the seeded state.

    References
    ----------
    Sechidis et al. (2011). On the stratification of multi-label data. ECML PKDD.

    Szymański and Kajdanowicz (2017). A network perspective on stratification of multi-label
    data. PMLR 74, 22-35.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.model_selection import IterativeStratifiedKFold
    >>> Y = np.array([[1, 0], [1, 1], [0, 1], [0, 0]] * 5)
    >>> folds = IterativeStratifiedKFold(n_splits=5, random_state=0)
    >>> [Y[test].sum(axis=0).tolist() for _, test in folds.split(Y, Y)]
    [[2, 2], [2, 2], [2, 2], [2, 2], [2, 2]]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = True,
        random_state: RandomState = None,
        method: str = "iterstrat",
        order: int = 1,
    ) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state
        self.method = method
        self.order = order
        self._check_parameters()

    def _check_parameters(self) -> None:
        parameters = {name: getattr(self, name) for name in _CONSTRAINTS}
        check_parameters(_CONSTRAINTS, parameters, type(self).__name__)
        if not self.shuffle and self.random_state is not None:
            raise ValueError(
                f"random_state={self.random_state!r} has no effect with shuffle=False."
            )
        if self.order == 2 and self.method == "iterstrat":
            raise ValueError("order=2 needs method='skmultilearn'; got method='iterstrat'.")

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object
            Ignored, as in every splitter.

        Returns
        -------
        int
            ``n_splits``.
        """
        return int(self.n_splits)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Indices, Indices]]:
        """Yield the indices of each fold.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Only its length is looked at.
        y : array-like, frame, Tensor or sparse matrix of shape (n, q) or (n,)
            0/1, NaN where unknown. A single label and instances without labels are fine. Of a
            label with unknown cells, the known 1 and the known 0 are balanced, each for itself.
        groups : object
            Ignored, with scikit-learn's warning.

        Yields
        ------
        train, test : ndarray of int
            Sorted positions.

        Raises
        ------
        ValueError
            If y is missing, has another length than X, holds anything but 0 and 1 or has fewer
            instances than ``n_splits``, or if a fold came out empty.
        ImportError
            If the implementation is not installed.
        """
        if y is None:
            raise ValueError("y must be given: the folds are stratified by its labels.")
        warn_of_groups(groups, self)
        Y = read_labels(y)
        indexable(X, Y)
        n_instances = Y.shape[0]
        if n_instances < self.n_splits:
            raise ValueError(
                f"n_splits={self.n_splits} is more than the {n_instances} instances of y."
            )
        everyone = np.arange(n_instances)
        for number, test in enumerate(self._test_folds(Y)):
            if len(test) == 0:
                raise ValueError(
                    f"Fold {number} of n_splits={self.n_splits} got no instance with "
                    f"method={self.method!r}; take fewer folds or another method."
                )
            yield np.setdiff1d(everyone, test, assume_unique=True), test

    def _test_folds(self, Y: sp.csr_array) -> list[Indices]:
        seed = self.random_state if self.shuffle else 0
        if seed is None or isinstance(seed, np.random.RandomState):
            seed = draw_seeds(seed, 1)[0] % 2**32
        deal = _iterstrat_folds if self.method == "iterstrat" else _skmultilearn_folds
        folds = deal(Y, self.n_splits, int(seed), self.order)
        return [np.sort(np.asarray(fold, dtype=np.int64)) for fold in folds]


def read_labels(y: Any) -> sp.csr_array:
    """Read what is to be balanced as a sparse matrix of ones.

    These are the relevant cells of each label and, where some of a label are unknown, those
    known not to be relevant: else a part could have its share of the first and none of the others.
    """
    y = read_container(y)
    if y.ndim not in (1, 2):
        raise ValueError(f"y must have one or two dimensions; got {y.ndim}.")
    if not sp.issparse(y):
        check_zero_one(y, "y")
        y = y.reshape(len(y), -1)
    Y = sp.csr_array(y, dtype=np.float64, copy=True)
    Y.sum_duplicates()
    check_zero_one(Y.data, "y")
    unknown = sp.csr_array((np.isnan(Y.data), Y.indices, Y.indptr), shape=Y.shape)
    in_part = np.flatnonzero(unknown.sum(axis=0))
    negative = Y[:, in_part].toarray() == 0
    Y.data[np.isnan(Y.data)] = 0
    # scikit-multilearn takes a stored zero for a label.
    Y.eliminate_zeros()
    return sp.csr_array(sp.hstack([Y, negative.astype(Y.dtype)])) if len(in_part) else Y


def warn_of_groups(groups: Any, splitter: Any) -> None:
    """Warn as scikit-learn does where a splitter has no use for groups."""
    if groups is not None:
        warnings.warn(
            f"The groups parameter is ignored by {type(splitter).__name__}",
            UserWarning,
            stacklevel=3,
        )


def _iterstrat_folds(Y: sp.csr_array, n_splits: int, seed: int, order: int) -> list[Indices]:
    try:
        from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
    except ImportError as error:
        raise missing_package("iterstrat", "iterative-stratification", "benchmark") from error
    dense = Y.toarray().astype(bool)
    if dense.shape[1] == 1:
        # A single column is refused. Its complement says nothing new.
        dense = np.hstack([dense, ~dense])
    splitter = MultilabelStratifiedKFold(n_splits, shuffle=True, random_state=seed)
    return [test for _, test in splitter.split(dense, dense)]


def missing_package(method: str, package: str, extra: str) -> ImportError:
    return ImportError(f"method={method!r} needs {package}: `pip install 'skd2ace[{extra}]'`.")


def _skmultilearn_folds(Y: sp.csr_array, n_splits: int, seed: int, order: int) -> list[Indices]:
    try:
        from skmultilearn.model_selection import IterativeStratification
    except ImportError as error:
        raise missing_package("skmultilearn", "scikit-multilearn", "data") from error
    splitter = IterativeStratification(n_splits, order=order)
    # Only the global generator can be seeded: the class takes no random_state of ours.
    with numpy_rng(seed):
        return [test for _, test in splitter.split(np.empty(Y.shape[0]), Y)]

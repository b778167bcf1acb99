"""TabularPreprocessor: tables of any kind as numbers that a network learns from."""

from collections import Counter
from itertools import count
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted, validate_data
from typing_extensions import Self

from skd2ace._columns import refuse_dates
from skd2ace._containers import keep_numbers, open_features, read_container

from ._categories import LEAST_ROWS, write_cells
from ._scaling import BoundedScaler, SmoothClipScaler, TiedQuantileTransformer
from ._stray_words import warn_of_stray_words
from ._table import read_again, read_columns, read_sparse, stack_columns


class TabularPreprocessor(TransformerMixin, BaseEstimator):
    """Bring a table into the form that networks learn from.

    Of a dense table

    - numbers are centred at the median and divided by the interquartile range, and what lies far
      out is drawn in smoothly [1]_; those whose quartiles are equal, such as measures that are 0
      in most rows, are mapped to a normal distribution by their quantiles instead [2]_ (n / 30 of
      them, from 10 to 1000);
    - columns of two values are standardised;
    - categories (strings, and what a frame declares as such) become a column of 0 and 1 each;
      those of fewer than three rows, and those not seen in ``fit``, are one;
    - missing numbers become the median, or the value that is most frequent, with a column that
      says where; a missing category is one of its own;
    - columns of one value, or of none, are dropped, whatever they hold later, unless there are no
      others; of those of one value and gaps, where it is missing is kept.

    Of a sparse table columns are divided by their standard deviation, so that it stays sparse;
    missing values become 0, with a column that says where. What is standardised ends at -10 and
    10: the one positive of ten thousand rows would be at 100.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (d,), of str
        Where X was a frame with names that are strings.
    is_category_ : list of bool
        Which columns of a dense X hold categories.
    is_sparse_ : bool
        Whether X was sparse.
    steps_ : list of (list of int, transformer)
        Columns of X and the fitted transformer of scikit-learn's kind that they go through.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn and Steinwart (2024). Better by Default: Strong Pre-Tuned MLPs
       and Boosted Trees on Tabular Data. NeurIPS.
    .. [2] Gorishniy, Kotelnikov and Babenko (2025). TabM: Advancing Tabular Deep Learning with
       Parameter-Efficient Ensembling. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.preprocessing import TabularPreprocessor
    >>> X = np.array([[1.0, 0], [2, 1], [np.nan, 0], [40, 1]])
    >>> TabularPreprocessor().fit_transform(X).shape
    (4, 3)
    """

    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    is_sparse_: bool

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn what columns hold, and their scales.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n, d)
            Numbers (decimals and fractions too), bools, strings and categories; NaN, None and NA
            where unknown.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X has dates or infinite numbers.

        Warns
        -----
        UserWarning
            If numbers are taken for words, and count for nothing, as where one cell is "?".
        """
        columns = self._read(X, reset=True)
        self.is_sparse_ = sp.issparse(columns)
        self.is_category_ = [] if self.is_sparse_ else [c.dtype.kind == "O" for c in columns]
        groups = _group_sparse(columns) if self.is_sparse_ else _group_dense(columns)
        if not any(js for js, _ in groups):
            # A network must have an input, if only to learn how frequent labels are.
            groups = [([0], self._take_first(columns))]
        self.steps_ = [(js, t.fit(_stack(columns, js))) for js, t in groups if js]
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Bring rows into the form that ``fit`` found.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n, d)
            A dense table where ``fit`` had a sparse one, or the other way round, is turned into
            that kind.

        Returns
        -------
        ndarray, or csr_array of a sparse table, of shape (n, m), float32

        Raises
        ------
        ValueError
            If X has other columns than in ``fit``, or words in one of numbers that was kept.
        """
        check_is_fitted(self)
        columns = self._read(X, reset=False)
        parts = [t.transform(_stack(columns, js)) for js, t in self.steps_]
        if sp.issparse(columns):
            return sp.csr_array(sp.hstack(parts), dtype=np.float32)
        return np.hstack(parts).astype(np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns that :meth:`transform` gives, no two of them the same.

        Where two would be, as those of a category "None" and of the missing ones, the later one
        ends in _2, and so on.

        Parameters
        ----------
        input_features : array-like of str, optional
            Those of X; the ones of ``fit`` by default, or x0, x1 and so on.

        Returns
        -------
        ndarray of shape (m,), of str
        """
        check_is_fitted(self)
        if input_features is None:
            numbered = [f"x{j}" for j in range(self.n_features_in_)]
            input_features = getattr(self, "feature_names_in_", numbered)
        names = np.asarray(input_features, dtype=object)
        return _tell_apart([t.get_feature_names_out(names[js]) for js, t in self.steps_])

    def _read(self, X: Any, *, reset: bool) -> Any:
        """Columns of a dense table, or a sparse matrix; with the checks of scikit-learn."""
        X = open_features(X)
        # What was dropped in fit is not looked at again.
        seen = None if reset or self.is_sparse_ else self._find_seen()
        refuse_dates(X, seen)
        if hasattr(X, "columns"):
            # scikit-learn would make one matrix of it, and fails on words beside NA.
            validate_data(self, X, reset=reset, skip_check_array=True)
            check_array(np.broadcast_to(0, X.shape), ensure_min_samples=1)
        else:
            X = validate_data(
                self,
                keep_numbers(X) if isinstance(X, (list, tuple)) else X,
                reset=reset,
                dtype=None,
                accept_sparse="csr",
                ensure_all_finite=False,
            )
        sparse = read_sparse(X)
        if reset and sparse is None:
            columns = read_columns(X)
            warn_of_stray_words(X, columns)
            return [*columns.values()]
        if seen is not None:
            return read_again(X if sparse is None else sparse.toarray(), seen)
        if sparse is None:
            sparse = read_sparse(sp.csr_array(read_container(X), dtype=np.float64))
        return sparse

    def _take_first(self, columns: Any) -> Any:
        """Make what transforms the first column where none varies, whatever it is."""
        if self.is_sparse_:
            return _scale_around_zero()
        if not self.is_category_[0] and np.isnan(columns[0]).all():
            # Nobody knows what is missing here: words may come.
            columns[0], self.is_category_[0] = write_cells(columns[0]), True
        return _chain(_make_encoder()) if self.is_category_[0] else _scale_around_zero()

    def _find_seen(self) -> dict[int, Any]:
        """Columns of a dense table that were kept: their categories, None in those of numbers."""
        seen: dict[int, Any] = {}
        for js, transformer in self.steps_:
            encoder = transformer[-1]
            is_one = isinstance(encoder, OneHotEncoder)
            seen |= zip(js, encoder.categories_ if is_one else [None] * len(js), strict=True)
        return dict(sorted(seen.items()))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.sparse = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags


def _group_dense(columns: list[NDArray]) -> list[tuple[list[int], Any]]:
    """Sort columns by what they hold, with a transformer for each sort."""
    n_rows = len(columns[0])
    n_quantiles = min(int(np.clip(n_rows // 30, 10, 1000)), n_rows)
    sorts: dict[str, list[int]] = {}
    for j, column in enumerate(columns):
        sorts.setdefault(_find_sort(column), []).append(j)
    with_gaps = [
        j
        for j, column in enumerate(columns)
        if column.dtype != object and 0 < np.isnan(column).sum() < n_rows
    ]
    quantiles = TiedQuantileTransformer(n_quantiles=n_quantiles, subsample=None)
    return [
        (sorts.get("spread", []), _impute("median", SmoothClipScaler())),
        (sorts.get("tied", []), _impute("median", quantiles)),
        (sorts.get("binary", []), _impute("most_frequent", BoundedScaler())),
        (with_gaps, _chain(MissingIndicator(features="all"), BoundedScaler())),
        (sorts.get("category", []), _chain(_make_encoder())),
    ]


def _find_sort(column: NDArray) -> str:
    if column.dtype == object:
        n_rows = np.array([*Counter(column).values()])
        n_kinds = (n_rows >= LEAST_ROWS).sum() + (n_rows < LEAST_ROWS).any()
        return "category" if n_kinds > 1 else "constant"
    known = column[~np.isnan(column)]
    if not len(known) or known.min() == known.max():
        return "constant"
    if ((known == known.min()) | (known == known.max())).all():
        return "binary"
    low, high = np.quantile(known, [0.25, 0.75])
    return "spread" if low < high else "tied"


def _scale_around_zero() -> Pipeline:
    """Make what keeps zeros, and puts them where a value is missing."""
    zeros = SimpleImputer(strategy="constant", fill_value=0, keep_empty_features=True)
    return _chain(zeros, BoundedScaler(with_mean=False))


def _make_encoder() -> OneHotEncoder:
    return OneHotEncoder(
        min_frequency=LEAST_ROWS, handle_unknown="infrequent_if_exist", sparse_output=False
    )


def _group_sparse(matrix: sp.csr_array) -> list[tuple[list[int], Any]]:
    is_missing = np.isnan(matrix.data)
    n_missing = np.bincount(matrix.indices[is_missing], minlength=matrix.shape[1])
    with_gaps = np.flatnonzero((n_missing > 0) & (n_missing < matrix.shape[0]))
    known = sp.csr_array(matrix, copy=True)
    known.data[is_missing] = 0
    varying = np.flatnonzero(known.max(axis=0).toarray() != known.min(axis=0).toarray())
    return [
        (varying.tolist(), _scale_around_zero()),
        (with_gaps.tolist(), _chain(MissingIndicator(features="all", sparse=True))),
    ]


def _tell_apart(names: list[NDArray[np.object_]]) -> NDArray[np.object_]:
    """Join lists of names; of those that came before, number the later ones."""
    joined = np.concatenate(names)
    taken, seen = {*joined}, set()
    for j, name in enumerate(joined):
        if name in seen:
            joined[j] = next(new for i in count(2) if (new := f"{name}_{i}") not in taken)
            taken.add(joined[j])
        seen.add(name)
    return joined


def _stack(columns: Any, chosen: list[int]) -> Any:
    """Columns as one matrix, of numbers or of objects."""
    return columns[:, chosen] if sp.issparse(columns) else stack_columns(columns, chosen)


def _impute(strategy: str, scaler: Any) -> Pipeline:
    return _chain(SimpleImputer(strategy=strategy, keep_empty_features=True), scaler)


def _chain(*steps: Any) -> Pipeline:
    # Whatever the user has set for what transformers give: frames cannot be sparse, or stacked.
    chained: Pipeline = make_pipeline(*steps).set_output(transform="default")
    return chained

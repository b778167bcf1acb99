"""Labels and features out of whatever container users have them in."""

import numbers
from contextlib import suppress
from decimal import Decimal
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from ._sklearn import get_feature_names


def read_container(Y: Any) -> Any:
    """Labels as a plain array, or as a CSR array where they are sparse; NaN where unknown.

    Parameters
    ----------
    Y : array-like, masked array, sparse matrix or array, Tensor, pandas or polars frame or series
        Of any values and any number of dimensions. Unknown are NaN, None, ``pandas.NA`` and what
        is masked.

    Returns
    -------
    ndarray or scipy.sparse.csr_array
        Possibly the caller's own memory. Numbers and bools, nullable or with some unknown, have
        a numeric dtype; other values stay as they are.
    """
    if isinstance(Y, torch.Tensor):
        return from_tensor(Y)
    if sp.issparse(Y):
        return sp.csr_array(Y)
    if isinstance(Y, np.ma.MaskedArray):
        return _without_objects(np.ma.filled(Y.astype(object), np.nan))
    dtypes = np.atleast_1d(np.asarray(getattr(Y, "dtypes", []), dtype=object))
    if len(dtypes) and all(_is_sparse(dtype) for dtype in dtypes) and hasattr(Y, "columns"):
        return sp.csr_array(Y.sparse.to_coo())
    if len(dtypes) and not all(isinstance(dtype, np.dtype) for dtype in dtypes):
        # What extension types hold (NA, categories) is lost in arrays of another type.
        Y = Y.to_numpy(dtype=object) if _is_pandas(Y) else Y.to_numpy()
    return _without_objects(np.asarray(Y))


def open_features(X: Any) -> Any:
    """Features in a container that scikit-learn reads aright; what is masked is NaN.

    Parameters
    ----------
    X : array-like, masked array, sparse matrix, Tensor or frame
        Of any number of dimensions.

    Returns
    -------
    object
        X itself where scikit-learn reads it; frames stay frames.
    """
    if isinstance(X, torch.Tensor):
        return from_tensor(X)
    if isinstance(X, np.ma.MaskedArray):
        # scikit-learn takes what lies under the mask.
        return read_container(X) if np.ma.is_masked(X) else X
    dtypes = list(X.dtypes) if _is_pandas(X) and hasattr(X, "columns") else []
    if dtypes and all(map(_is_sparse, dtypes)):
        return X
    # scikit-learn fails where absent cells mean anything but 0.
    return X.sparse.to_dense() if dtypes and all(hasattr(d, "subtype") for d in dtypes) else X


def count_dimensions(Y: Any) -> int:
    """Dimensions of a container of any kind."""
    if hasattr(Y, "ndim"):
        n_dimensions: int = Y.ndim
        return n_dimensions
    # Frames of polars have a shape alone, and are slow to turn into arrays, if they can be.
    return len(Y.shape) if hasattr(Y, "shape") else np.asarray(Y).ndim


def find_names(Y: Any) -> NDArray[np.object_] | None:
    """Names of the columns of a frame; None of anything else, and where no name is a string.

    Raises
    ------
    TypeError
        If some names are strings and others are not.
    """
    names = get_feature_names(Y)
    if names is None and type(Y).__module__.partition(".")[0] == "polars":
        # scikit-learn 1.6 knows polars by a protocol that polars 2 has given up.
        names = np.asarray(Y.columns, dtype=object) if hasattr(Y, "columns") else None
    return names


def refuse_other_names(Y: Any, fitted: Any) -> None:
    """Hold the names that come with labels to those of a fit, where both have some.

    Raises
    ------
    ValueError
        If there are others, or in another order.
    """
    names = find_names(Y) if count_dimensions(Y) == 2 else None
    if names is None or fitted is None or np.array_equal(names, fitted):
        return
    unseen, missing = sorted({*names} - {*fitted}), sorted({*fitted} - {*names})
    found = "; ".join(
        f"{what}: {', '.join(some[:5])}"
        for what, some in (("not seen at fit", unseen), ("missing", missing))
        if some
    )
    raise ValueError(
        "The labels must have the names of those that the estimator was fitted on, in the same "
        f"order; {found or 'the order is another'}."
    )


def order_by_names(values: Any, names: NDArray | None, parameter: str) -> Any:
    """Bring a Series of a number for each label, by the labels' names, into the labels' order.

    Anything else, and a Series of which the index is not of names, stays as it is.

    Raises
    ------
    ValueError
        If some labels are missing, or there are others.
    """
    index: Any = getattr(values, "index", None)
    # Lists have a method of that name.
    is_series = hasattr(index, "get_indexer")
    if names is None or not is_series or not all(isinstance(name, str) for name in index):
        return values
    if sorted(index) != sorted(names):
        differing = sorted({*index} ^ {*names}) or sorted(index[index.duplicated()])
        raise ValueError(
            f"{parameter} is a Series by names, which must be those of all labels, each once; they "
            f"differ in {', '.join(differing[:5])}."
        )
    return values[list(names)]


def from_tensor(X: torch.Tensor) -> Any:
    """Turn a tensor on any device into an array, or a CSR array where it is a sparse matrix."""
    X = X.detach().cpu()
    if X.dtype is torch.bfloat16:
        X = X.float()
    if X.layout is torch.strided or X.ndim != 2:
        return X.to_dense().numpy()
    X = X.to_sparse_csr()
    parts = (X.values().numpy(), X.col_indices().numpy(), X.crow_indices().numpy())
    return sp.csr_array(parts, shape=tuple(X.shape))


def _is_pandas(Y: Any) -> bool:
    return type(Y).__module__.partition(".")[0] == "pandas"


def _is_sparse(dtype: Any) -> bool:
    # Where absent cells mean NaN or 1, nothing is gained by staying sparse.
    return hasattr(dtype, "fill_value") and hasattr(dtype, "subtype") and dtype.fill_value == 0


def _without_objects(values: NDArray) -> NDArray:
    """Make numbers of objects that are numbers, bools or unknown; others stay objects.

    Decimals, as databases give them, and fractions are numbers.
    """
    if values.dtype != object:
        return values
    cells = values.ravel()
    unknown = np.fromiter(map(is_unknown, cells), bool, len(cells))
    kinds = {type(cell) for cell in cells[~unknown]}
    if not all(issubclass(kind, (numbers.Real, Decimal, np.bool_, np.number)) for kind in kinds):
        return values
    if not unknown.any() and all(issubclass(k, (numbers.Integral, np.bool_)) for k in kinds):
        return _as_integers(cells).reshape(values.shape)
    known = np.full(len(cells), np.nan)
    known[~unknown] = cells[~unknown].astype(np.float64)
    return known.reshape(values.shape)


def _as_integers(cells: NDArray) -> NDArray:
    """Objects that are integers as int64, or as uint64 or else float64 if some are too large."""
    # Not through float64, in which codes above 2**53 would become one another.
    for dtype in (np.int64, np.uint64):
        # Older versions of numpy make large numbers of negative ones.
        if dtype is np.int64 or min(cells) >= 0:
            with suppress(OverflowError):
                return cells.astype(dtype)
    return cells.astype(np.float64)


def is_unknown(cell: Any) -> bool:
    # pandas.NA is neither true nor false, equal to itself included, and pandas may be missing.
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(cell, Decimal):
        # A signalling NaN cannot be compared.
        return cell.is_nan()
    return isinstance(cell, (float, np.floating)) and bool(cell != cell)


def keep_numbers(rows: Any) -> NDArray:
    """A list of rows as an array, of objects where numpy would turn all cells into words."""
    array = np.asarray(rows)
    return np.asarray(rows, dtype=object) if array.dtype.kind in "SU" else array

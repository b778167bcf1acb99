"""The data of an experiment: checked, in few forms, known by its values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils import check_array, check_consistent_length

from skd2ace._columns import name_bad_column
from skd2ace._describe import digest
from skd2ace._labels import check_zero_one

Data = tuple[Any, Any] | Callable[[], tuple[Any, Any]]


def load_data(data: Data) -> tuple[Any, Any]:
    """Load X as ndarray or CSR (n, d), which may lack values, and Y as ndarray (n, q).

    A frame with categories stays one, in which these are objects, None where they are missing.

    Raises
    ------
    ValueError
        If Y has one label only, values that are not 0 or 1, or other rows than X.
    """
    X, Y = data() if callable(data) else data
    X = _tabulate(X, words) if (words := list_categories(X)) else _check_numbers(X)
    Y = check_array(Y, accept_sparse="csr", ensure_2d=False, allow_nd=True, input_name="Y")
    if Y.ndim != 2 or Y.shape[1] < 2:
        raise ValueError(f"Y must be a matrix of two labels or more, and has shape {Y.shape}.")
    check_consistent_length(X, Y)
    Y = Y.toarray() if hasattr(Y, "toarray") else Y
    check_zero_one(Y, "Y")
    return X, Y


def list_categories(X: Any) -> list[Any]:
    """List the columns of a frame that hold words and not numbers."""
    if not isinstance(X, pd.DataFrame):
        return []
    others = X.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in X.dtypes]]
    kinds = {name: pd.api.types.infer_dtype(X[name].astype(object)) for name in others}
    return [name for name, kind in kinds.items() if kind in ("string", "mixed", "mixed-integer")]


def lacks_values(X: Any) -> bool:
    """Whether features are missing, in any row of a data set."""
    return bool(np.any(pd.isna(X.data if sp.issparse(X) else X)))


def digest_values(X: Any, Y: Any) -> str:
    """Digest the values; their types do not matter, but whether X is sparse does."""
    values = X if isinstance(X, pd.DataFrame) else X.astype(np.float64)
    return digest((values, Y.astype(np.int8)))


def _check_numbers(X: Any) -> Any:
    with name_bad_column(X):
        return check_array(
            X,
            accept_sparse="csr",
            dtype=(np.float64, np.float32),
            ensure_all_finite="allow-nan",
            input_name="X",
        )


def _tabulate(X: Any, categories: list[Any]) -> Any:
    columns = {
        name: column.astype(object).where(column.notna(), None)
        if name in categories
        else _check_numbers(column.to_frame())[:, 0]
        for name, column in X.reset_index(drop=True).items()
    }
    return pd.DataFrame(columns)

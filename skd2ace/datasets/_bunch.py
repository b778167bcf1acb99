"""The form in which every loader hands a data set over: scikit-learn's."""

from typing import Any, NamedTuple

import scipy.sparse as sp
from sklearn.utils import Bunch


class Parts(NamedTuple):
    """A data set as its loader has read it."""

    X: Any
    Y: Any
    feature_names: list[str]
    label_names: list[str]
    description: str


def make_bunch(parts: Parts, *, return_X_y: bool, as_frame: bool, kind: Any = Bunch) -> Any:
    """Return X and Y alone or in a Bunch, as matrices or as DataFrames.

    Parameters
    ----------
    parts : Parts
    return_X_y, as_frame : bool
        As in every loader.
    kind : type, default=Bunch
        Of the Bunch.

    Returns
    -------
    Bunch or tuple
    """
    X, Y, feature_names, label_names, description = parts
    if as_frame:
        X, Y = _frame(X, feature_names), _frame(Y, label_names)
    if return_X_y:
        return X, Y
    return kind(
        data=X,
        target=Y,
        frame=_side_by_side(X, Y) if as_frame else None,
        feature_names=feature_names,
        target_names=label_names,
        DESCR=description,
    )


def _frame(matrix: Any, names: list[str]) -> Any:
    """Turn a dense or sparse matrix into a DataFrame."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("as_frame=True needs pandas: `pip install 'skd2ace[data]'`.") from error

    if sp.issparse(matrix):
        return pd.DataFrame.sparse.from_spmatrix(matrix, columns=names)
    return pd.DataFrame(matrix, columns=names)


def _side_by_side(X: Any, Y: Any) -> Any:
    """Put two DataFrames into one, as scikit-learn's fetchers do."""
    import pandas as pd

    return pd.concat([X, Y], axis=1)

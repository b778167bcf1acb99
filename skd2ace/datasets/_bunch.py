"""The form in which every loader hands a data set over."""

from typing import Any

import scipy.sparse as sp
from sklearn.utils import Bunch

ARFF_NAMES = ("X", "Y", "label_names")
SKLEARN_NAMES = ("data", "target", "target_names")


def as_asked(
    parts: tuple[Any, Any, list[str], list[str], str],
    names: tuple[str, str, str],
    *,
    return_X_y: bool,
    as_frame: bool,
) -> Any:
    """Return X and Y alone or in a Bunch, as matrices or as DataFrames.

    Parameters
    ----------
    parts : tuple
        X, Y, names of the features, names of the labels, and the description.
    names : tuple of str
        What the Bunch calls X, Y and the names of the labels.
    return_X_y, as_frame : bool
        As in every loader.

    Returns
    -------
    Bunch or tuple
    """
    X, Y, feature_names, label_names, description = parts
    if as_frame:
        X, Y = _frame(X, feature_names), _frame(Y, label_names)
    if return_X_y:
        return X, Y
    x, y, of_labels = names
    return Bunch(
        **{x: X, y: Y},
        frame=_side_by_side(X, Y) if as_frame else None,
        feature_names=feature_names,
        **{of_labels: label_names},
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

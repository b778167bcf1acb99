"""Labels as users have them, and as the network is trained on."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length

from ._containers import count_dimensions, read_container
from ._labels import check_zero_one
from ._weights import check_weights, per_cell

_COLLECTIONS = (set, frozenset, list, tuple)
_LABEL_SETS = "sklearn.preprocessing.MultiLabelBinarizer makes such a matrix of sets of labels."


class Targets(NamedTuple):
    """Labels as a network is trained on them.

    Attributes
    ----------
    Y : ndarray of shape (n, q), float32
        0/1; NaN where a label is not known or has no weight.
    classes : ndarray of shape (q, 2), or (2,) for a one-dimensional y
    weight : ndarray of shape (n,) or (n, q), float64, or None
    """

    Y: NDArray[np.float32]
    classes: NDArray
    weight: NDArray[np.float64] | None


def encode_targets(y: Any, classes: NDArray | None = None, sample_weight: Any = None) -> Targets:
    """Check labels and their weights, and turn them into a matrix of zeros and ones.

    Parameters
    ----------
    y : array-like, DataFrame, sparse matrix or Tensor of shape (n, q), or (n,)
        0/1 or bool, and in a matrix NaN where a label is not known, and anything where it has no
        weight; a one-dimensional y of at most two classes is a one-label problem.
    classes : ndarray, optional
        The classes of an earlier call, to hold y to.
    sample_weight : array-like of shape (n,) or (n, q), optional

    Returns
    -------
    Targets

    Raises
    ------
    ValueError
        If y holds anything but 0 and 1 (sets or lists of labels, for example), has more than two
        classes in one dimension, or does not match ``classes``; or if weights do not fit y.
    """
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None.")
    _refuse_label_sets(y)
    y = read_container(y)
    matrix = y.toarray() if sp.issparse(y) else y
    weight = check_weights(sample_weight, matrix.shape if matrix.ndim == 2 else (len(matrix), 1))
    if weight is not None and not weight.any():
        raise ValueError("sample_weight must not be zero everywhere.")
    in_vain = None if weight is None else per_cell(weight) == 0
    if matrix.ndim == 2 and in_vain is not None:
        matrix = np.where(in_vain, 0, matrix)
    finite: Any = "allow-nan" if matrix.ndim == 2 else True
    matrix = check_array(
        matrix, dtype=None, ensure_2d=False, input_name="y", ensure_all_finite=finite
    )
    if classes is not None:
        _check_shape(matrix, classes)
    encode = _encode_matrix if matrix.ndim == 2 else _encode_vector
    Y, classes = encode(matrix, classes)
    if in_vain is not None:
        Y = np.where(in_vain, np.float32(np.nan), Y)
    return Targets(Y, classes, weight)


def decode_targets(relevant: NDArray[np.bool_], classes: NDArray) -> NDArray:
    """Predicted labels (n, q) as 0/1, or as classes (n,) where y was one-dimensional."""
    if classes.ndim == 2:
        return relevant.astype(np.int64)
    return classes[relevant[:, 0].astype(np.intp)]


def measure_subset_accuracy(
    predicted: NDArray, y: Any, classes: NDArray | None, sample_weight: Any = None
) -> float:
    """Share of instances of which every label that is known is predicted correctly.

    Parameters
    ----------
    predicted : ndarray of shape (n, q), or (n,)
        As :func:`decode_targets` gives it.
    y, classes, sample_weight
        As for :func:`encode_targets`.

    Returns
    -------
    float
        NaN where no label is known.
    """
    if count_dimensions(y) != 2:
        return float(accuracy_score(read_container(y), predicted, sample_weight=sample_weight))
    Y, _, weight = encode_targets(y, classes, sample_weight)
    check_consistent_length(Y, predicted)
    known = ~np.isnan(Y)
    correct = ((predicted == Y) | ~known).all(axis=1)
    if weight is None:
        weight = np.ones(len(Y))
    cells = np.where(known, per_cell(weight), 0)
    counted = known.any(axis=1)
    if not counted.any():
        return float("nan")
    of_instances = cells.sum(axis=1)[counted] / known.sum(axis=1)[counted]
    return float(np.average(correct[counted], weights=of_instances))


def _refuse_label_sets(y: Any) -> None:
    """Refuse sets, and rows of unequal length, in words that say what to do."""
    is_vector = isinstance(y, (list, tuple)) or (
        str(getattr(y, "dtype", None)) == "object" and np.ndim(y) == 1
    )
    rows = [row for row in y if isinstance(row, _COLLECTIONS)] if is_vector else []
    named = any(isinstance(row, (set, frozenset)) for row in rows)
    if named or len({len(row) for row in rows}) > 1:
        raise ValueError(
            "Y must be a matrix of zeros and ones, one column per label, but holds sets or lists "
            f"of labels, such as {next(filter(len, rows), rows[0])!r}. {_LABEL_SETS}"
        )


def _check_shape(matrix: NDArray, classes: NDArray) -> None:
    fitted = "one dimension" if classes.ndim == 1 else f"{len(classes)} labels"
    given = "one dimension" if matrix.ndim == 1 else f"{matrix.shape[1]} labels"
    if given != fitted:
        raise ValueError(f"y has {given}, but the estimator was fitted with {fitted}.")


def _encode_matrix(matrix: NDArray, classes: NDArray | None) -> tuple[NDArray[np.float32], NDArray]:
    # type_of_target calls {0, 2} and {-1, 1} multilabel indicators too: look at the values.
    kind = "(Unknown label type for multi-label classification.)"
    check_zero_one(matrix, "Y", f"It has one column per label; {_LABEL_SETS} {kind}")
    if matrix.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected for a single label. It "
            "is taken as a matrix of one label, and predictions have its shape; pass y.ravel() "
            "for one-dimensional ones.",
            DataConversionWarning,
            stacklevel=4,
        )
    return matrix.astype(np.float32), np.tile([0, 1], (matrix.shape[1], 1))


def _encode_vector(vector: NDArray, classes: NDArray | None) -> tuple[NDArray[np.float32], NDArray]:
    check_classification_targets(vector)
    found = np.unique(vector) if classes is None else classes
    if len(found) > 2 or type_of_target(vector) == "multiclass":
        raise ValueError(
            "Only binary classification is supported. A one-dimensional y is a problem of one "
            f"label, and this one has {len(found)} classes; Y of shape (n, q) has q labels."
        )
    if classes is not None and not np.isin(vector, classes).all():
        raise ValueError(f"y has classes other than {classes.tolist()}.")
    if len(found) < 2:
        raise ValueError(
            f"Classifier can't train when only one class is present; y holds {found[0]!r} only."
        )
    return (vector == found[1]).astype(np.float32)[:, None], found

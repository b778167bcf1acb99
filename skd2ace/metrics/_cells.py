"""What every metric is made of: labels, what a classifier made of them, and what each counts."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skd2ace._containers import is_unknown, read_container
from skd2ace._labels import check_zero_one
from skd2ace._weights import check_weights, per_cell


class Cells(NamedTuple):
    """Labels, answers and weights; cells of weight 0 hold 0, so that no bit depends on them."""

    relevant: NDArray[np.bool_]
    """Of shape (n, q)."""
    answer: NDArray
    """Scores, or as bool what was predicted, of shape (n, q)."""
    weight: NDArray[np.float64] | None
    """(n,) where all labels of an instance weigh the same, else (n, q); None where all do."""

    @property
    def weighs_nothing(self) -> bool:
        """Whether no cell has a weight: there is nothing to measure."""
        return self.weight is not None and not self.weight.any()

    def weigh_cells(self) -> NDArray[np.float64]:
        """Return the weights as (n, q), which may not be written to."""
        if self.weight is None:
            return np.broadcast_to(np.float64(1), self.relevant.shape)
        return np.broadcast_to(per_cell(self.weight), self.relevant.shape)

    def weigh_instances(self) -> NDArray[np.float64] | None:
        """Return the mean weight (n,) of each instance's cells that have weight; 0 without any."""
        if self.weight is None or self.weight.ndim == 1:
            return self.weight
        return self.weight.sum(axis=1) / np.maximum((self.weight > 0).sum(axis=1), 1)


def read_scored(
    Y_true: Any, Y_score: Any, sample_weight: Any, *, has_empty_rows: bool = False
) -> Cells:
    """Read labels, scores and weights out of any container.

    Of instances without scores (``has_empty_rows``), rows of NaN alone, nothing counts.

    Raises
    ------
    ValueError
        If labels that count are not 0 and 1, nor a vector of two classes, the shapes differ, a
        score that counts is NaN, or a weight is not finite or negative.
    """
    truth, scores = _read_matrix(Y_true), _read_matrix(Y_score)
    _check_shapes(truth, scores, "scores")
    weight = _find_weight(truth, sample_weight)
    unknown = _find_unknown(scores) if has_empty_rows else None
    if unknown is not None:
        given = np.ones(len(truth)) if weight is None else weight
        has_scores = np.asarray(~unknown.all(axis=1))
        weight = given * (has_scores if given.ndim == 1 else has_scores[:, None])
    counted = _find_counted(weight, truth.shape)
    (relevant,) = _find_relevant([truth], counted)
    if counted is not None:
        scores = _blank(scores, counted)
    if np.isnan(scores).any():
        raise ValueError("The scores contain NaN.")
    return Cells(relevant, scores, weight)


def read_predicted(Y_true: Any, Y_pred: Any, sample_weight: Any) -> Cells:
    """Read labels, predicted labels and weights out of any container.

    Labels are read together with predictions, which may hold one of two classes only.

    Raises
    ------
    ValueError
        If labels that count are not 0 and 1, nor vectors of two classes, the shapes differ, a
        prediction that counts is NaN, or a weight is not finite or negative.
    """
    truth, predicted = _read_matrix(Y_true), _read_matrix(Y_pred)
    _check_shapes(truth, predicted, "predictions")
    weight = _find_weight(truth, sample_weight)
    counted = _find_counted(weight, truth.shape)
    unknown = _find_unknown(predicted)
    if unknown is not None and (unknown if counted is None else unknown & counted).any():
        raise ValueError("The predictions contain NaN.")
    relevant, answer = _find_relevant([truth, predicted], counted)
    return Cells(relevant, answer, weight)


def _read_matrix(values: Any) -> NDArray:
    """Return values dense, a vector as a single column."""
    values = read_container(values)
    dense = values.toarray() if sp.issparse(values) else values
    if dense.ndim not in (1, 2):
        raise ValueError(f"Labels and scores are (n, q) or (n,), not of shape {dense.shape}.")
    return dense if dense.ndim == 2 else dense[:, None]


def _check_shapes(truth: NDArray, answer: NDArray, name: str) -> None:
    if truth.shape != answer.shape:
        raise ValueError(f"Y_true has shape {truth.shape} and the {name} {answer.shape}.")


def _find_unknown(values: NDArray) -> NDArray[np.bool_] | None:
    """Return where values are not known, or None where all are."""
    if values.dtype.kind == "f":
        unknown = np.isnan(values)
    elif values.dtype == object:
        unknown = np.fromiter(map(is_unknown, values.ravel()), bool, values.size)
        unknown = unknown.reshape(values.shape)
    else:
        return None
    return unknown if unknown.any() else None


def _find_weight(truth: NDArray, sample_weight: Any) -> NDArray[np.float64] | None:
    unknown = _find_unknown(truth)
    weight = check_weights(sample_weight, truth.shape)
    if unknown is not None:
        weight = np.where(unknown, 0.0, 1.0 if weight is None else per_cell(weight))
    if weight is None:
        return None
    # scikit-learn's functions take such weights.
    if weight.ndim == 2 and truth.shape[1] and (weight == weight[:, :1]).all():
        weight = weight[:, 0]
    return weight


def _find_counted(
    weight: NDArray[np.float64] | None, shape: tuple[int, ...]
) -> NDArray[np.bool_] | None:
    """Return which cells have weight, or None where all have."""
    if weight is None or weight.all():
        return None
    return np.broadcast_to(per_cell(weight) > 0, shape)


def _blank(scores: NDArray, counted: NDArray[np.bool_]) -> NDArray:
    """Put 0 where nothing counts, whatever stands there."""
    kept = scores[counted]
    if kept.dtype.kind not in "biuf":
        kept = kept.astype(np.float64)
    blanked = np.zeros(scores.shape, dtype=kept.dtype)
    blanked[counted] = kept
    return blanked


def _find_relevant(
    matrices: list[NDArray], counted: NDArray[np.bool_] | None
) -> list[NDArray[np.bool_]]:
    """Return where labels are 1, or the larger of a vector's two classes, and count."""
    values = matrices if counted is None else [matrix[counted] for matrix in matrices]
    one = 1
    if all(matrix.shape[1] == 1 for matrix in matrices):
        one = _find_larger_class(values)
    else:
        for labels in values:
            check_zero_one(labels, "Labels")
    if counted is None:
        return [labels == one for labels in values]
    relevant = [np.zeros(matrix.shape, dtype=bool) for matrix in matrices]
    for whole, labels in zip(relevant, values, strict=True):
        whole[counted] = labels == one
    return relevant


def _find_larger_class(values: list[NDArray]) -> Any:
    """Return 1, or the larger of two other classes, which are read together."""
    classes = np.unique(np.concatenate([labels.ravel() for labels in values]))
    if set(classes.tolist()) <= {0, 1}:
        return 1
    if len(classes) != 2:
        raise ValueError(
            f"Labels must be zeros and ones, or vectors of two classes; found "
            f"{classes[:5].tolist()}."
        )
    return classes[-1]

"""What fit is given, checked and brought into the form that training wants."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length
from torch import Tensor

from skd2ace._containers import (
    count_dimensions,
    find_names,
    open_features,
    read_container,
    refuse_other_names,
)
from skd2ace._labels import keep_known
from skd2ace._targets import Targets, encode_targets
from skd2ace._weights import per_cell
from skd2ace.training._data import to_tensor

from ._checks import check_features
from ._item_data import keep_labels, open_items, refuse_own_weights, workers_of
from ._parameters import takes_parameter
from ._preprocessing import check_table
from ._thresholds import check_thresholds, read_by_label


class TrainingData(NamedTuple):
    """Instances to train on.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n, d), float32
        As it was given, before a preprocessor has prepared it.
    Y : ndarray of shape (n, q), float32
        NaN where a label is not known or has no weight.
    cell_weight : Tensor of shape (n,) or (n, q), or None
        Weight of each instance, or of each of its labels, on any scale.
    pos_weight : Tensor of shape (q,), float32, or None
        Factor on the loss of relevant labels.
    neighbor_features : Tensor of shape (n, m), or None
        What a batch selector finds neighbours on, in the place of X.
    parts : pair of ndarray of int, or None
        Rows to train on and rows held out, where they were split before training.
    """

    X: Any
    Y: NDArray[np.float32]
    cell_weight: Tensor | None
    pos_weight: Tensor | None
    neighbor_features: Tensor | None
    parts: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None


def read_training_data(
    est: Any,
    X: Any,
    y: Any,
    *,
    reset: bool,
    classes: Any = None,
    sample_weight: Any = None,
    neighbor_features: Any = None,
) -> TrainingData:
    """Check data, and with ``reset`` note on the estimator what it is fitted on.

    Raises
    ------
    ValueError
        If data are not as ``fit`` wants them, or a parameter does not fit their labels.
    """
    refuse_own_weights(X)
    X, y = open_items(X, y, workers_of(est))
    check = check_features if est.preprocessor is None else check_table
    X = check(est, X, reset=reset)
    # Those of a matrix are always 0 and 1, whatever form they are declared in.
    declared = np.unique(classes) if classes is not None and count_dimensions(y) == 1 else None
    targets = encode_targets(y, declared if reset else est.classes_, sample_weight)
    check_label_names(est, y, reset=reset)
    check_consistent_length(X, targets.Y)
    n_labels = targets.Y.shape[1]
    if reset:
        est.classes_ = targets.classes
        est._set_sizes(n_labels=n_labels)
    check_thresholds(est, n_labels)
    return TrainingData(
        keep_labels(X, targets.Y),
        targets.Y,
        _weigh_cells(targets, read_by_label(est, "label_weight")),
        weigh_positives(est, targets),
        _read_neighbor_features(neighbor_features, len(targets.Y)),
    )


def check_label_names(est: Any, y: Any, *, reset: bool) -> None:
    """Note the names of labels (``reset``), or hold those that come with y to them.

    Raises
    ------
    ValueError
        If there are others, or in another order.
    """
    if not reset:
        refuse_other_names(y, getattr(est, "label_names_in_", None))
        return
    vars(est).pop("label_names_in_", None)
    names = find_names(y) if count_dimensions(y) == 2 else None
    if names is not None:
        est.label_names_in_ = names


def weigh_labels(label_weight: Any, targets: Targets) -> NDArray[np.float64]:
    """Weights (q,) of labels: as they are given, or so that each label's positives weigh the same.

    "balanced" is the mean number of positives over the label's own, counted by weight; a label
    without any counts as the rarest that has some.
    """
    n_labels = targets.Y.shape[1]
    if not isinstance(label_weight, str):
        return read_label_vector(label_weight, "label_weight", n_labels)
    _, positives = _count(targets)
    rarest = positives.min(where=positives > 0, initial=np.inf)
    # Without any positive at all, all weigh the same.
    positives = np.where(positives > 0, positives, rarest if np.isfinite(rarest) else 1)
    weights: NDArray[np.float64] = positives.mean() / positives
    return weights


def weigh_positives(est: Any, targets: Targets) -> Tensor | None:
    """Factors (q,) on the loss of relevant labels: as given, or negatives over positives.

    With "balanced" that of a label without positives is 1.
    """
    n_labels = targets.Y.shape[1]
    of_criterion = est.get_params_for("criterion").get("pos_weight")
    if of_criterion is not None and np.size(of_criterion) != 1:
        read_label_vector(of_criterion, "criterion__pos_weight", n_labels)
    pos_weight = read_by_label(est, "pos_weight")
    if pos_weight is None:
        return None
    if isinstance(pos_weight, str):
        negatives, positives = _count(targets)
        factors = np.divide(negatives, positives, out=np.ones(n_labels), where=positives > 0)
    elif np.ndim(pos_weight) == 0:
        factors = read_label_vector([pos_weight] * n_labels, "pos_weight", n_labels)
    else:
        factors = read_label_vector(pos_weight, "pos_weight", n_labels)
    # A copy: a Series is nothing to write to, of which torch warns, and may run backwards.
    return torch.from_numpy(np.array(factors, dtype=np.float32))


def read_label_vector(values: Any, name: str, n_labels: int) -> NDArray[np.float64]:
    """One number for each label, not negative and finite in single precision.

    Raises
    ------
    ValueError
        If they are not.
    """
    try:
        vector = np.asarray(read_container(values), dtype=np.float64)
    except (TypeError, ValueError):
        vector = np.array(np.nan)
    in_range = (vector >= 0) & (vector <= np.finfo(np.float32).max)
    if vector.shape != (n_labels,) or not in_range.all():
        others = "or be 'balanced'" if name == "label_weight" else "be one number, or 'balanced'"
        raise ValueError(
            f"{name} must hold a number of at least 0 for each of the {n_labels} labels, {others}; "
            f"got {values!r}."
        )
    return vector


def show_labels(fit_label_graph: Any, Y: Tensor, cell_weight: Tensor | None) -> None:
    """Show a network the labels that it trains on, by weight if it takes weights."""
    if cell_weight is None:
        fit_label_graph(Y)
    elif takes_parameter(fit_label_graph, "cell_weight"):
        fit_label_graph(Y, cell_weight=cell_weight)
    else:
        fit_label_graph(keep_known(Y, ~Y.isnan()))


def _count(targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Negatives and positives (q,) of each label, by weight."""
    weight = 1.0 if targets.weight is None else per_cell(targets.weight)
    cells = np.where(np.isnan(targets.Y), 0, weight)
    positives = (cells * (targets.Y == 1)).sum(axis=0)
    return cells.sum(axis=0) - positives, positives


def _weigh_cells(targets: Targets, label_weight: Any) -> Tensor | None:
    """Weights of instances times those of labels, on any scale; None where there are neither."""
    weight = targets.weight
    if label_weight is not None:
        of_labels = weigh_labels(label_weight, targets)
        weight = np.broadcast_to(of_labels, targets.Y.shape) * (
            1 if weight is None else per_cell(weight)
        )
    # A copy: the caller's may not be written to, of which torch warns.
    return None if weight is None else torch.tensor(weight)


def _read_neighbor_features(features: Any, n_instances: int) -> Tensor | None:
    """Features to find neighbours on, as float32; sparse ones stay sparse."""
    if features is None:
        return None
    features = open_features(features)
    matrix = check_array(
        features, accept_sparse="csr", dtype=np.float32, input_name="neighbor_features"
    )
    if matrix.shape[0] != n_instances:
        raise ValueError(
            f"neighbor_features has {matrix.shape[0]} rows and X has {n_instances} instances."
        )
    return to_tensor(matrix)

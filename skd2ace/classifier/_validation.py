"""How well predictions agree with labels, some of which may not be known."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_consistent_length

from skd2ace._containers import count_dimensions, read_container
from skd2ace._devices import full_device
from skd2ace._targets import encode_targets
from skd2ace._weights import per_cell
from skd2ace.metrics import macro_auc
from skd2ace.training import BatchIterator

from ._item_data import open_items
from ._training_data import check_label_names


def score_macro_auc(net: Any, X: Any, y: ArrayLike) -> float:
    """Macro-AUC of a net's predictions for a dataset, by the weights of its cells."""
    cells = BatchIterator(X, device=full_device(net.device))
    labels, weight = cells.labels().cpu().numpy(), cells.cell_weight()
    return macro_auc(
        labels, net._label_proba(X), sample_weight=None if weight is None else weight.cpu().numpy()
    )


def score_subset_accuracy(est: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """Share of instances of which every label that is known is predicted correctly."""
    X, y = open_items(X, y)
    predicted = est.predict(X)
    if count_dimensions(y) != 2:
        return float(accuracy_score(read_container(y), predicted, sample_weight=sample_weight))
    check_label_names(est, y, reset=False)
    Y, _, weight = encode_targets(y, getattr(est, "classes_", None), sample_weight)
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

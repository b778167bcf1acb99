"""How well predictions agree with labels, some of which may not be known."""

from typing import Any

from numpy.typing import ArrayLike

from skd2ace._devices import full_device
from skd2ace._targets import measure_subset_accuracy
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
    check_label_names(est, y, reset=False)
    return measure_subset_accuracy(predicted, y, getattr(est, "classes_", None), sample_weight)

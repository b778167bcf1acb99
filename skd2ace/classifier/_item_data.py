"""Data sets of torch's and skorch's in the place of X, or of X and y."""

from typing import Any

from skorch.dataset import Dataset as SkorchDataset
from skorch.helper import SliceDataset
from skorch.utils import is_dataset
from torch import from_numpy
from torch.utils.data import Subset
from torch.utils.data import TensorDataset as TorchDataset

from skd2ace.training import TensorDataset
from skd2ace.training._items import ItemDataset, Workers


def open_items(X: Any, y: Any = None, workers: Workers | None = None) -> tuple[Any, Any]:
    """Give an :class:`ItemDataset` and its labels of a data set; X and y that are none as they are.

    Data sets that do no more than hold arrays are those arrays.
    """
    y = y.__array__() if isinstance(y, SliceDataset) else y
    if type(X) in (TensorDataset, SkorchDataset):
        return X.X, X.y if y is None else y
    if type(X) is TorchDataset and len(X.tensors) <= 2:
        return X.tensors[0], X.tensors[1] if y is None and len(X.tensors) == 2 else y
    if isinstance(X, ItemDataset) or not (is_dataset(X) or isinstance(X, SliceDataset)):
        return X, y
    items = ItemDataset(X)
    return items, items.read_labels(workers) if y is None else y


def refuse_own_weights(X: Any) -> None:
    """Refuse a data set of ours that has what ``fit`` takes by parameters."""
    if type(X) is not TensorDataset:
        return
    parameters = {"cell_weight": "sample_weight", "neighbor_features": "neighbor_features"}
    for held, parameter in parameters.items():
        if getattr(X, held) is not None:
            raise ValueError(
                f"The TensorDataset has {held}, which a classifier would not see: give "
                f"{parameter}= to fit."
            )


def is_of_a_training(X: Any, *, prepared: bool) -> bool:
    """Whether X is a data set that has been looked at already, or a part of one.

    Where features are prepared, one of ours may as well hold what the user has.
    """
    while isinstance(X, Subset):
        X = X.dataset
    if prepared:
        return getattr(X, "is_prepared", False)
    return isinstance(X, (TensorDataset, ItemDataset))


def check_items(est: Any, items: ItemDataset, *, reset: bool) -> ItemDataset:
    """Take the number of features from the first item, or hold it to that of ``fit``."""
    shape = items.instance_shape()
    if est._needs_matrix and len(shape) > 1:
        raise ValueError(
            f"Found items of dim {len(shape)}, while 1 is required by {type(est).__name__}."
        )
    if reset:
        est.n_features_in_, est._instance_shape = shape[0], shape
        vars(est).pop("feature_names_in_", None)
    elif shape[0] != est.n_features_in_:
        raise ValueError(
            f"X has {shape[0]} features, but {type(est).__name__} is expecting "
            f"{est.n_features_in_} features as input."
        )
    return items


def keep_labels(X: Any, Y: Any) -> Any:
    """Give a data set its labels as they were encoded; other features as they are."""
    if isinstance(X, ItemDataset):
        X.y = from_numpy(Y)
    return X


def workers_of(est: Any) -> Workers:
    """Processes that read a net's training data, as its iterator is told."""
    given = est.get_params_for("iterator_train")
    return Workers(**{name: given[name] for name in Workers._fields if name in given})

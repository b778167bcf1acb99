"""What is refused before anything is trained: features, thresholds, parts without a say."""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import validate_data
from skorch.callbacks import EpochScoring

from skd2ace._columns import name_bad_column
from skd2ace._containers import open_features
from skd2ace._labels import check_zero_one_tensor
from skd2ace._modules import unwrap_compiled
from skd2ace._stored import StoredFeatures, open_stored
from skd2ace.networks import known_labels
from skd2ace.training import BatchIterator, BatchSelection
from skd2ace.training._items import ItemDataset
from skd2ace.training._logits import refuse_probabilities
from skd2ace.training._out_of_bag import has_out_of_bag

from ._item_data import check_items, open_items
from ._skorch import find_bar_without_size


def check_features(est: Any, X: Any, *, reset: bool) -> Any:
    """Check features as scikit-learn does, and turn them into float32.

    Parameters
    ----------
    est : estimator
        Whose ``n_features_in_`` and ``feature_names_in_`` are set (``reset``) or looked at.
    X : array-like, DataFrame, sparse matrix or Tensor of shape (n, d) or (n, ...)
        Of a memory map the kind and shape are looked at here, and values as rows are read.
    reset : bool

    Returns
    -------
    ndarray of shape (n, d) or (n, ...), or CSR matrix of shape (n, d), float32; or StoredFeatures

    Raises
    ------
    ValueError
        If X is not finite in single precision, holds strings or dates, or is not as it was in
        ``fit``.
    """
    X, _ = open_items(X, y=())
    if isinstance(X, ItemDataset):
        return check_items(est, X, reset=reset)
    X = open_stored(open_features(X))
    is_stored = isinstance(X, StoredFeatures)
    looked_at = X.array[:1] if is_stored else X
    # What does not fit into single precision becomes infinite, and an error of that name;
    # and so may the sums by which infinity is looked for, one of them NaN.
    with np.errstate(over="ignore", invalid="ignore"), name_bad_column(looked_at):
        checked = validate_data(
            est,
            looked_at,
            dtype=np.float32,
            accept_sparse="csr",
            ensure_all_finite=not is_stored,
            allow_nd=not est._needs_matrix,
            reset=reset,
        )
    if reset:
        est._instance_shape = tuple(checked.shape[1:])
    return X if is_stored else checked


@contextmanager
def explain_failure(X: torch.Tensor) -> Iterator[None]:
    """Make a ValueError of what a module raises on one row, or on more than two dimensions.

    The latter may be a module for a matrix; out of memory is out of memory.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        if len(X) == 1 and "more than 1 value per channel" in str(error):
            raise ValueError(
                f"{error}. The last batch of an epoch has one row, of which BatchNorm has no "
                "variance: another batch_size leaves more for it, unless a selector changes how "
                "many are served; LayerNorm takes one row."
            ) from error
        if X.ndim == 2:
            raise
        raise ValueError(
            f"The module failed on X of shape {tuple(X.shape)}, dim {X.ndim}: {error}. X of more "
            "than two dimensions needs a module that takes it; for one that takes a matrix, pass "
            "X.reshape(len(X), -1)."
        ) from error


def check_for_logits(module: Any, criterion: Any) -> None:
    """Refuse a sigmoid before that of predicting: all probabilities would be 0.5 or more."""
    refuse_probabilities(criterion)
    module = unwrap_compiled(module)
    layers = list(module) if type(module) is torch.nn.Sequential else []
    if layers and isinstance(layers[-1], torch.nn.Sigmoid):
        warnings.warn(
            "The module ends in a sigmoid, but must give logits: leave it out.", stacklevel=2
        )


def check_callbacks(net: Any) -> None:
    """Raise a ValueError unless one callback selects the batches of a net that selects some."""
    n_selections = sum(isinstance(callback, BatchSelection) for _, callback in net.callbacks_)
    if n_selections > 1 or (n_selections == 0 and selects_batches(net)):
        raise ValueError(
            f"One BatchSelection must be among the callbacks, to order the training "
            f"instances; there are {n_selections}. One of your own takes the place of the "
            "default one as callbacks__batch_selection=BatchSelection(...)."
        )
    refuse_to_prepare_twice(net)
    refuse_to_count_by_name(net)


def refuse_what_batches_lack(net: Any, data: Any) -> None:
    """Raise a TypeError if fit was given what batches of another iterator do not carry."""
    told = {"cell_weight": "weights", "neighbor_features": "neighbor_features"}
    for name, meant in told.items():
        if getattr(data, name, None) is not None:
            raise TypeError(
                f"fit was given {meant}, which batches of iterator_train={net.iterator_train!r} "
                f"and iterator_valid={net.iterator_valid!r} do not carry: "
                "skd2ace.training.SelectedBatches and BatchIterator do."
            )


def refuse_to_prepare_twice(net: Any) -> None:
    """Raise a ValueError if a callback would have prepared features predicted as raw ones."""
    for name, callback in net.callbacks_:
        is_own = net.use_caching == "auto"
        cached = getattr(callback, "use_caching", True) if is_own else net.use_caching
        scores = isinstance(callback, EpochScoring)
        if scores and net.preprocessor is not None and not cached:
            raise ValueError(
                f"The callback {name} has use_caching=False, with which skorch hands it features "
                "that the preprocessor has prepared already, as if nobody had: take "
                "use_caching=True, or preprocessor=None and a pipeline."
            )


def refuse_to_count_by_name(net: Any) -> None:
    """Raise a ValueError if skorch's progress bar would divide by a batch size of "auto"."""
    name = find_bar_without_size(net)
    if name is not None:
        raise ValueError(
            f'The callback {name} counts by the batch size, which is "auto": take verbose=2, '
            'which shows a bar, or ProgressBar(batches_per_epoch="count").'
        )


def refuse_to_hide_rows(net: Any) -> None:
    """Raise a TypeError if members of the network are to be blind to rows that are not known."""
    if has_out_of_bag(net):
        raise TypeError(
            "The network hides rows from its members by their positions, which batches of "
            f"iterator_train={net.iterator_train!r} do not carry: skd2ace.training.SelectedBatches "
            "do. With module__n_parts=None nothing is hidden."
        )


def selects_batches(net: Any) -> bool:
    """Whether a selector has a say: where one is given, and with iterators that are told one.

    Of a function that makes iterators it is not known what these are: it is taken to be so.
    """
    made = made_class(net.iterator_train)
    return net.batch_selector is not None or made is None or issubclass(made, BatchIterator)


def made_class(iterator: Any) -> type | None:
    """Give the class of which an iterator parameter makes instances, or None: it is not known."""
    made = iterator.func if isinstance(iterator, partial) else iterator
    return made if inspect.isclass(made) else None


def check_validation_labels(cells: BatchIterator, n_labels: int) -> None:
    """Raise a ValueError unless labels held out are 0/1 or NaN of shape (n, q), and some count."""
    name, Y = "The labels held out for validation", cells.labels()
    if Y.shape[1] != n_labels:
        raise ValueError(f"{name} must have shape (n, {n_labels}), got {tuple(Y.shape)}.")
    check_zero_one_tensor(known_labels(Y)[0], name)
    try:
        cells.cell_weight()
    except ValueError as error:
        raise ValueError(
            f"{name} are all unknown or of weight 0: hold out others, another share or none "
            "(train_split, random_state)."
        ) from error

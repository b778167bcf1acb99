"""Which instances are trained on and which are held out."""

import math
from copy import copy
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from skorch.dataset import ValidSplit
from torch.utils.data import Subset

from skd2ace._containers import read_container
from skd2ace._sklearn import HasMethods, Interval

from ._parameters import takes_parameter

SPLIT_CONSTRAINTS: list[Any] = [
    Interval(Real, 0, 1, closed="neither"),
    HasMethods(["split", "get_n_splits"]),
    callable,
    None,
]


class Parts(NamedTuple):
    """Datasets that a training trains on and holds out."""

    train: Any
    valid: Any


def split(train_split: Any, dataset: Any, y: Any, seed: int, **params: Any) -> tuple[Any, Any]:
    """Split a dataset into a training and a validation part, the latter perhaps None.

    ``train_split`` is a fraction to hold out, None, a splitter, whose first split is taken, or a
    callable as in skorch. A fraction, and what has no seed of its own, draw with ``seed``. A
    fraction that is not two instances holds out none: they could not be ranked.
    """
    if train_split is None:
        return dataset, None
    seed %= 2**32
    if type(train_split) is ValidSplit and not train_split.stratified:
        # skorch shows y to stratified splitters of scikit-learn alone; others may need it too.
        train_split = train_split.cv if _is_splitter(train_split.cv) else train_split
    if _is_splitter(train_split):
        return _first_split(train_split, dataset, y, seed, **params)
    if isinstance(train_split, Real):
        # As train_test_split rounds.
        if math.ceil(len(dataset) * float(train_split)) < 2 or len(dataset) < 3:
            return dataset, None
        train_split = ValidSplit(float(train_split), random_state=seed)
    elif isinstance(train_split, ValidSplit) and train_split.random_state is None:
        train_split = copy(train_split)
        if isinstance(train_split.cv, float):
            train_split.random_state = seed
    return train_split(dataset, y, **params)


def select_parts(
    dataset: Any, train: NDArray[np.int64], valid: NDArray[np.int64]
) -> tuple[Any, Any]:
    """Split a dataset by rows, into what :func:`split` gives."""
    if not len(valid) and np.array_equal(train, np.arange(len(dataset))):
        return dataset, None
    held_out = Subset(dataset, valid.tolist()) if len(valid) else None
    return Subset(dataset, train.tolist()), held_out


def find_rows(part: Any, whole: Any) -> NDArray[np.int64] | None:
    """Rows of a dataset that a part of it is (None: no rows); None where it is of other data."""
    if part is None:
        return np.empty(0, dtype=np.int64)
    rows = None
    while part is not whole:
        if not isinstance(part, Subset):
            return None
        indices = np.asarray(part.indices, dtype=np.int64)
        rows = indices if rows is None else indices[rows]
        part = part.dataset
    return np.arange(len(whole)) if rows is None else rows


def takes_split_parameter(train_split: Any, name: str) -> bool:
    """Whether a parameter of fit is one that ``train_split`` takes."""
    return name == "groups" if _is_splitter(train_split) else takes_parameter(train_split, name)


def route_to_splitter(router: MetadataRouter, train_split: Any) -> MetadataRouter:
    """Add a splitter to what fit's parameters are routed to, as skorch adds that of ValidSplit."""
    if _is_splitter(train_split):
        mapping = MethodMapping()
        for caller in ("fit", "partial_fit"):
            mapping.add(caller=caller, callee="split")
        router.add(splitter=train_split, method_mapping=mapping)
    return router


def _is_splitter(train_split: Any) -> bool:
    return hasattr(train_split, "split") and hasattr(train_split, "get_n_splits")


def _first_split(splitter: Any, dataset: Any, y: Any, seed: int, **params: Any) -> tuple[Any, Any]:
    if getattr(splitter, "random_state", seed) is None:
        splitter = copy(splitter)
        splitter.random_state = seed
    labels = None if y is None else read_container(y)
    if labels is not None and labels.ndim == 2 and labels.shape[1] == 1:
        # scikit-learn's stratified splitters take a single label as a vector.
        labels = labels.reshape(-1)
    train, valid = next(iter(splitter.split(np.arange(len(dataset)), labels, **params)))
    return Subset(dataset, train), Subset(dataset, valid)

"""Which instances are trained on and which are held out."""

import math
from copy import copy
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skorch.dataset import ValidSplit
from torch.utils.data import Subset


def split(train_split: Any, dataset: Any, y: Any, seed: int, **params: Any) -> tuple[Any, Any]:
    """Split a dataset into a training and a validation part, the latter perhaps None.

    ``train_split`` is a fraction to hold out, None, or a callable as in skorch. A fraction, and
    a ``ValidSplit`` of one without a seed of its own, draw with ``seed``. A fraction that is not
    two instances holds out none: they could not be ranked.
    """
    if train_split is None:
        return dataset, None
    seed %= 2**32
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

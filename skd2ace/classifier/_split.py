"""Which instances are trained on and which are held out."""

import math
from copy import copy
from numbers import Real
from typing import Any

from skorch.dataset import ValidSplit


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

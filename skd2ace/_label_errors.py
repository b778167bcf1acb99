"""Labels that are made wrong on purpose."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def mark_exchanged(
    Y: NDArray[Any], count: Callable[[int, int], int], random: np.random.RandomState
) -> NDArray[np.bool_]:
    """Choose cells, of each label as many ones as zeros: exchanged, labels stay as frequent.

    Parameters
    ----------
    Y : ndarray of shape (n, q)
        0/1; NaN where not known, which is never chosen.
    count : callable
        How many of each, by the label's numbers of ones and of zeros.
    random : RandomState

    Returns
    -------
    ndarray of shape (n, q), bool
    """
    chosen = np.zeros(Y.shape, dtype=bool)
    for marks, label in zip(chosen.T, Y.T, strict=True):
        ones, zeros = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
        n_chosen = count(len(ones), len(zeros))
        for places in (ones, zeros):
            marks[random.choice(places, n_chosen, replace=False)] = True
    return chosen

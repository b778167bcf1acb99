"""Thresholds that find a stated share of wrong cells: by cells made wrong on purpose."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skd2ace._label_errors import mark_exchanged

Floats = NDArray[np.float64]


def plant_errors(
    Y: Floats, share: float, rng: np.random.RandomState
) -> tuple[Floats, NDArray[np.bool_]]:
    """Give some cells the other value, of each label as many ones as zeros.

    Parameters
    ----------
    Y : ndarray of shape (n, q)
        0/1, NaN where not known.
    share : float
        Of the label's rarer value, rounded, and at least one; none where a value has a single one.
    rng : RandomState

    Returns
    -------
    planted : ndarray of shape (n, q)
        Labels keep their frequencies.
    is_planted : ndarray of shape (n, q), bool
    """

    def count(n_ones: int, n_zeros: int) -> int:
        rarer = min(n_ones, n_zeros)
        return max(round(share * rarer), 1) if rarer > 1 else 0

    is_planted = mark_exchanged(Y, count, rng)
    return np.where(is_planted, 1 - Y, Y), is_planted


def find_thresholds(
    Y: Floats, percentile: Floats, is_planted: NDArray[np.bool_], recall: float
) -> list[dict[str, Any]]:
    """Find, for each observed value, the percentile from which on a share of planted cells lies.

    Parameters
    ----------
    Y, percentile : ndarray of shape (n, q)
        What the second fit was given, and the percentiles of its scores.
    is_planted : ndarray of shape (n, q), bool
    recall : float
        In (0, 1].

    Returns
    -------
    list of dict
        ``observed``, ``threshold``, ``n_planted``, and ``flagged``, the share of the other cells
        that the threshold flags too.
    """
    rows = []
    for value in (0, 1):
        judged = (value == Y) & ~np.isnan(percentile)
        planted = np.sort(percentile[judged & is_planted])
        if not len(planted):
            raise ValueError("No cell could be made wrong: no label has two of each value.")
        # As many of the lowest may be missed; counting is rounded once.
        threshold = planted[int(round((1 - recall) * len(planted), 9))]
        others = percentile[judged & ~is_planted]
        flagged = float((others >= threshold).mean()) if len(others) else float("nan")
        rows.append(
            {
                "observed": value,
                "threshold": float(threshold),
                "n_planted": len(planted),
                "flagged": flagged,
            }
        )
    return rows

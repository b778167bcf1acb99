"""How far probabilities are from how often labels are relevant."""

from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._cells import read_scored


@overload
def expected_calibration_error(
    Y_true: ArrayLike,
    Y_score: ArrayLike,
    *,
    n_bins: int = 15,
    average: Literal["macro"] = "macro",
    sample_weight: ArrayLike | None = None,
) -> float: ...


@overload
def expected_calibration_error(
    Y_true: ArrayLike,
    Y_score: ArrayLike,
    *,
    n_bins: int = 15,
    average: None,
    sample_weight: ArrayLike | None = None,
) -> NDArray[np.float64]: ...


def expected_calibration_error(
    Y_true: ArrayLike,
    Y_score: ArrayLike,
    *,
    n_bins: int = 15,
    average: Literal["macro"] | None = "macro",
    sample_weight: ArrayLike | None = None,
) -> float | NDArray[np.float64]:
    r"""Mean distance of probabilities from how often a label is relevant at such a probability.

    Each label is a binary problem. Its instances are put into bins by the probability that the
    label is relevant, and

    .. math:: \mathrm{ECE}_j = \sum_b \frac{w_b}{w} \left| o_b - e_b \right|

    where, by weight, :math:`w_b / w` is the share of instances in bin b, :math:`o_b` of those
    the share to which the label is relevant, and :math:`e_b` their mean probability [1]_.

    Parameters
    ----------
    Y_true : array-like or sparse matrix of shape (n, q)
        0/1; NaN where unknown.
    Y_score : array-like of shape (n, q)
        Probabilities.
    n_bins : int, default=15
        Bins of equal width over [0, 1], closed on the right, as many as usual [2]_.
    average : "macro" or None, default="macro"
        The mean over the labels of which a cell counts, or the error of each label. (One error
        over the cells of all labels would let labels make up for each other.)
    sample_weight : array-like of shape (n,) or (n, q), optional
        What instances or cells count, not negative; those of 0 may hold anything.

    Returns
    -------
    float, or ndarray of shape (q,)
        In [0, 1], smaller is better; NaN where nothing counts.

    Raises
    ------
    ValueError
        If labels that count are not 0/1, a probability that counts is not in [0, 1], ``n_bins``
        is not at least 1, ``average`` is another, or shapes or weights do not fit.

    See Also
    --------
    sklearn.calibration.calibration_curve : The bins of one label.

    References
    ----------
    .. [1] Naeini, Cooper and Hauskrecht (2015). Obtaining well calibrated probabilities using
       Bayesian binning. AAAI.
    .. [2] Guo et al. (2017). On calibration of modern neural networks. ICML.

    Examples
    --------
    >>> from skd2ace.metrics import expected_calibration_error
    >>> expected_calibration_error([[1], [0], [1]], [[0.75], [0.25], [1.0]])
    0.16666666666666666
    """
    if average not in ("macro", None):
        raise ValueError(f"average must be 'macro' or None, got {average!r}.")
    if isinstance(n_bins, bool) or not n_bins == int(n_bins) >= 1:
        raise ValueError(f"n_bins must be a whole number of at least 1, got {n_bins!r}.")
    cells = read_scored(Y_true, Y_score, sample_weight)
    scores, weight = cells.answer.astype(np.float64), cells.weigh_cells()
    if ((scores < 0) | (scores > 1)).any():
        raise ValueError("Y_score must hold probabilities, in [0, 1].")
    edges = np.linspace(0, 1, int(n_bins) + 1)[1:-1]
    # Distances by weight, w_b (o_b - e_b).
    distances = weight * (cells.relevant - scores)
    bins = np.searchsorted(edges, scores)
    errors = np.array(
        [
            np.abs(np.bincount(bins[:, label], distances[:, label])).sum()
            for label in range(bins.shape[1])
        ]
    )
    total = weight.sum(axis=0)
    errors = np.divide(errors, total, where=total > 0, out=np.full(len(total), np.nan))
    if average is None:
        return errors
    defined = errors[~np.isnan(errors)]
    return float(defined.mean()) if defined.size else float("nan")

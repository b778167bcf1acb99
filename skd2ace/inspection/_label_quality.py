"""How far labels can be believed, by predictions: pure functions on arrays.

Labels Y (n, q) are 0/1, NaN where not known; probabilities (n, q) are those of the value 1, NaN
where there is no prediction. Such cells have no score (NaN), and are never suspected.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import rankdata

Floats = NDArray[np.float64]


def score_cells(Y: Floats, proba: Floats) -> Floats:
    """One minus the probability of the observed value: 1 is surely wrong.

    One minus the self-confidence of Kuan and Mueller (2022), Model-agnostic label quality scoring
    to detect real-world label errors, ICML DataPerf.
    """
    return np.where(np.isnan(Y), np.nan, np.where(Y == 1, 1 - proba, proba))


def rank_cells(Y: Floats, score: Floats) -> Floats:
    """Percentile of each score in (0, 1] among cells of the same label and observed value.

    Ties share their mean rank. Positives and negatives have base rates that differ a lot, and so
    do scores.
    """
    percentile = np.full(Y.shape, np.nan)
    for value in (0, 1):
        peers = (value == Y) & ~np.isnan(score)
        ranks = rankdata(np.where(peers, score, np.nan), axis=0, nan_policy="omit")
        percentile[peers] = (ranks / np.maximum(peers.sum(0), 1))[peers]
    return percentile


def suspect_cells(Y: Floats, proba: Floats) -> NDArray[np.bool_]:
    """Cells of the confident joint off its diagonal: probably of the other value.

    Northcutt, Jiang and Chuang (2021), Confident learning: estimating uncertainty in dataset
    labels, JAIR 70, Eq. 1-2, one binary problem per label: the threshold of a value is the mean
    probability of it where it is observed. A cell is suspected where the value that was not
    observed reaches its threshold, and the observed value does not reach its own or is the less
    probable one. A value that is never observed is never suspected to be the right one.
    """
    known = ~np.isnan(Y) & ~np.isnan(proba)
    own, other = np.where(Y == 1, proba, 1 - proba), np.where(Y == 1, 1 - proba, proba)
    threshold = [_mean_where(own, known & (value == Y)) for value in (0, 1)]
    own_threshold = np.where(Y == 1, threshold[1], threshold[0])
    other_threshold = np.where(Y == 1, threshold[0], threshold[1])
    with np.errstate(invalid="ignore"):
        reached = (other >= other_threshold) & ((own < own_threshold) | (other > own))
    return known & reached


def _mean_where(values: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """Mean (q,) of the chosen cells of each label; NaN where there is none."""
    counts = chosen.sum(0)
    total = np.where(chosen, values, 0).sum(0)
    return np.divide(total, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def pool_labels(quality: Floats, temperature: float = 0.1) -> Floats:
    """Soft minimum (n,) of the labels' qualities (n, q); NaN where none is known.

    Thyagarajan et al. (2022), Identifying incorrect annotations in multi-label classification
    data, one of the means compared there: that of the qualities s, weighted by
    softmax((1 - s) / temperature).
    """
    known = ~np.isnan(quality)
    pooled = np.full(len(quality), np.nan)
    rows = known.any(axis=1)
    exponent = np.where(known[rows], (1 - quality[rows]) / temperature, -np.inf)
    weight = softmax(exponent, axis=1)
    pooled[rows] = (weight * np.where(known[rows], quality[rows], 0)).sum(1)
    return pooled


def wilson_interval(
    count: Floats, n: Floats, z: float = 1.959963984540054
) -> tuple[Floats, Floats]:
    """Ends of Wilson's score interval (95 % by default) of shares count / n; NaN where n is 0.

    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = count / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.where(n > 0, middle - half, np.nan), np.where(n > 0, middle + half, np.nan)

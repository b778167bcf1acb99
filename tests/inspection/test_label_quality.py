"""Formulas of the label report against plain loops."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from skd2ace.inspection._frequencies import divide_odds
from skd2ace.inspection._label_quality import (
    pool_labels,
    rank_cells,
    score_cells,
    suspect_cells,
    wilson_interval,
)


def draw(n, q, seed=0, *, holes=True):
    rng = np.random.default_rng(seed)
    Y = (rng.random((n, q)) < 0.3).astype(float)
    # Rounded, so that some tie.
    proba = np.round(np.clip(0.3 * Y + 0.7 * rng.random((n, q)), 0.01, 0.99), 1)
    if holes:
        Y[rng.random((n, q)) < 0.1] = np.nan
        proba[rng.random(n) < 0.1] = np.nan
    return Y, proba


def is_cell(Y, proba, i, j):
    return not (math.isnan(Y[i, j]) or math.isnan(proba[i, j]))


@pytest.mark.parametrize("shape", [(40, 5), (30, 1), (3, 2), (12, 10_000)])
def test_suspects_are_those_of_the_confident_joint(shape):
    Y, proba = draw(*shape)
    found = suspect_cells(Y, proba)
    assert found.any() or shape[0] < 10
    for j in range(min(shape[1], 50)):
        cells = [i for i in range(shape[0]) if is_cell(Y, proba, i, j)]
        of = {v: [i for i in cells if Y[i, j] == v] for v in (0, 1)}
        p = {i: {1: proba[i, j], 0: 1 - proba[i, j]} for i in cells}
        # A value that is never observed has no threshold that anything reaches.
        mean = {v: np.mean([p[i][v] for i in of[v]]) if of[v] else math.inf for v in (0, 1)}
        for i in range(shape[0]):
            guess = None
            if i in p:
                reached = [v for v in (0, 1) if p[i][v] >= mean[v] - 1e-12]
                # Of equally probable values the observed one.
                guess = max(reached, key=lambda v: (p[i][v], v == Y[i, j]), default=None)
            expected = guess is not None and guess != Y[i, j]
            assert found[i, j] == expected, (i, j)


def test_scores_and_percentiles():
    Y, proba = draw(40, 3)
    score = score_cells(Y, proba)
    percentile = rank_cells(Y, score)
    for i in range(40):
        for j in range(3):
            if not is_cell(Y, proba, i, j):
                assert np.isnan(score[i, j])
                assert np.isnan(percentile[i, j])
                continue
            assert score[i, j] == (1 - proba[i, j] if Y[i, j] else proba[i, j])
            peers = [k for k in range(40) if is_cell(Y, proba, k, j) and Y[k, j] == Y[i, j]]
            below = sum(score[k, j] < score[i, j] for k in peers)
            ties = sum(score[k, j] == score[i, j] for k in peers)
            assert percentile[i, j] == pytest.approx((below + (ties + 1) / 2) / len(peers))


def test_the_soft_minimum_leaves_out_what_is_not_known():
    quality = 1 - score_cells(*draw(30, 4))
    quality[0] = np.nan
    pooled = pool_labels(quality)
    assert np.isnan(pooled[0])
    for row, value in zip(quality, pooled, strict=True):
        known = [s for s in row if not math.isnan(s)]
        weights = [math.exp((1 - s) / 0.1) for s in known]
        if known:
            expected = sum(w * s for w, s in zip(weights, known, strict=True)) / sum(weights)
            assert value == pytest.approx(expected)


def test_the_interval_is_that_of_scipy():
    counts, n = np.array([0, 3, 10, 0]), np.array([10, 10, 10, 0])
    low, high = wilson_interval(counts.astype(float), n.astype(float))
    for k in range(3):
        interval = binomtest(int(counts[k]), int(n[k])).proportion_ci(method="wilson")
        assert (low[k], high[k]) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert np.isnan([low[3], high[3]]).all()


def test_odds_are_divided_by_what_positives_count():
    """A loss is lowest there where the odds are those of the frequencies, times the factor."""
    frequency, factors = np.array([0.1, 0.5, 0.9]), np.array([4.0, 0.5, 1.0])
    lowest = [
        minimize_scalar(
            lambda p, w=w, f=f: -w * f * np.log(p) - (1 - f) * np.log1p(-p),
            bounds=(0, 1),
            method="bounded",
            options={"xatol": 1e-9},
        ).x
        for w, f in zip(factors[:2], frequency[:2], strict=True)
    ]
    proba = np.array([[*lowest, 0.3], [np.nan] * 3, [0, 0, 0], [1, 1, 1]])
    expected = [[0.1, 0.5, 0.3], [np.nan] * 3, [0, 0, 0], [1, 1, 1]]
    np.testing.assert_allclose(divide_odds(proba, factors), expected, atol=1e-6)

"""The law of drawing, against numpy's and by chi-square."""

import numpy as np
import pytest
import torch
from scipy import stats

from skd2ace.selection._drawing import (
    draw_batch,
    draw_with_replacement,
    draw_without_replacement,
)

SKEWED = torch.softmax(torch.linspace(0, 4, 12, dtype=torch.float64), 0)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def chi_square(drawn, probabilities):
    counts = np.bincount(drawn, minlength=len(probabilities))
    return stats.chisquare(counts, counts.sum() * np.asarray(probabilities)).pvalue


@pytest.mark.parametrize("draw", [draw_with_replacement, draw_without_replacement])
def test_single_draws_have_their_probabilities(draw, generator):
    drawn = draw(SKEWED, 20_000, 1, generator).flatten()
    assert chi_square(drawn, SKEWED) > 1e-3


def test_independent_draws_have_their_probabilities_at_every_place(generator):
    drawn = draw_with_replacement(SKEWED, 20_000, 3, generator)
    assert all(chi_square(place, SKEWED) > 1e-3 for place in drawn.T)


def draw_one_by_one(probabilities, n_batches, batch_size, generator):
    batches = [draw_batch(probabilities, batch_size, generator) for _ in range(n_batches)]
    return torch.stack(batches)


@pytest.mark.parametrize("draw", [draw_without_replacement, draw_one_by_one])
@pytest.mark.parametrize("batch_size", [2, 5, 11, 12])
def test_batches_follow_successive_sampling(draw, batch_size, generator):
    """Each instance is in a batch as often as numpy's ``choice`` puts it there."""
    n_batches = 6000
    ours = draw(SKEWED, n_batches, batch_size, generator).numpy()
    rng = np.random.default_rng(0)
    numpys = np.array(
        [
            rng.choice(12, batch_size, replace=False, p=SKEWED.numpy(), shuffle=False)
            for _ in range(n_batches)
        ]
    )
    assert all(len(set(batch)) == batch_size for batch in ours)
    table = np.array([np.bincount(batches.ravel(), minlength=12) for batches in (ours, numpys)])
    share = table.sum(0) / (2 * n_batches)
    error = np.sqrt(2 * n_batches * share * (1 - share))
    assert (np.abs(table[0] - table[1]) <= 4 * error).all()


def test_order_within_a_batch_is_that_of_drawing(generator):
    """P(first = i, second = j) = p_i p_j / (1 - p_i), so that a prefix is a smaller batch."""
    p = np.array([0.5, 0.3, 0.2])
    batches = draw_without_replacement(torch.from_numpy(p), 20_000, 3, generator).numpy()
    pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
    counts = [((batches[:, 0] == i) & (batches[:, 1] == j)).sum() for i, j in pairs]
    expected = [20_000 * p[i] * p[j] / (1 - p[i]) for i, j in pairs]
    assert stats.chisquare(counts, expected).pvalue > 1e-3


@pytest.mark.parametrize("n_draws", [1, 64, 10**6])
def test_parts_are_drawn_as_the_whole(monkeypatch, n_draws):
    """Batches are drawn some at a time, which no size of the parts can be told from."""
    probabilities = torch.softmax(torch.linspace(0, 6, 40, dtype=torch.float64), 0)
    whole = draw_without_replacement(probabilities, 50, 8, torch.Generator().manual_seed(3))
    monkeypatch.setattr("skd2ace.selection._drawing._N_DRAWS", n_draws)
    parts = draw_without_replacement(probabilities, 50, 8, torch.Generator().manual_seed(3))
    assert torch.equal(parts, whole)


def test_nearly_certain_instances_do_not_stop_the_draw(generator):
    """Far more repeats than draws: the rest of the batch comes from the race."""
    p = torch.tensor([1 - 4e-12] + [1e-12] * 4, dtype=torch.float64)
    batches = draw_without_replacement(p, 3000, 3, generator)
    assert (batches[:, 0] == 0).all()
    assert chi_square(batches[:, 1:].flatten() - 1, [0.25] * 4) > 1e-3

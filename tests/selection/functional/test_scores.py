"""Limits and gaps that the oracles do not reach."""

import math

import pytest
import torch

from skd2ace.selection import functional as F

NAN = float("nan")


def test_entropy_has_its_limits_without_nan():
    proba = torch.tensor([0.0, 1.0, 0.5, 0.25, 1e-30])
    expected = [0.0, 0.0, 1.0, 0.25 * 2 + 0.75 * math.log2(4 / 3), 1e-30 * math.log2(1e30)]
    torch.testing.assert_close(F.binary_entropy(proba), torch.tensor(expected), atol=1e-6, rtol=0)


def test_fluctuation_is_over_adjacent_pairs_that_exist():
    history = torch.tensor([0.1, NAN, 0.4, 0.7]).view(4, 1, 1)
    assert F.fluctuation(history).item() == pytest.approx(0.3)


def test_unseen_instance_is_undecided():
    history = torch.full((5, 1, 2), NAN)
    assert F.fluctuation(history).tolist() == [[0, 0]]
    torch.testing.assert_close(F.uncertainty(history, entropy_weight=0.3), torch.full((1, 2), 0.3))


def test_half_precision_is_computed_in_single():
    history = torch.rand(5, 7, 3, generator=torch.Generator().manual_seed(0))
    half = F.uncertainty(history.half())
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, F.uncertainty(history), atol=2e-3, rtol=0)


@pytest.mark.parametrize("variant", ["paper", "reference"])
def test_nothing_flips_at_the_first_prediction(variant):
    rate = torch.tensor([[0.4, 0.4]])
    before = torch.full((1, 2), NAN)
    now = torch.tensor([[0.9, 0.1]])
    updated = F.update_flip_rate(rate, before, now, smoothing=0.7, variant=variant)
    torch.testing.assert_close(updated, 0.3 * rate)

"""Properties of probabilities and schedules."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skd2ace.selection import functional as F

finite_weights = arrays(
    np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6, allow_subnormal=False)
).map(torch.from_numpy)
pressures = st.floats(1, 1e4)


@given(finite_weights, pressures)
def test_probabilities_are_positive_and_within_the_pressure(weights, pressure):
    p = F.sampling_probabilities(weights, pressure)
    assert p.dtype == torch.float64
    assert p.sum().item() == pytest.approx(1)
    assert (p > 0).all()
    assert p.max() / p.min() <= pressure * (1 + 1e-9)


@given(finite_weights, pressures)
def test_heavier_is_never_less_likely(weights, pressure):
    p = F.sampling_probabilities(weights, pressure)
    assert (p[weights.argsort()].diff() >= -1e-15).all()


@given(finite_weights, pressures, st.randoms(use_true_random=False))
def test_order_of_instances_does_not_matter(weights, pressure, random):
    order = list(range(len(weights)))
    random.shuffle(order)
    p = F.sampling_probabilities(weights, pressure)
    torch.testing.assert_close(F.sampling_probabilities(weights[order], pressure), p[order])


def test_equal_weights_are_uniform():
    p = F.sampling_probabilities(torch.full((7,), 3.3), 100.0)
    torch.testing.assert_close(p, torch.full((7,), 1 / 7, dtype=torch.float64))


def test_quantisation_written_out():
    weights, pressure = [0.0, 0.31, 0.5, 0.99, 1.0], 100.0
    ranks = [min(max(int(np.ceil(round((1 - w) * 5, 9))), 1), 5) for w in weights]
    assert ranks == [5, 4, 3, 1, 1]
    raw = [pressure ** (-rank / 5) for rank in ranks]
    expected = torch.tensor([value / sum(raw) for value in raw], dtype=torch.float64)
    actual = F.sampling_probabilities(torch.tensor(weights, dtype=torch.float64), pressure)
    torch.testing.assert_close(actual, expected)


def test_pressure_has_its_ends():
    assert F.selection_pressure(11, 11, 11) == 1
    assert F.selection_pressure(3, 11, 100, 8.0) == 8
    assert F.selection_pressure(200, 11, 100, 8.0) == 1


def test_mixing_decays_either_way():
    assert F.mixing_coefficient(50, 30, 70, 0.8, 0.2) == pytest.approx(0.5)
    halfway = F.mixing_coefficient(50, 30, 70, 0.8, 0.2, decay="exponential")
    assert halfway == pytest.approx((0.8 * 0.2) ** 0.5)
    with pytest.raises(ValueError, match="positive start and end"):
        F.mixing_coefficient(50, 30, 70, 0.8, 0.0, decay="exponential")

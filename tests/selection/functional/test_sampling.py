"""Properties of probabilities and schedules."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skd2ace.selection import functional as F

finite_weights = arrays(
    np.float64,
    st.integers(1, 40),
    elements=st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1e6, 1e6),
).map(torch.from_numpy)
pressures = st.floats(1, 1e4)


losses = arrays(
    np.float64,
    st.integers(1, 40),
    elements=st.floats(0, allow_infinity=False) | st.floats(0, 1e6),
).map(torch.from_numpy)
# Every way from numbers to probabilities, and the numbers it takes.
forms = st.one_of(
    st.tuples(st.just(F.sampling_probabilities), finite_weights),
    st.tuples(st.just(F.rank_probabilities), losses),
    st.tuples(st.just(F.loss_probabilities), losses),
)
PRESSED = (F.sampling_probabilities, F.rank_probabilities, F.loss_probabilities)


@given(forms, pressures)
def test_probabilities_are_positive_and_within_the_pressure(form, pressure):
    probabilities, numbers = form
    p = probabilities(numbers, pressure)
    assert p.dtype == torch.float64
    assert p.sum().item() == pytest.approx(1)
    assert (p > 0).all()
    assert p.max() / p.min() <= pressure * (1 + 1e-9)


@given(forms, pressures)
def test_heavier_is_never_less_likely(form, pressure):
    probabilities, numbers = form
    p = probabilities(numbers, pressure)
    assert (p[numbers.argsort()].diff() >= -1e-15).all()


@given(forms, pressures, st.randoms(use_true_random=False))
def test_order_of_instances_does_not_matter(form, pressure, random):
    probabilities, numbers = form
    order = list(range(len(numbers)))
    random.shuffle(order)
    p = probabilities(numbers, pressure)
    torch.testing.assert_close(probabilities(numbers[order], pressure), p[order])


@pytest.mark.parametrize("temperature", [1e15, 1e308, 10**400])
def test_softmax_of_any_temperature(temperature):
    p = F.softmax_probabilities(torch.tensor([1.0, 3.0, 2.0]), temperature)
    assert p.tolist() == pytest.approx([0, 1, 0])
    assert (p > 0).all()


@given(losses, st.floats(0, 100))
def test_softmax_is_positive_and_ordered(hardness, temperature):
    p = F.softmax_probabilities(hardness, temperature)
    assert p.sum().item() == pytest.approx(1)
    assert torch.isfinite(p).all()
    assert (p > 0).all()
    assert (p[hardness.argsort()].diff() >= -1e-15).all()


@pytest.mark.parametrize("value", [0.0, 3.3])
@pytest.mark.parametrize("probabilities", [*PRESSED, F.softmax_probabilities])
def test_equal_numbers_are_uniform(probabilities, value):
    p = probabilities(torch.full((7,), value), 100.0)
    torch.testing.assert_close(p, torch.full((7,), 1 / 7, dtype=torch.float64))


def test_equal_losses_share_their_ranks():
    p = F.rank_probabilities(torch.tensor([2.0, 1.0, 2.0, 5.0]), 16.0)
    raw = [2.0**rank for rank in (2.5, 1, 2.5, 4)]
    torch.testing.assert_close(p.tolist(), [value / sum(raw) for value in raw])


def test_losses_are_quantised_in_steps_of_the_largest():
    p = F.loss_probabilities(torch.tensor([0.0, 1.0, 1.01, 4.0]), 16.0)
    raw = [2.0**level for level in (0, 1, 2, 4)]
    torch.testing.assert_close(p.tolist(), [value / sum(raw) for value in raw])


def test_one_hardness_far_above_the_others_leaves_them_a_chance():
    hardness = torch.zeros(100_000)
    hardness[0] = 1
    p = F.softmax_probabilities(hardness, 20.0)
    assert p[0] == 1
    assert (p > 0).all()


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

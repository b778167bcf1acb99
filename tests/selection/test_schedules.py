"""Settings in epochs, or as a share of the run."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
import torch

from skd2ace.selection import D2ACE, Balance, BatchSelector, OnlineBatch
from skd2ace.selection._schedules import count_epochs

X, Y = torch.arange(8.0)[:, None], torch.eye(8)[:, :3]


def start(selector, n_epochs):
    return selector.start(X, Y, n_epochs=n_epochs, batch_size=4, random_state=0)


@pytest.mark.parametrize("n_epochs", [1, 2, 5, 10, 15, 20, 25, 45, 50, 99, 100, 250])
def test_shares_are_rounded_half_up(n_epochs):
    for percent in range(101):
        exact = Decimal(percent) * n_epochs / 100
        rounded = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
        expected = max(rounded, 1) if percent else 0
        assert count_epochs(percent / 100, n_epochs) == expected
        assert count_epochs(float(Fraction(percent, 100)), n_epochs) == expected


def test_integers_are_epochs():
    assert [count_epochs(n, 20) for n in (0, 1, 7, 300)] == [0, 1, 7, 300]


def served(selector, n_epochs):
    """Probabilities of each epoch, None where it is shuffled."""
    start(selector, n_epochs)
    probabilities = []
    for epoch in range(n_epochs):
        generator = torch.Generator().manual_seed(epoch)
        for index in selector.batches(epoch):
            proba = torch.rand(len(index), 3, generator=generator)
            selector.update(index, proba, -proba.log())
        p = selector.probabilities_
        probabilities.append(None if p is None else p.tolist())
    return probabilities


def test_the_default_is_the_paper_at_its_100_epochs():
    assert served(D2ACE(), 100) == served(D2ACE(warmup_epochs=10, mix_epochs=(30, 70)), 100)


def test_a_run_of_20_selects_as_well():
    assert served(D2ACE(), 20) == served(D2ACE(warmup_epochs=2, mix_epochs=(6, 14)), 20)
    assert [p is None for p in served(OnlineBatch(), 10)] == [True] + 9 * [False]


def test_a_pair_of_both_kinds():
    assert start(D2ACE(mix_epochs=(0.5, 15)), 20).mix_epochs_ == (10, 15)
    with pytest.raises(ValueError, match=r"mix_epochs=\(0.5, 15\) are epochs 50 and 15 of 100"):
        start(D2ACE(mix_epochs=(0.5, 15)), 100)


@pytest.mark.parametrize("wrong", [1.5, -0.1, 10.0, -1, float("nan"), "0.1", None])
@pytest.mark.parametrize("cls", [OnlineBatch, Balance, D2ACE])
def test_other_numbers_are_errors(cls, wrong):
    wanted = "an int in the range .* or a float in the range"
    with pytest.raises(ValueError, match=rf"'warmup_epochs' parameter of {cls.__name__}.*{wanted}"):
        start(cls(warmup_epochs=wrong), 20)
    if cls is D2ACE:
        with pytest.raises(ValueError, match=r"'mix_epochs' parameter of D2ACE"):
            start(D2ACE(mix_epochs=(0, wrong)), 20)


@pytest.mark.parametrize("selector", [OnlineBatch(warmup_epochs=5), Balance(warmup_epochs=7)])
def test_a_warmup_that_takes_all_epochs_is_warned_of(selector):
    with pytest.warns(UserWarning, match=r"takes all 5 epochs: it only shuffles.*share of the run"):
        start(selector, 5)


def test_a_mixing_that_is_not_reached_is_warned_of():
    with pytest.warns(UserWarning, match=r"mix_epochs=\(30, 70\) .* beyond the 20 epochs"):
        start(D2ACE(mix_epochs=(30, 70)), 20)
    with pytest.warns(UserWarning, match="D2ACE") as told:
        start(D2ACE.reference(), 10)
    assert len(told) == 2


@pytest.mark.parametrize(
    "selector",
    [D2ACE(), D2ACE(warmup_epochs=1.0), OnlineBatch(warmup_epochs=0), BatchSelector()],
)
def test_what_fits_is_not_warned_of(selector):
    start(selector, 1)

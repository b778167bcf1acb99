"""Two processes under torchrun serve the batches of one, and are told what both have seen."""

import runpy
from itertools import chain
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("sharing.py")
SHARING = runpy.run_path(str(SCRIPT))
SELECTORS = SHARING["COMMON"]["SELECTORS"]
# Two processes have to begin, and go through all selectors twice.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory, run_in_processes):
    """What each of two processes saved."""
    folder = tmp_path_factory.mktemp("sharing")
    run_in_processes(2, SCRIPT, folder)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


def join(shares):
    """Whole batches out of two processes' shares, with the weights of the losses."""
    for (a, weights_a), (b, weights_b) in zip(*shares, strict=True):
        assert len(a) == len(b)
        yield a + b, torch.cat([weights_a, weights_b])


@pytest.mark.parametrize("kind", ["replayed", "resumed"])
@pytest.mark.parametrize("case", range(len(SELECTORS)), ids=lambda case: str(SELECTORS[case]))
def test_batches_and_weights_are_those_of_one_process(case, kind, found):
    """Where a last batch is odd, its first instance is there twice, and the copy weighs nothing."""
    expected = SHARING["replay"](SELECTORS[case])
    shares = [process[kind][case] for process in found]
    for (batch, weights), (whole, alone) in zip(join(shares), expected, strict=True):
        n = len(whole)
        assert batch == whole + whole[: n % 2]
        # The mean over both processes of their means is that of the whole batch.
        torch.testing.assert_close(weights[:n] * n / len(batch), alone, rtol=1e-6, atol=0)
        assert not weights[n:].any()


@pytest.mark.parametrize("case", range(len(SELECTORS)), ids=lambda case: str(SELECTORS[case]))
def test_without_a_seed_all_draw_what_the_first_draws(case, found):
    """What they have drawn before the epoch, copies of instances for example, too."""
    first, second = (process["unseeded"][case] for process in found)
    assert first
    assert list(map(len, first)) == list(map(len, second))


def test_a_training_ends_with_the_weights_of_one_process(found):
    """101 instances in batches of 16: the last batch holds 5, of which one is copied."""
    weights, served = SHARING["train"]()
    (first, shares), (second, others) = (process["trained"] for process in found)
    for a, b, whole in zip(shares, others, served, strict=True):
        assert (a + b)[: len(whole)] == whole
        assert (a + b)[len(whole) :] == whole[: -len(whole) % 2]
    for one, mine, theirs in zip(weights, first, second, strict=True):
        assert torch.equal(mine, theirs)
        torch.testing.assert_close(mine, one, rtol=0, atol=1e-4)


def test_what_goes_wrong_is_said_by_every_process(found):
    first, second = (process["refused"] for process in found)
    assert sorted(chain(*first[0], *second[0])) == list(range(50)), "of one seed"
    for messages in (first[1:], second[1:]):
        assert len(messages) == 3
        assert "not its share" in messages[0]
        assert "not yet exchanged" in messages[1]
        assert "disagree about the batches of epoch 1" in messages[2]

"""Seeds that follow from one number."""

import numpy as np
import pytest
import torch

from skd2ace._seeding import derive_seed, draw_seeds, torch_rng


def test_seeds_of_a_number_are_fixed_and_distinct():
    seeds = draw_seeds(7, 100)
    assert seeds == draw_seeds(7, 100)
    assert len(set(seeds)) == 100
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert draw_seeds(8, 1) != draw_seeds(7, 1)
    assert draw_seeds(np.int64(7), 2) == seeds[:2]


def test_none_is_fresh_each_time():
    assert draw_seeds(None, 1) != draw_seeds(None, 1)


def test_steps_have_seeds_of_their_own():
    assert len({derive_seed(seed, step) for seed in range(10) for step in range(10)}) == 100


def test_torch_generator_is_put_back_and_can_go_on():
    before = torch.get_rng_state()
    with torch_rng(torch.device("cpu"), 5) as end:
        first = torch.rand(3)
    with torch_rng(torch.device("cpu"), 5, end):
        second = torch.rand(3)
    with torch_rng(torch.device("cpu"), 5):
        whole = torch.rand(6)
    assert torch.equal(torch.cat((first, second)), whole)
    assert torch.equal(torch.get_rng_state(), before)


def test_torch_generator_is_put_back_after_an_error():
    def fail():
        with torch_rng(torch.device("cpu"), 5):
            torch.rand(1)
            raise RuntimeError

    before = torch.get_rng_state()
    with pytest.raises(RuntimeError):
        fail()
    assert torch.equal(torch.get_rng_state(), before)

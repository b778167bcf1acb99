"""Seeds that follow from one number."""

import random
import threading

import numpy as np
import pytest
import torch

from skd2ace._seeding import derive_seed, draw_seeds, host_rngs, torch_rng


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


def test_threads_put_back_what_was_there_before_all_of_them():
    """One that waits for another does not take the other's state for the caller's."""
    inside, go = threading.Event(), threading.Event()

    def hold():
        with host_rngs(1):
            inside.set()
            go.wait(60)

    def follow():
        with host_rngs(2):
            pass

    python, numpy = random.getstate(), np.random.get_state()
    threads = [threading.Thread(target=hold), threading.Thread(target=follow)]
    threads[0].start()
    assert inside.wait(60)
    threads[1].start()
    # The second has come as far as it can: to where it waits for the first.
    threads[1].join(0.3)
    go.set()
    for thread in threads:
        thread.join(60)
    assert random.getstate() == python
    np.testing.assert_array_equal(np.random.get_state()[1], numpy[1])

"""Randomness that starts from ``random_state`` and leaves the global generators alone."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from skd2ace._locks import ForkSafeLock

# Dropout draws from generators that all threads share: one training at a time may have them.
_lock = ForkSafeLock()
# Of its own: numpy's generator is lent for moments, also while another thread trains.
_numpy_lock = ForkSafeLock()

RandomState = int | np.integer | np.random.RandomState | None


def draw_seeds(random_state: RandomState, n_seeds: int) -> list[int]:
    """Independent seeds below 2^63 from one ``random_state``.

    An integer gives the same seeds each time, a ``RandomState`` is advanced, and None takes
    fresh entropy from the operating system: numpy's global generator is neither read nor moved.
    """
    if isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(np.iinfo(np.int32).max)
    state = np.random.SeedSequence(random_state).generate_state(n_seeds, np.uint64)
    return [int(seed >> np.uint64(1)) for seed in state]


def derive_seed(seed: int, step: int) -> int:
    """Seed of one step of a run: any step can be repeated without the ones before it."""
    return draw_seeds(int(np.random.SeedSequence([seed, step]).generate_state(1)[0]), 1)[0]


@contextmanager
def torch_rng(
    device: torch.device, seed: int, state: dict[str, Tensor] | None = None
) -> Iterator[dict[str, Tensor]]:
    """Run with torch's global generators seeded, or set to ``state``; put them back afterwards.

    Another thread that wants the same waits until the block is left.

    Yields a dictionary that holds, once the block is left, the state to go on from.
    """
    cuda = [device] if device.type == "cuda" else []
    end: dict[str, Tensor] = {}
    with _lock.hold(), torch.random.fork_rng(devices=cuda):
        seed_generators(device, seed)
        if state:
            set_generator_states(device, state)
        try:
            yield end
        finally:
            end.update(generator_states(device))


@contextmanager
def host_rngs(seed: int) -> Iterator[None]:
    """Run with the host's global generators seeded, torch's, numpy's and Python's; put them back.

    For code of others, of which it is not known which of them it draws from.
    """
    with torch_rng(torch.device("cpu"), seed), numpy_rng(seed % 2**32):
        before = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(before)


@contextmanager
def numpy_rng(seed: int) -> Iterator[None]:
    """Run with numpy's global generator seeded, for code that takes no other; put it back.

    Another thread that wants the same waits until the block is left.
    """
    with _numpy_lock.hold():
        before = np.random.get_state(legacy=False)  # noqa: NPY002
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002


def seed_generators(device: torch.device, seed: int) -> None:
    """Seed torch's global generators, that of the device's own among them."""
    # Not torch.manual_seed: it would also seed devices that nobody puts back.
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


def generator_states(device: torch.device) -> dict[str, Tensor]:
    """States of torch's global generators, that of the device's own among them."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def set_generator_states(device: torch.device, states: dict[str, Tensor]) -> None:
    """Set torch's global generators as :func:`generator_states` found them."""
    torch.set_rng_state(states["cpu"])
    # A run that moves from a CPU to a GPU has no state for it yet.
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)

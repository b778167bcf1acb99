"""Published networks: their parameters under our names, and how closely ours must agree."""

import pytest
import torch


@pytest.fixture
def load_published(load_oracle):
    """Parameters of an oracle under our names, and its other arrays; X and Y in ``dtype``."""

    def load(name, names, dtype):
        oracle = load_oracle(name)
        state = {}
        for key in [key for key in oracle if key.startswith("state/")]:
            published = key.removeprefix("state/")
            prefix = max((p for p in names if published.startswith(p)), key=len)
            state[names[prefix] + published.removeprefix(prefix)] = oracle.pop(key)
        oracle["X"], oracle["Y"] = oracle["X"].to(dtype), oracle["Y"].to(dtype)
        return state, oracle

    return load


@pytest.fixture
def assert_published():
    def assert_equal(actual, expected):
        # The published network ran in single precision: logits of size 10 carry errors of 1e-6.
        torch.testing.assert_close(
            actual.to(torch.float64), expected.to(torch.float64), rtol=1e-5, atol=5e-6
        )

    return assert_equal

"""Data and networks that many tests share."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from sklearn.preprocessing import minmax_scale
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from skd2ace.datasets import load_yeast

# A slow machine is not a failure.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

# A shell starts what is to run in the background with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Small tensors gain nothing from threads, and bits depend on their number.
torch.set_num_threads(1)


def make_mlp(n_features, n_labels, hidden=16):
    """A network as a user would write it; at module level, so that it can be pickled."""
    return nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_labels))


@pytest.fixture(scope="session")
def mlp():
    return make_mlp


@pytest.fixture
def data():
    """60 instances, 8 features, 4 labels that depend on the features; the last one is rare."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    Y = (X @ rng.normal(size=(8, 4)) > [0, 0, 1, 3]).astype(int)
    return X, Y


@pytest.fixture(scope="session")
def yeast():
    X, Y = load_yeast(return_X_y=True)
    return minmax_scale(X), Y


@pytest.fixture(scope="session")
def load_oracle():
    """Arrays of an oracle in ``tests/data``, as tensors."""

    def load(name):
        with np.load(Path(__file__).parent / "data" / f"{name}.npz") as arrays:
            return {key: torch.from_numpy(arrays[key]) for key in arrays}

    return load


@pytest.fixture(scope="session")
def run_in_processes():
    """Runs a script to its end, under torchrun where there is more than one process."""
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")

    def run(n_processes, *arguments, cwd=None):
        launcher = (*torchrun, str(n_processes)) if n_processes > 1 else ()
        done = subprocess.run(
            [sys.executable, *launcher, *arguments],
            cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def other_rows():
    """Expect the warning with which predictions out of bag end, of a fit that has such."""

    def expect(est):
        if hasattr(est, "oob_score_"):
            return pytest.warns(UserWarning, match="no predictions out of bag")
        return nullcontext()

    return expect


@pytest.fixture
def deterministic():
    """Turns deterministic algorithms on until the end of the test."""
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    yield lambda: torch.use_deterministic_algorithms(True)
    torch.use_deterministic_algorithms(before, warn_only=warn_only)


# Reading a number, or a size that depends on values.
WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "is_nonzero", "equal")


class _Watch(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.reads = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.name().removeprefix("aten::").split(".")[0]
        boolean_index = name in ("index", "index_put_", "index_put") and any(
            index is not None and str(index.dtype) == "torch.bool" for index in args[1]
        )
        if name in WAITING or boolean_index:
            self.reads.append(name)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def host_reads():
    @contextmanager
    def watch():
        with _Watch() as mode:
            yield mode.reads

    return watch

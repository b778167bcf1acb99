"""A training that is killed again and again ends as if nothing had happened."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

SCRIPT = Path(__file__).with_name("killable.py")


def start(folder, n_epochs):
    """Start the training and return its process and the epoch with which it begins."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), str(n_epochs)], stdout=subprocess.PIPE, text=True
    )
    return process, int(process.stdout.readline() or 0)


def finish(folder, n_epochs):
    process, _ = start(folder, n_epochs)
    process.communicate(timeout=300)
    assert process.returncode == 0
    return torch.load(folder / "done", weights_only=True)


@pytest.mark.slow
@pytest.mark.parametrize(("n_kills", "n_epochs"), [(24, 600)])
def test_killed_at_random_moments(tmp_path, n_kills, n_epochs):
    rng = np.random.default_rng(0)
    begun, whole = [], tmp_path / "whole"
    whole.mkdir()
    for _ in range(n_kills):
        process, epoch = start(tmp_path, n_epochs)
        # An epoch takes about 6 ms, writing it included.
        time.sleep(rng.uniform(0, 0.15))
        process.kill()
        process.communicate()
        begun.append(epoch)
    assert not (tmp_path / "done").exists()
    # It went on, and not from its beginning.
    assert begun[0] == 1
    assert begun == sorted(begun)
    assert len(set(begun)) > n_kills / 2
    weights, history, best = finish(tmp_path, n_epochs)
    expected_weights, expected_history, expected_best = finish(whole, n_epochs)
    assert best == expected_best
    assert history == expected_history
    assert all(torch.equal(weights[name], expected_weights[name]) for name in expected_weights)
    assert not list(tmp_path.glob("checkpoints/*.tmp"))

"""A training that is killed again and again ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

SCRIPT = Path(__file__).with_name("killable.py")
# The kills come nine epochs apart at most.
N_EPOCHS, N_KILLS = 200, 20


@pytest.fixture
def trainings():
    """A process that starts a training for each folder it is told."""
    command = [sys.executable, str(SCRIPT), str(N_EPOCHS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, bufsize=1, **pipes) as process:
        yield process
        process.stdin.close()


def begin(trainings, folder):
    """Start or go on; return the number of the process and the epoch it begins with."""
    print(folder, file=trainings.stdin)
    return map(int, trainings.stdout.readline().split())


def wait_for_checkpoint(folder, epoch):
    """Wait until the training has written one of this epoch, however slow the machine is."""
    while not any(int(path.stem[-6:]) >= epoch for path in folder.glob("checkpoints/*.skd2ace")):
        time.sleep(0.002)


def result(trainings, folder):
    begin(trainings, folder)
    assert trainings.stdout.readline() == "ended 0\n"
    return torch.load(folder / "done", weights_only=True)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_killed_at_random_moments(tmp_path, trainings):
    rng = np.random.default_rng(0)
    epochs = []
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for folder in (killed, whole):
        folder.mkdir()
    for _ in range(N_KILLS):
        process, epoch = begin(trainings, killed)
        epochs.append(epoch)
        wait_for_checkpoint(killed, epoch + rng.integers(0, 8))
        # An epoch takes about 20 ms, half of it to write the checkpoint.
        time.sleep(rng.uniform(0, 0.02))
        os.kill(process, signal.SIGKILL)
        assert trainings.stdout.readline() == f"ended {signal.SIGKILL.value}\n"
    # It went on, and not from its beginning.
    assert epochs[0] == 1
    assert epochs == sorted(epochs)
    assert len(set(epochs)) > N_KILLS / 2
    weights, history, best = result(trainings, killed)
    expected_weights, expected_history, expected_best = result(trainings, whole)
    assert best == expected_best
    assert history == expected_history
    assert all(torch.equal(weights[name], expected_weights[name]) for name in expected_weights)
    assert not list(killed.glob("checkpoints/*.tmp"))

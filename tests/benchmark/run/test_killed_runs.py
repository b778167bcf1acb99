"""Processes that are killed or stopped, and several at once: nothing lost, nothing done twice."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from skd2ace.benchmark import Store

pytestmark = pytest.mark.slow

SLOW = """
import os, sys, time
import numpy as np
from skd2ace.benchmark import Experiment
from skd2ace.neighbors import MLkNN

class Quick(MLkNN):
    def fit(self, X, Y):
        print("fit", flush=True)
        return super().fit(X, Y)

class Slow(Quick):
    def fit(self, X, Y):
        while not os.path.exists(os.environ["GO"]):
            time.sleep(0.02)
        return super().fit(X, Y)

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    Y = (X[:, :4] > 0).astype(int)
    methods = {"quick": Quick(3), "slow": Slow(3)}
    experiment = Experiment({"d": (X, Y)}, methods, 5, store=sys.argv[1])
    print("ready", flush=True)
    input()
    experiment.run(progress=False, n_jobs=int(sys.argv[2]))
"""


@pytest.fixture
def slow(tmp_path):
    """Start processes that do ten fits, every other one not before there is a file ``go``."""
    processes = []

    def start(n_processes=1, n_jobs=1):
        (script := tmp_path / "slow.py").write_text(SLOW)
        (scratch := tmp_path / "scratch").mkdir(exist_ok=True)
        command = [sys.executable, str(script), str(tmp_path / "s"), str(n_jobs)]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        env = os.environ | {"TMPDIR": str(scratch), "GO": str(tmp_path / "go")}
        started = [
            subprocess.Popen(command, **pipes, text=True, env=env, start_new_session=True)
            for _ in range(n_processes)
        ]
        processes.extend(started)
        for process in started:
            assert process.stdout.readline() == "ready\n"
        for process in started:
            process.stdin.write("\n")
            process.stdin.flush()
        return started

    yield start
    for process in processes:
        # Workers outlive a parent that was killed.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_until(happened):
    while not happened():
        time.sleep(0.02)


def finish(process):
    """Number of fits that a process did before it ended by itself."""
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    # Not by lines: unbuffered, a line and its end are two writes, and two workers mix theirs.
    return out.count("fit")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_killed_in_the_middle(tmp_path, slow, n_jobs):
    store = Store(tmp_path / "s")
    (process,) = slow(n_jobs=n_jobs)
    wait_until(lambda: len(store.results()) and "slow" in set(store.running()["method"]))
    process.kill()
    process.wait()
    stored = store.results()
    assert set(stored["method"]) == {"quick"}
    (tmp_path / "go").touch()
    (process,) = slow(n_jobs=n_jobs)
    assert finish(process) == 10 - len(stored)
    results = store.results()
    folds = list(range(5))
    assert results.groupby("method")["fold"].agg(list).to_dict() == {"quick": folds, "slow": folds}
    # The stored ones are as they were.
    kept = results.merge(stored[["fold", "fit_seconds"]], on=["fold", "fit_seconds"])
    assert len(kept) == len(stored)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_leaves_nothing_behind(tmp_path, slow, n_jobs):
    store = Store(tmp_path / "s")
    (process,) = slow(n_jobs=n_jobs)
    wait_until(lambda: len(store.results()))
    # A terminal sends it to the workers too.
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=120)
    # How Python ends of a KeyboardInterrupt that nobody catches.
    assert process.returncode == -signal.SIGINT, error
    assert len(store.running()) == 0
    assert list(tmp_path.glob("s-*")) == []
    n_stored = len(store.results())
    (tmp_path / "go").touch()
    (process,) = slow()
    assert finish(process) == 10 - n_stored


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_two_processes_share_the_work(tmp_path, slow, n_jobs):
    store = Store(tmp_path / "s")
    processes = slow(2, n_jobs)
    wait_until(lambda: store.running()["process"].nunique() == 2)
    (tmp_path / "go").touch()
    counts = [finish(process) for process in processes]
    assert sum(counts) == 10
    assert all(counts)
    assert len(store.results()) == 10

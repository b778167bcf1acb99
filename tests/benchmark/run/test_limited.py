"""Fits that take too long are ended, whatever they are busy with."""

import os
import signal
import time
from collections import deque
from itertools import repeat
from pathlib import Path

import pytest

from skd2ace.benchmark import Comparison, Experiment, write_report
from skd2ace.benchmark.__main__ import main
from skd2ace.neighbors import MLkNN


# Classes of a function are sent whole: other processes cannot import this file.
def make_busy():
    class Busy(MLkNN):
        """Loops in a library's code, which no signal or exception of Python's reaches."""

        def fit(self, X, y):
            deque(repeat(0), maxlen=0)

    return Busy()


def make_lethal():
    class Lethal(MLkNN):
        def fit(self, X, y):
            os.kill(os.getpid(), signal.SIGKILL)

    return Lethal()


def make_patient(file):
    class Patient(MLkNN):
        """Ends where it has been told to by a file, and notes there which process it was."""

        def fit(self, X, y):
            while not file.exists():
                pass
            with file.open("a") as lines:
                lines.write(f"{os.getpid()}\n")
            return super().fit(X, y)

    return Patient()


@pytest.mark.slow
def test_what_takes_too_long_is_ended_and_may_be_done_again(data, tmp_path):
    file = tmp_path / "file"
    methods = {"patient": make_patient(file), "knn": MLkNN(3)}
    experiment = Experiment({"d": data}, methods, 2, store=tmp_path / "s")
    # Time enough for the others on a busy machine, whose first fit imports what it needs.
    results = experiment.run(progress=False, time_limit=5)
    assert results["method"].tolist() == ["knn"] * 2
    failures = experiment.failures()
    assert failures["method"].tolist() == ["patient"] * 2
    assert failures["status"].tolist() == ["timeout"] * 2
    assert failures["error"].tolist() == ["Ended after 5 s."] * 2
    text = write_report(Comparison.from_store(experiment.store))
    assert "Of 4 fits, 2 have a value; ended by the time limit: patient (2)." in text
    # Not begun again unless that is asked for.
    file.touch()
    assert len(experiment.run(progress=False, time_limit=100)) == 2
    experiment.retry_failed()
    assert len(experiment.run(progress=False, time_limit=100)) == 4
    processes = file.read_text().splitlines()
    # The two fits were done in one process, which is not this one.
    assert len(processes) == 2
    assert len({*processes, str(os.getpid())}) == 2


def test_whatever_it_is_busy_with(data):
    experiment = Experiment({"d": data}, {"busy": make_busy()}, 2)
    assert len(experiment.run(progress=False, time_limit=0.5)) == 0
    assert experiment.failures()["status"].tolist() == ["timeout"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_several_at_a_time(data, backend):
    methods = {"busy": make_busy(), "knn": MLkNN(3), "lethal": make_lethal(), "net": MLkNN(5)}
    experiment = Experiment({"d": data}, methods, 2)
    begun = time.monotonic()
    results = experiment.run(n_jobs=2, backend=backend, progress=False, time_limit=5)
    assert results["method"].value_counts().to_dict() == {"knn": 2, "net": 2}
    statuses = experiment.failures().groupby("method")["status"].unique().map(list).to_dict()
    assert statuses == {"busy": ["timeout"], "lethal": ["failed"]}
    assert time.monotonic() - begun < 120


@pytest.mark.slow
def test_within_the_limit_scores_are_the_same(data):
    scores = [
        Experiment({"d": data}, {"m": MLkNN(3)}, 2).run(progress=False, time_limit=limit)
        for limit in (None, 100)
    ]
    assert scores[0]["macro_auc"].tolist() == scores[1]["macro_auc"].tolist()


def test_the_command(made_up, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(Experiment, "run", lambda self, **given: asked.append(given))
    given = ["--datasets", "yeast", "--baselines", "mlknn", "--store", str(Path(tmp_path, "s"))]
    assert main(["run", *given, "--time-limit", "1800"]) == 0
    assert asked[0]["time_limit"] == 1800


@pytest.mark.parametrize("limit", [0, -1.0, "1"])
def test_limits_that_are_none(data, limit):
    with pytest.raises(ValueError, match="time_limit"):
        Experiment({"d": data}, {"m": MLkNN()}, 2).run(progress=False, time_limit=limit)


def test_dask_has_none(data):
    with pytest.raises(ValueError, match="not for Dask's"):
        Experiment({"d": data}, {"m": MLkNN()}, 2).run(backend="dask", time_limit=1)

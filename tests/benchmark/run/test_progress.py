"""The bar names what runs, with its epochs, and counts parts of fits."""

import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from skorch.callbacks import Callback

from skd2ace.benchmark import Experiment, Store
from skd2ace.benchmark.run import _progress
from skd2ace.benchmark.run._keys import Key
from skd2ace.benchmark.run._progress import Progress
from skd2ace.benchmark.run._repeating import call_repeatedly
from skd2ace.benchmark.run._task import Task
from skd2ace.neighbors import MLkNN


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "s")


def make_bar(store):
    return closing(Progress("yeast (1/2)", 4, 1, store, is_shown=True))


def begin(progress, store, estimator, fold=0):
    """Claim a fit, and return what writes its epochs."""
    key = Key("d", "net", fold, 0, "")
    store.claim(key)
    progress.add(Task(key, estimator, 0, None, None))
    return store.make_epoch_writer(key).write


def last_line(capsys):
    return capsys.readouterr().err.split("\r")[-1]


def test_epochs_are_parts_of_fits(clif, capsys, store):
    with make_bar(store) as progress:
        writes = [begin(progress, store, clif(max_epochs=10), fold) for fold in range(3)]
        progress.draw()
        assert "net" not in last_line(capsys)
        for write in writes[:2]:
            write(0)
        progress.draw()
        line = last_line(capsys)
        assert "1.0/4 fits" in line
        assert "net · fold 1, net · fold 2" in line
        writes[0](2)
        writes[1](5)
        progress.draw()
        line = last_line(capsys)
        assert line.startswith("yeast (1/2):  42%|")
        assert "1.7/4 fits" in line
        assert "net · fold 1 · epoch 2, net · fold 2 · epoch 5" in line
        progress.end(Key("d", "net", 0, 0, ""))
        line = last_line(capsys)
        assert "2.5/4 fits" in line
        assert "fold 1" not in line


def test_plain_estimators_have_no_epochs(capsys, store):
    with make_bar(store) as progress:
        begin(progress, store, MLkNN(3))(0)
        progress.draw()
        line = last_line(capsys)
        assert "1.0/4 fits" in line
        assert "net · fold 1" in line


def test_a_store_that_cannot_be_read_now(clif, capsys, store, monkeypatch):
    def fail():
        raise sqlite3.OperationalError("database is locked")

    with make_bar(store) as progress:
        begin(progress, store, clif())(2)
        monkeypatch.setattr(store, "read_epochs", fail)
        progress.draw()
        assert "1.0/4 fits" in last_line(capsys)


def waiting(until):
    """Make a callback; of a class that is pickled by value, as no worker can import this."""

    class Waits(Callback):
        """Waits after the second epoch for a file."""

        def on_epoch_end(self, net, **kwargs):
            while len(net.history) == 2 and not os.path.exists(until):
                time.sleep(0.02)

    return Waits()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_in_an_experiment(data, tmp_path, capsys, clif, n_jobs, monkeypatch):
    """Fits do not end before the bar has shown all that run at once in their second epoch."""
    draw = Progress.draw
    shown = []

    def look(self):
        draw(self)
        shown.append(capsys.readouterr().err)
        if shown[-1].count("epoch 2") == n_jobs:
            (tmp_path / "go").touch()

    monkeypatch.setattr(Progress, "draw", look)
    monkeypatch.setattr(_progress, "_IN_LOG", 0.1)
    methods = {"net": clif(callbacks=[waiting(str(Path(tmp_path, "go")))])}
    Experiment({"d": data}, methods, 2, store=tmp_path / "s").run(n_jobs=n_jobs)
    running = [f"net · fold {fold} · epoch 2" for fold in range(1, n_jobs + 1)]
    assert ", ".join(running) in "".join(shown)
    assert "2.0/2 fits" in "".join(shown)


def test_calling_repeatedly():
    calls = threading.Semaphore(0)
    with call_repeatedly(calls.release, 0.01):
        assert all(calls.acquire(timeout=30) for _ in range(3))
    n_threads = threading.active_count()
    with call_repeatedly(calls.release, 60):
        assert threading.active_count() == n_threads + 1
    assert threading.active_count() == n_threads

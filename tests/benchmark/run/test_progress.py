"""The bar names what runs, with its epochs, and counts parts of fits."""

import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from skorch.callbacks import Callback

from skd2ace.benchmark import Experiment, MLkNN
from skd2ace.benchmark.run import _progress
from skd2ace.benchmark.run._progress import Progress, repeating
from skd2ace.benchmark.run._store import Key
from skd2ace.benchmark.run._task import Task


def task(estimator, fold=0):
    return Task(Key("d", "net", fold, 0, ""), estimator, 0, None, None)


def bar():
    return closing(Progress("yeast (1/2)", 4, 1, is_shown=True))


def last_line(capsys):
    return capsys.readouterr().err.split("\r")[-1]


def test_epochs_are_parts_of_fits(clif, capsys):
    with bar() as progress:
        tells = [progress.begin(task(clif(max_epochs=10), fold)) for fold in range(3)]
        progress.draw()
        assert "net" not in last_line(capsys)
        for tell in tells[:2]:
            tell(0)
        progress.draw()
        line = last_line(capsys)
        assert "1.0/4 fits" in line
        assert "net · fold 1, net · fold 2" in line
        assert {key.fold for key in progress.begun()} == {0, 1}
        tells[0](2)
        tells[1](5)
        progress.draw()
        line = last_line(capsys)
        assert line.startswith("yeast (1/2):  42%|")
        assert "1.7/4 fits" in line
        assert "net · fold 1 · epoch 2, net · fold 2 · epoch 5" in line
        progress.end(Key("d", "net", 0, 0, ""))
        line = last_line(capsys)
        assert "2.5/4 fits" in line
        assert "fold 1" not in line


def test_plain_estimators_have_no_epochs(capsys):
    with bar() as progress:
        progress.begin(task(MLkNN(3)))(0)
        progress.draw()
        line = last_line(capsys)
        assert "1.0/4 fits" in line
        assert "net · fold 1" in line


def test_a_fit_on_another_machine(clif):
    with bar() as progress:
        tell = progress.begin(task(clif()))
        file = Path(tell.args[0])
        file.rename(f"{file}.away")
        tell(3)
        assert not file.exists()
        Path(f"{file}.away").rename(file)


def test_no_file_is_left(clif):
    with bar() as progress:
        file = Path(progress.begin(task(clif())).args[0])
        assert file.exists()
    assert not file.exists()


def waiting():
    """Make a callback; of a class that is pickled by value, as no worker can import this."""

    class Waits(Callback):
        """Waits before and after two epochs until the bar has been drawn."""

        def on_train_begin(self, net, **kwargs):
            time.sleep(1)

        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                time.sleep(1)

    return Waits()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_in_an_experiment(data, tmp_path, capsys, clif, n_jobs, monkeypatch):
    monkeypatch.setattr(_progress, "_IN_LOG", 0.1)
    methods = {"net": clif(callbacks=[waiting()])}
    Experiment({"d": data}, methods, 2, store=tmp_path / "s").run(n_jobs=n_jobs)
    shown = capsys.readouterr().err
    for fold in (1, 2):
        assert f"net · fold {fold} · epoch 2" in shown
    assert ("net · fold 1, net · fold 2" in shown) == (n_jobs == 2)
    assert "2.0/2 fits" in shown


def test_repeating():
    calls = threading.Semaphore(0)
    with repeating(calls.release, 0.01):
        assert all(calls.acquire(timeout=30) for _ in range(3))
    n_threads = threading.active_count()
    with repeating(calls.release, 60):
        assert threading.active_count() == n_threads + 1
    assert threading.active_count() == n_threads

"""Fits in several processes: nothing half done stored, nothing done twice, whoever dies."""

import gc
import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import suppress

import numpy as np
import pytest
from skorch.callbacks import Callback

from skd2ace.benchmark import Experiment, MLkNN, Store, __main__
from skd2ace.selection import D2ACE


class TurnsCtrlC(MLkNN):
    def fit(self, X, Y):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise RuntimeError("interrupted") from error


def test_ctrl_c_in_disguise(data, tmp_path):
    experiment = Experiment({"d": data}, {"m": TurnsCtrlC()}, 3, store=tmp_path / "s")
    with pytest.raises(KeyboardInterrupt):
        experiment.run(progress=False)
    assert len(experiment.failures()) == 0


class PressesCtrlC(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_stores_no_half_fit(data, tmp_path, clif):
    """Skorch alone would end the training early and go on with the next fit."""
    methods = {"knn": MLkNN(3), "net": clif(callbacks=[PressesCtrlC()])}
    experiment = Experiment({"d": data}, methods, 3, store=tmp_path / "s")
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        experiment.run(progress=False)
    assert signal.getsignal(signal.SIGINT) is handler
    assert experiment.store.results()["method"].tolist() == ["knn"]
    methods["net"] = clif()
    assert len(Experiment({"d": data}, methods, 3, store=tmp_path / "s").run(progress=False)) == 6


def test_ctrl_c_while_storing(data, tmp_path, monkeypatch):
    """The fits that run beside are ended then and there, not when joblib's generator is freed."""
    experiment = Experiment({"d": data}, {"knn": MLkNN(3)}, 5, store=tmp_path / "s")
    monkeypatch.setattr(experiment.store, "write", lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt) as caught:
        experiment.run(progress=False, n_jobs=2)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        del caught
        gc.collect()
    assert [str(each.message) for each in warned] == []


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_in_parallel(data, tmp_path, backend, clif):
    methods = {"net": clif(batch_selector=D2ACE(warmup_epochs=1)), "knn": MLkNN(3)}

    def run(name, **how):
        experiment = Experiment({"d": data}, methods, 3, store=tmp_path / name)
        return experiment.run(progress=False, **how)[["method", "fold", "macro_auc"]]

    one, two = run("one"), run("two", n_jobs=2, backend=backend)
    assert one[["method", "fold"]].equals(two[["method", "fold"]])
    # Workers may compute with another number of threads, which moves the last bits.
    np.testing.assert_allclose(one["macro_auc"], two["macro_auc"], rtol=0.02)


def lethal(unless=None):
    """Make a method that kills its process; pickled by value, as no worker can import this.

    It leaves the file ``unless`` behind, and does no harm where that is.
    """

    class Lethal(MLkNN):
        def fit(self, X, Y):
            if unless is not None and unless.exists():
                return super().fit(X, Y)
            if unless is not None:
                unless.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    return Lethal(3)


class CannotBeSent(MLkNN):
    def __reduce__(self):
        raise TypeError("it cannot be pickled")


def test_fits_that_are_lost_on_the_way(data, tmp_path):
    """They are stored as failed; those that ran beside them are not to blame."""
    methods = {"lethal": lethal(), "stays": CannotBeSent(3), "net": MLkNN(5), "knn": MLkNN(3)}
    experiment = Experiment({"d": data}, methods, 2, store=tmp_path / "s")
    results = experiment.run(progress=False, n_jobs=2)
    assert results["method"].value_counts().to_dict() == {"net": 2, "knn": 2}
    failures = experiment.failures()
    errors = failures.groupby("method")["error"]
    assert errors.count().to_dict() == {"lethal": 2, "stays": 2}
    assert "unexpectedly terminated" in errors.min()["lethal"]
    assert "it cannot be pickled" in errors.min()["stays"]


def test_no_workers_at_all(data, tmp_path):
    """What keeps every fit from beginning is no fit's fault."""
    experiment = Experiment({"d": data}, {"knn": MLkNN(3)}, 3, store=tmp_path / "s")
    with pytest.raises(ValueError, match="no_such_backend"):
        experiment.run(progress=False, backend="no_such_backend")
    assert len(experiment.failures()) == 0


@pytest.fixture
def scheduler():
    """Address of a Dask cluster of two processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_on_a_dask_cluster(data, tmp_path, clif, scheduler):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(scheduler):
        methods = {"net": clif(), "knn": MLkNN(3)}
        experiment = Experiment({"d": data}, methods, 3, store=tmp_path / "s")
        results = experiment.run(progress=False, backend="dask")
    assert len(results) == 6
    assert os.getpid() not in set(results["pid"])
    assert results["pid"].nunique() == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("always", [False, True])
def test_a_fit_that_kills_workers_of_a_dask_cluster(data, tmp_path, scheduler, always):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(scheduler):
        unless = None if always else tmp_path / "killed"
        methods = {"lethal": lethal(unless), "stays": CannotBeSent(3), "knn": MLkNN(3)}
        experiment = Experiment({"d": data}, methods, 2, store=tmp_path / "s")
        experiment.run(progress=False, backend="dask")
        errors = experiment.failures().groupby("method")["error"]
        # Dask may give up what waited on the same workers, too.
        kept = {name: method for name, method in methods.items() if name == "knn" or not always}
        harmless = Experiment({"d": data}, kept, 2, store=tmp_path / "s")
        harmless.retry_failed()
        results = harmless.run(progress=False, backend="dask")
    assert errors.count()["stays"] == 2
    assert "it cannot be pickled" in errors.min()["stays"]
    if always:
        assert errors.count()["lethal"] == 2
        assert "KilledWorker" in errors.min()["lethal"]
    expected = {"knn": 2} | ({} if always else {"lethal": 2})
    assert results["method"].value_counts().to_dict() == expected
    assert os.getpid() not in set(results["pid"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_command_on_a_dask_cluster(made_up, tmp_path, scheduler):
    path = tmp_path / "s"
    arguments = ["--datasets", "emotions", "--baselines", "mlknn", "logistic-regression"]
    dask = ["--backend", "dask", "--scheduler", scheduler]
    assert __main__.main(["run", *arguments, *dask, "--store", str(path), "--quiet"]) == 0
    results = Store(path).results()
    assert len(results) == 2 * 5
    assert os.getpid() not in set(results["pid"])


SLOW = """
import os, sys, time
import numpy as np
from skd2ace.benchmark import Experiment, MLkNN

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


SLOWLY_TWO = pytest.param(2, marks=pytest.mark.slow)


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
    return out.split().count("fit")


@pytest.mark.parametrize("n_jobs", [1, SLOWLY_TWO])
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


@pytest.mark.parametrize("n_jobs", [1, SLOWLY_TWO])
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
    assert list((tmp_path / "scratch").glob("epochs-*")) == []
    n_stored = len(store.results())
    (tmp_path / "go").touch()
    (process,) = slow()
    assert finish(process) == 10 - n_stored


@pytest.mark.parametrize("n_jobs", [1, SLOWLY_TWO])
def test_two_processes_share_the_work(tmp_path, slow, n_jobs):
    store = Store(tmp_path / "s")
    processes = slow(2, n_jobs)
    wait_until(lambda: store.running()["process"].nunique() == 2)
    (tmp_path / "go").touch()
    counts = [finish(process) for process in processes]
    assert sum(counts) == 10
    assert all(counts)
    assert len(store.results()) == 10

"""Fits in several processes: nothing half done stored, nothing done twice, whoever dies."""

import gc
import os
import signal
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from skorch.callbacks import Callback

from skd2ace.benchmark import Experiment, Store, __main__
from skd2ace.benchmark.run._task import run_task
from skd2ace.neighbors import MLkNN
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


@pytest.mark.slow
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


CLUSTER = """
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
"""


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """Address of a Dask cluster of two processes, which has a process and its children to itself.

    Threads that start workers anew stay out of this one, and nothing of it waits for them to end.
    """
    pytest.importorskip("distributed")
    (script := tmp_path_factory.mktemp("cluster") / "cluster.py").write_text(CLUSTER)
    pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    command = [sys.executable, str(script)]
    process = subprocess.Popen(command, **pipes, text=True, start_new_session=True)
    yield process.stdout.readline().strip()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


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
def test_what_cannot_be_sent_to_a_dask_cluster(data, tmp_path, scheduler):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(scheduler):
        methods = {"stays": CannotBeSent(3), "knn": MLkNN(3)}
        experiment = Experiment({"d": data}, methods, 2, store=tmp_path / "s")
        results = experiment.run(progress=False, backend="dask")
    assert results["method"].tolist() == ["knn", "knn"]
    errors = experiment.failures()["error"]
    assert errors.str.contains("it cannot be pickled").tolist() == [True, True]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_fits_that_kill_the_workers_of_a_dask_cluster(data, tmp_path, scheduler):
    """They are stored as failed, and whatever died with them is done again."""
    distributed = pytest.importorskip("distributed")
    methods = {"lethal": lethal(), "net": MLkNN(5), "knn": MLkNN(3)}
    experiment = Experiment({"d": data}, methods, 2, store=tmp_path / "s")
    with distributed.Client(scheduler):
        results = experiment.run(progress=False, backend="dask")
    assert results["method"].value_counts().to_dict() == {"net": 2, "knn": 2}
    failures = experiment.failures()
    assert failures["method"].tolist() == ["lethal", "lethal"]
    assert failures["error"].str.contains("KilledWorker").all()


def test_an_outcome_that_died_with_its_worker(data, tmp_path, monkeypatch):
    """A fit that has ended and cannot be read is sent again."""
    dask = pytest.importorskip("skd2ace.benchmark.run._dask")
    experiment = Experiment({"d": data}, {"knn": MLkNN(3)}, 2, store=tmp_path / "s")
    tasks = list(experiment._list_tasks("d", *data))
    sent, cancelled = [], []

    class Ended:
        """Of the first fit the outcome is lost, once; of the second the worker died."""

        def __init__(self, task):
            self.task = task
            sent.append(task)

        def result(self, timeout):
            if self.task is tasks[1]:
                raise RuntimeError("the worker died")
            if sent.count(self.task) == 1:
                raise TimeoutError
            return self.task.key, {"status": "ok"}

        def cancel(self):
            cancelled.append(self.task)

    client = SimpleNamespace(
        nthreads=lambda: {"worker": 1},
        submit=lambda function, task, *rest, pure: Ended(task),
        cancel=lambda futures: None,
    )
    monkeypatch.setattr(dask, "get_client", lambda: client)
    monkeypatch.setattr(dask, "wait", lambda futures, **_: SimpleNamespace(done=set(futures)))
    calls = ((run_task, (task, data, {}, None), {}) for task in tasks)
    (first, done), (second, failed) = dask.run_on_cluster(calls)
    assert (first, second) == (tasks[0].key, tasks[1].key)
    assert done == {"status": "ok"}
    assert failed["status"] == "failed"
    assert "RuntimeError: the worker died" in failed["error"]
    assert sent == [tasks[0], tasks[0], tasks[1]]
    assert cancelled == [tasks[0]]


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_without_workers(data, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("skd2ace.benchmark.run._dask")
    monkeypatch.setattr(dask, "_LOOK", 0.05)
    monkeypatch.setattr(dask, "_PATIENCE", 0.2)
    experiment = Experiment({"d": data}, {"knn": MLkNN(3)}, 2, store=tmp_path / "s")
    settings = {"n_workers": 0, "processes": False, "dashboard_address": None}
    with (
        distributed.LocalCluster(**settings) as cluster,
        distributed.Client(cluster),
        pytest.raises(RuntimeError, match=r"has had no worker for .*knn.*Start workers"),
    ):
        experiment.run(progress=False, backend="dask")
    assert len(experiment.failures()) == 0


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

"""Fits in several processes: nothing half done stored, nothing done twice, whoever dies."""

import gc
import os
import signal
import warnings
from concurrent.futures import Future
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


@pytest.fixture(scope="module")
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
def test_what_cannot_be_sent_to_a_dask_cluster(data, tmp_path, scheduler):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(scheduler):
        methods = {"stays": CannotBeSent(3), "knn": MLkNN(3)}
        experiment = Experiment({"d": data}, methods, 2, store=tmp_path / "s")
        results = experiment.run(progress=False, backend="dask")
    assert results["method"].tolist() == ["knn", "knn"]
    errors = experiment.failures()["error"]
    assert errors.str.contains("it cannot be pickled").tolist() == [True, True]


def test_a_fit_that_dask_gives_up(data, tmp_path, monkeypatch):
    """Of a worker's death joblib is told as of the end of a fit that failed."""
    dask = pytest.importorskip("skd2ace.benchmark.run._dask")
    lost = Future()
    monkeypatch.setattr(dask.DaskDistributedBackend, "submit", lambda *_: lost)
    experiment = Experiment({"d": data}, {"knn": MLkNN(3)}, 2, store=tmp_path / "s")
    task = next(experiment._list_tasks("d", *data))
    batch = SimpleNamespace(items=[(run_task, (task, data, {}, None), {})])
    told = []
    dask.Cluster.submit(object.__new__(dask.Cluster), batch, told.extend)
    assert told == []
    lost.set_exception(RuntimeError("the worker died"))
    ((key, record),) = told
    assert (key, record["status"]) == (task.key, "failed")
    assert "RuntimeError: the worker died" in record["error"]


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

"""Fits in several processes: nothing half done stored, nothing done twice, whoever dies."""

import os
import signal
import subprocess
import sys
import time

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


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_fit_that_kills_its_process(data, tmp_path):
    """It is stored as failed; those that ran beside it are not to blame."""
    methods = {"lethal": lethal(), "net": MLkNN(5), "knn": MLkNN(3)}
    experiment = Experiment({"d": data}, methods, 3, store=tmp_path / "s")
    results = experiment.run(progress=False, n_jobs=2)
    assert results["method"].value_counts().to_dict() == {"net": 3, "knn": 3}
    failures = experiment.failures()
    assert failures[["method", "fold"]].to_numpy().tolist() == [
        ["lethal", fold] for fold in range(3)
    ]
    assert failures["error"].str.contains("died").all()


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
def test_a_worker_of_a_dask_cluster_dies(data, tmp_path, scheduler):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(scheduler):
        methods = {"lethal once": lethal(unless=tmp_path / "killed"), "knn": MLkNN(3)}
        experiment = Experiment({"d": data}, methods, 3, store=tmp_path / "s")
        assert len(experiment.run(progress=False, backend="dask")) == 6


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_command_on_a_dask_cluster(data, tmp_path, monkeypatch, scheduler):
    monkeypatch.setattr(__main__, "fetch_mulan", lambda name, **_: data)
    path = tmp_path / "s"
    arguments = ["--datasets", "emotions", "--baselines", "mlknn", "logistic-regression"]
    dask = ["--backend", "dask", "--scheduler", scheduler]
    assert __main__.main(["run", *arguments, *dask, "--store", str(path), "--quiet"]) == 0
    results = Store(path).results()
    assert len(results) == 2 * 5
    assert os.getpid() not in set(results["pid"])


SLOW = """
import sys, time
import numpy as np
from sklearn.dummy import DummyClassifier
from skd2ace.benchmark import Experiment, MLkNN

class Slow(MLkNN):
    def fit(self, X, Y):
        print("fit", flush=True)
        time.sleep(0.3)
        return super().fit(X, Y)

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 8))
Y = (X[:, :4] > 0).astype(int)
Experiment({"d": (X, Y)}, {"slow": Slow(3)}, 10, store=sys.argv[1]).run(progress=False)
"""


def start_slow(tmp_path):
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    command = [sys.executable, str(script), str(tmp_path / "s")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_killed_in_the_middle(tmp_path):
    process = start_slow(tmp_path)
    for _ in range(3):
        process.stdout.readline()
    time.sleep(0.1)
    process.kill()
    process.communicate()
    stored = Store(tmp_path / "s").results()
    assert len(stored) == 2
    process = start_slow(tmp_path)
    out, _ = process.communicate(timeout=120)
    assert out.split() == ["fit"] * 8
    results = Store(tmp_path / "s").results()
    assert sorted(results["fold"]) == list(range(10))
    # The stored ones are as they were.
    assert results.merge(stored[["fold", "fit_seconds"]], on=["fold", "fit_seconds"]).shape[0] == 2


def test_two_processes_share_the_work(tmp_path):
    processes = [start_slow(tmp_path) for _ in range(2)]
    outs = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(outs[0]) + len(outs[1]) == 10
    assert len(Store(tmp_path / "s").results()) == 10

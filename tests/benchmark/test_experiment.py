"""An experiment: same folds and seeds for all, nothing done twice, nothing half done stored."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold
from skorch.callbacks import Callback

from skd2ace import CLIFClassifier
from skd2ace.benchmark import Experiment, MLkNN, Store, make_methods
from skd2ace.benchmark._methods import BASELINES, SELECTORS
from skd2ace.benchmark._task import label_probabilities
from skd2ace.metrics import macro_auc, macro_f1
from skd2ace.selection import D2ACE


def clif(**params):
    small = {"module__hidden_size": 16, "module__embedding_size": 8, "max_epochs": 3, "verbose": 0}
    return CLIFClassifier(**(small | params))


@pytest.fixture
def datasets(data):
    X, Y = data
    sparse = scipy.sparse.csr_array(np.where(X > 0, X, 0))
    return {"dense": (X, Y), "sparse": lambda: (sparse, scipy.sparse.csr_array(Y))}


SEEN = []


class SeesFolds(ClassifierMixin, BaseEstimator):
    """Notes in SEEN what it is given."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, Y):
        SEEN.append((X.tobytes(), Y.tobytes(), self.random_state))
        self.rate_ = Y.mean(0)
        return self

    def predict_proba(self, X):
        return np.tile(self.rate_, (len(X), 1))

    def predict(self, X):
        return (self.predict_proba(X) > 0.5).astype(int)


def test_same_folds_and_seeds_for_all(data, tmp_path):
    SEEN.clear()
    methods = {"one": SeesFolds(), "two": SeesFolds()}
    Experiment({"d": data}, methods, 3, n_seeds=2, store=tmp_path / "s").run(progress=False)
    first, second = SEEN[::2], SEEN[1::2]
    assert first == second
    assert len({(X, Y) for X, Y, _ in first}) == 3
    assert len({seed for *_, seed in first}) == 6
    # Scaled by the training part.
    X = np.frombuffer(first[0][0]).reshape(-1, 8)
    np.testing.assert_allclose([X.min(0), X.max(0)], [np.zeros(8), np.ones(8)], atol=1e-12)


def test_what_is_stored(datasets, tmp_path):
    methods = {"net": clif(batch_selector=D2ACE(warmup_epochs=1)), "knn": MLkNN(3)}
    results = Experiment(datasets, methods, 3, store=tmp_path / "s").run(progress=False)
    assert len(results) == 2 * 2 * 3
    assert results["macro_auc"].between(0, 1).all()
    nets = results[results["method"] == "net"]
    assert nets["best_epoch"].between(1, 3).all()
    assert (nets["selection_seconds"] < nets["fit_seconds"]).all()
    assert (nets["selection_seconds"] > 0).all()
    assert results["peak_memory_mb"].between(50, 20_000).all()
    assert results["versions"].map(lambda versions: "torch" in versions).all()
    assert set(results["device"]) == {"cpu"}
    assert (results["n_train"] + results["n_test"] == 60).all()
    curves = Store(tmp_path / "s").curves()
    assert curves.groupby(["dataset", "fold"])["epoch"].max().tolist() == [3] * 6


def test_scores_are_those_of_the_fit(data, tmp_path):
    X, Y = data
    folds = KFold(3, shuffle=True, random_state=0)
    metrics = {"auc": macro_auc, "f1": macro_f1}
    forest = {"forest": RandomForestClassifier(20)}
    experiment = Experiment({"d": data}, forest, folds, metrics, store=tmp_path / "s")
    results = experiment.run(progress=False)
    for task, (_, row) in zip(experiment.tasks("d", X, Y), results.iterrows(), strict=True):
        est = RandomForestClassifier(20, random_state=task.random_state)
        est.fit(X[task.train], Y[task.train])
        proba = label_probabilities(est, X[task.test])
        assert proba.shape == (20, 4)
        assert row["auc"] == pytest.approx(macro_auc(Y[task.test], proba))
        assert row["f1"] == pytest.approx(macro_f1(Y[task.test], est.predict(X[task.test])))


def test_probabilities_of_labels_of_one_class(data):
    X, Y = data
    Y = np.column_stack([Y[:, 0], np.zeros(60), np.ones(60)]).astype(int)
    est = RandomForestClassifier(5, random_state=0).fit(X, Y)
    proba = label_probabilities(est, X)
    np.testing.assert_array_equal(proba[:, 1:], np.tile([0, 1], (60, 1)))
    np.testing.assert_array_equal(proba[:, 0], est.predict_proba(X)[0][:, 1])


def test_nothing_is_done_twice(data, tmp_path):
    def run(**changes):
        SEEN.clear()
        given = {"methods": {"one": SeesFolds()}, "cv": 3, "store": tmp_path / "s"} | changes
        results = Experiment({"d": data}, **given).run(progress=False)
        return len(SEEN), len(results)

    assert run() == (3, 3)
    assert run() == (0, 3)
    assert run(methods={"one": SeesFolds(), "two": SeesFolds()}) == (3, 6)
    assert run(n_seeds=2) == (3, 6)
    # Other settings are other fits, and results are those of the settings asked for.
    assert run(cv=4) == (4, 4)
    assert run(random_state=1) == (3, 3)
    assert run(methods={"one": SeesFolds(3)}) == (3, 3)


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


class Fails(DummyClassifier):
    def fit(self, X, Y, sample_weight=None):
        raise RuntimeError("it does not fit")


def test_a_failure_is_stored_and_the_rest_goes_on(data, tmp_path):
    methods = {"fails": Fails(), "knn": MLkNN(3)}
    experiment = Experiment({"d": data}, methods, 3, store=tmp_path / "s")
    assert set(experiment.run(progress=False)["method"]) == {"knn"}
    failures = experiment.failures()
    assert len(failures) == 3
    assert failures["error"].str.contains("RuntimeError: it does not fit").all()
    # Those of others stay.
    Experiment({"d": data}, {"knn": MLkNN(3)}, 3, store=tmp_path / "s").retry_failed()
    assert len(experiment.failures()) == 3
    experiment.retry_failed()
    assert len(experiment.failures()) == 0


class PressesCtrlC(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_stores_no_half_fit(data, tmp_path):
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
def test_in_parallel(data, tmp_path, backend):
    methods = {"net": clif(batch_selector=D2ACE(warmup_epochs=1)), "knn": MLkNN(3)}

    def run(name, **how):
        experiment = Experiment({"d": data}, methods, 3, store=tmp_path / name)
        return experiment.run(progress=False, **how)[["method", "fold", "macro_auc"]]

    one, two = run("one"), run("two", n_jobs=2, backend=backend)
    assert one[["method", "fold"]].equals(two[["method", "fold"]])
    # Workers may compute with another number of threads, which moves the last bits.
    np.testing.assert_allclose(one["macro_auc"], two["macro_auc"], rtol=0.02)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_on_a_dask_cluster(data, tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        methods = {"net": clif(), "knn": MLkNN(3)}
        experiment = Experiment({"d": data}, methods, 3, store=tmp_path / "s")
        results = experiment.run(progress=False, n_jobs=2, backend="dask")
    assert len(results) == 6
    machines = {row["pid"] for row in results.to_dict("records")}
    assert os.getpid() not in machines
    assert len(machines) == 2


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


def test_methods_by_name(data, tmp_path):
    methods = make_methods(["clif"], SELECTORS, BASELINES, max_epochs=12)
    assert len(methods) == len(SELECTORS) + len(BASELINES)
    kinds = {type(est.batch_selector).__name__ for est in methods.values() if is_net(est)}
    assert len(kinds) == len(SELECTORS) - 1
    for name, est in methods.items():
        if is_net(est):
            est.set_params(module__hidden_size=16, module__embedding_size=8, batch_size=16)
            assert est.max_epochs == 12, name
    results = Experiment({"d": data}, methods, 2, store=tmp_path / "s").run(progress=False)
    assert len(results) == 2 * len(methods)


def is_net(est):
    return isinstance(est, CLIFClassifier)


def test_progress_names_what_runs(data, tmp_path, capsys):
    Experiment({"d": data}, {"net": clif()}, 3, store=tmp_path / "s").run()
    shown = capsys.readouterr().err
    assert "net · fold 2 · epoch 3" in shown
    assert "3/3" in shown


def test_the_store_is_one_file_when_nobody_uses_it(data, tmp_path):
    Experiment({"d": data}, {"knn": MLkNN(3)}, 3, store=tmp_path / "s").run(progress=False)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["s"]

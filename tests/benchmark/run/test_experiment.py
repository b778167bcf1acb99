"""An experiment: same folds and seeds for all, nothing done twice, failures kept."""

import gc
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold

from skd2ace import CLIFClassifier
from skd2ace.benchmark import Experiment, Store, make_methods
from skd2ace.benchmark.run import _experiment
from skd2ace.benchmark.run._baselines import BASELINES, find_missing
from skd2ace.benchmark.run._data import digest_values
from skd2ace.benchmark.run._methods import SELECTORS
from skd2ace.benchmark.run._scoring import predict_label_probabilities
from skd2ace.metrics import macro_auc, macro_f1
from skd2ace.neighbors import MLkNN
from skd2ace.selection import D2ACE


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


def test_what_is_stored(datasets, tmp_path, clif):
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
    assert (results["predict_seconds"] > 0).all()
    # None where the package is installed, or unpacked, without git.
    assert results["git_commit"].fillna("0" * 40).str.fullmatch("[0-9a-f]{40}(-dirty)?").all()
    # One split for each fold of a data set, whatever the method.
    splits = results.groupby(["dataset", "fold"])["split"].nunique()
    assert (splits == 1).all()
    assert results["split"].nunique() == 3
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
    for task, (_, row) in zip(experiment._list_tasks("d", X, Y), results.iterrows(), strict=True):
        est = RandomForestClassifier(20, random_state=task.random_state)
        est.fit(X[task.train], Y[task.train])
        proba = predict_label_probabilities(est, X[task.test])
        assert proba.shape == (20, 4)
        assert row["auc"] == pytest.approx(macro_auc(Y[task.test], proba))
        assert row["f1"] == pytest.approx(macro_f1(Y[task.test], est.predict(X[task.test])))


def test_probabilities_of_labels_of_one_class(data):
    X, Y = data
    Y = np.column_stack([Y[:, 0], np.zeros(60), np.ones(60)]).astype(int)
    est = RandomForestClassifier(5, random_state=0).fit(X, Y)
    proba = predict_label_probabilities(est, X)
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


def test_slow_methods_have_one_fit_of_large_sets(data, monkeypatch):
    X, Y = data
    methods = {"knn": MLkNN(3), "slow": MLkNN(5)}
    monkeypatch.setattr(_experiment, "_MANY_CELLS", Y.size)
    sets = {"large": (X, Y), "small": (X[1:], Y[1:])}
    experiment = Experiment(sets, methods, 3, n_seeds=2, slow=["slow"])
    n_fits = experiment.run(progress=False).groupby(["dataset", "method"]).size().to_dict()
    others = {("large", "knn"): 6, ("small", "knn"): 6, ("small", "slow"): 6}
    assert n_fits == {("large", "slow"): 1} | others
    # What it is part of has the same fit.
    whole = Experiment(sets, methods, 3, n_seeds=2, store=experiment.store).run(progress=False)
    assert len(whole) == 24
    with pytest.raises(ValueError, match="there is no 'clif'"):
        Experiment(sets, methods, slow=["clif"])


# The published code's schedule is that of 100 epochs.
@pytest.mark.filterwarnings(r"ignore:D2ACE. mix_epochs=\(10, 70\) lies beyond the 12 epochs")
def test_methods_by_name(data, tmp_path):
    baselines = BASELINES.keys() - find_missing(BASELINES)
    methods = make_methods(["clif"], SELECTORS, baselines, max_epochs=12)
    assert len(methods) == len(SELECTORS) + len(baselines)
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


def test_the_store_is_one_file_when_nobody_uses_it(data, tmp_path):
    Experiment({"d": data}, {"knn": MLkNN(3)}, 3, store=tmp_path / "s").run(progress=False)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["s"]


def test_metrics_go_by_the_names_of_their_functions():
    metrics = Experiment({}, {}).metrics
    assert {name: metric.__name__ for name, metric in metrics.items()} == {n: n for n in metrics}
    assert {"macro_auc", "coverage_error", "label_ranking_loss"} < metrics.keys()


def test_without_a_store(data):
    """Results are kept as long as the experiment, and the disk is as before then."""
    experiment = Experiment({"d": data}, {"knn": MLkNN(3)}, 3)
    folder = experiment.store.path.parent
    assert len(experiment.run(progress=False)) == 3
    assert len(Store(experiment.store.path).results()) == 3
    del experiment
    gc.collect()
    assert not folder.exists()


def test_metrics_must_say_what_they_are_of(data, tmp_path):
    with pytest.raises(ValueError, match="must name its second parameter y_score or y_pred"):
        Experiment({"d": data}, {}, 3, {"m": lambda a, b: 0.0}, store=tmp_path / "s")
    with pytest.raises(ValueError, match="and names it ''"):
        Experiment({"d": data}, {}, 3, {"m": lambda a: 0.0}, store=tmp_path / "s")


def test_fits_of_other_processes_are_left_to_them(data, tmp_path):
    experiment = Experiment({"d": data}, {"m": MLkNN(3)}, 3, store=tmp_path / "s")
    task = next(experiment._list_tasks("d", *data))
    experiment.store.identify("d", digest_values(*data))
    experiment.store.claim(task.key)
    with sqlite3.connect(tmp_path / "s") as db:
        db.execute("UPDATE running SET host = 'elsewhere'")
    assert experiment.run(progress=False)["fold"].tolist() == [1, 2]
    running = experiment.running()
    assert running[["fold", "host"]].to_numpy().tolist() == [[0, "elsewhere"]]


def test_data_in_many_forms(data, tmp_path):
    X, Y = data
    X = np.where(X > 0, X, 0)
    forms = {
        "arrays": (X, Y),
        "lists": (X.tolist(), Y.tolist()),
        "frames": (pd.DataFrame(X), pd.DataFrame(Y)),
        "lists of lists": (scipy.sparse.lil_array(X), scipy.sparse.lil_array(Y)),
        "coordinates": (scipy.sparse.coo_array(X), scipy.sparse.coo_array(Y)),
    }
    experiment = Experiment(forms, {"m": MLkNN(3)}, 3, store=tmp_path / "s")
    results = experiment.run(progress=False)
    assert len(experiment.failures()) == 0
    scores = results.pivot(index="fold", columns="dataset", values="macro_auc")
    for name in ("lists", "frames"):
        assert scores[name].equals(scores["arrays"]), name
    assert scores["coordinates"].equals(scores["lists of lists"])


def test_data_is_known_by_its_values(data, tmp_path):
    X, Y = data

    def run(X, Y):
        experiment = Experiment({"d": (X, Y)}, {"m": MLkNN(3)}, 3, store=tmp_path / "s")
        return len(experiment.run(progress=False))

    sparse = scipy.sparse.csr_array(X)
    assert run(sparse, Y) == 3
    # The same in another order, and in other types.
    assert run(scipy.sparse.csc_matrix(X), Y.astype(bool)) == 3
    assert run(scipy.sparse.coo_array(X), Y.astype(np.float32)) == 3
    with pytest.raises(ValueError, match="fits of other data called 'd'"):
        run(X, Y)
    sparse.data[0] += 1
    with pytest.raises(ValueError, match="fits of other data called 'd'"):
        run(sparse, Y)
    with pytest.raises(ValueError, match="fits of other data called 'd'"):
        run(X, Y[:, ::-1])


def test_data_that_cannot_be_used(data, tmp_path, capsys):
    X, Y = data

    def missing():
        raise FileNotFoundError("there is no such file")

    datasets = {
        "missing": missing,
        "one label": (X, Y[:, :1]),
        "flat": (X, Y[:, 0]),
        "uneven": (X, Y[1:]),
        "counts": (X, Y + 1),
        "fewer rows than folds": (X[:2], Y[:2]),
        "good": data,
    }
    experiment = Experiment(datasets, {"m": MLkNN(3)}, 3, store=tmp_path / "s")
    with pytest.raises(ValueError, match=r"^Left out: missing: there is no such file; one label: "):
        experiment.run()
    # Said before the others run, which takes its time.
    assert "missing is left out: there is no such file" in capsys.readouterr().err
    assert experiment.results()["dataset"].tolist() == ["good"] * 3

"""Stores of version 3, which 0.1.0 wrote: opened, whole, and gone on with."""

import json
import multiprocessing
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import label_ranking_loss
from sklearn.model_selection import KFold

from skd2ace import CLIFClassifier
from skd2ace.benchmark import Experiment, Store, make_methods
from skd2ace.benchmark.run._keys import Key
from skd2ace.benchmark.run._process import find_start
from skd2ace.metrics import macro_auc
from skd2ace.neighbors import MLkNN

FOLDER = Path(__file__).parents[2] / "data" / "saved_by_0_1_0"
RENAMED = {
    "coverage": "coverage_error",
    "ranking_loss": "label_ranking_loss",
    "label_ranking_average_precision": "label_ranking_average_precision_score",
}


def read_rows(path, table="fits"):
    """Rows of a file as they are, whatever its version."""
    with sqlite3.connect(path) as db:
        cursor = db.execute(f"SELECT * FROM {table}")
        names = [column for column, *_ in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def read_version(path):
    with sqlite3.connect(path) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


@pytest.fixture
def old(tmp_path):
    return Path(shutil.copy(FOLDER / "store_v3.sqlite", tmp_path / "old.sqlite"))


@pytest.fixture
def experiment(old):
    with np.load(FOLDER / "expected.npz") as arrays:
        data = arrays["X"], arrays["Y"]
    methods = make_methods(["clif"], ["random", "d2ace"], ["mlknn"], max_epochs=2)
    # The defaults of that time.
    methods["clif d2ace"].set_params(
        batch_selector__warmup_epochs=10, batch_selector__mix_epochs=(30, 70)
    )
    return lambda: Experiment({"made up": data}, methods, cv=3, store=old)


def test_all_is_there(old):
    rows = [{**row, **json.loads(row["record"])} for row in read_rows(old)]
    store = Store(old)
    assert read_version(old) == 4
    results = store.results()
    assert len(results) == len(rows) == 9
    for row in rows:
        key = (results[name] == row[name] for name in ("dataset", "method", "fold", "seed"))
        (found,) = results[np.logical_and.reduce([*key])].to_dict("records")
        # What is told otherwise: the settings, with their digest.
        for name in row.keys() - {"record", "metrics", "curve", "described", "settings"}:
            assert found[name] == row[name] or (row[name] is None and pd.isna(found[name])), name
        for name, score in row["metrics"].items():
            assert found[RENAMED.get(name, name)] == score
    assert not RENAMED.keys() & set(results)
    curves = store.curves().groupby(["method", "fold"])["valid_macro_auc"].agg(list).to_dict()
    assert curves == {(row["method"], row["fold"]): row["curve"] for row in rows if row["curve"]}
    (claim,) = store.running().to_dict("records")
    assert (claim["method"], claim["host"], claim["process"]) == ("lost", "elsewhere", 1)
    assert pd.isna(claim["epoch"])
    assert len(store.failures()) == 0


def test_a_failure_stays_one(old):
    with sqlite3.connect(old) as db:
        record = json.loads(db.execute("SELECT record FROM fits").fetchone()[0])
        failed = {"status": "failed", "error": "Traceback: no", "described": record["described"]}
        db.execute(
            "UPDATE fits SET status = 'failed', record = ? WHERE method = 'mlknn' AND fold = 1",
            (json.dumps(failed),),
        )
    failures = Store(old).failures()
    assert failures[["method", "fold", "error"]].to_numpy().tolist() == [
        ["mlknn", 1, "Traceback: no"]
    ]


def test_the_experiment_goes_on(experiment, monkeypatch):
    """Nothing is done again: no estimator may be fitted."""
    for kind in (CLIFClassifier, MLkNN):
        monkeypatch.setattr(kind, "fit", None)
    results = experiment().run(progress=False)
    assert len(results) == 9
    assert len(experiment().failures()) == 0
    assert results.groupby("method")["coverage_error"].count().to_dict() == {
        "clif d2ace": 3,
        "clif random": 3,
        "mlknn": 3,
    }


def test_other_settings_are_still_other_fits(experiment):
    one = experiment()
    one.methods = {"mlknn": MLkNN(9), "clif random": one.methods["clif random"]}
    assert one.results()["method"].unique().tolist() == ["clif random"]
    one.random_state = 1
    assert one.results().empty


# What 0.1.0 wrote of an experiment with metrics and folds of its own.
OWN = (
    '[{"MLkNN": {"n_neighbors": 3, "smoothing": 1.0}}, {"repr": ["KFold(n_splits=3, '
    'random_state=None, shuffle=False)", {"dict": [["n_splits", 3], ["shuffle", false], '
    '["random_state", null]]}]}, 7, {"dict": [["rank", {"name": '
    '"sklearn.metrics._ranking.label_ranking_loss"}], ["auc", {"name": '
    '"skd2ace.metrics._ranking.macro_auc"}]]}]'
)


def insert_own(path, described, settings, scores):
    record = {"status": "ok", "metrics": scores, "curve": [], "described": described}
    with sqlite3.connect(path) as db:
        values = ("d", "knn", 0, 0, settings, "ok", json.dumps(record))
        db.execute("INSERT INTO fits VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def test_metrics_of_ones_own_keep_their_names(old):
    insert_own(old, OWN, "ddd82c67619144b0", {"rank": 0.2, "auc": 0.8})
    metrics = {"rank": label_ranking_loss, "auc": macro_auc}
    for given in (metrics, dict(reversed(metrics.items()))):
        own = Experiment({"d": None}, {"knn": MLkNN(3)}, KFold(3), given, random_state=7, store=old)
        assert own.results()[["rank", "auc"]].to_numpy().tolist() == [[0.2, 0.8]]


def test_one_fit_stored_twice_stays_once(old):
    """The order in which metrics are given makes no other fit any more."""
    *parts, metrics = json.loads(OWN)
    metrics["dict"].reverse()
    insert_own(old, OWN, "ddd82c67619144b0", {"rank": 0.2, "auc": 0.8})
    insert_own(old, json.dumps([*parts, metrics]), "other", {"auc": 0.8, "rank": 0.2})
    assert len(Store(old).results().query("dataset == 'd'")) == 1


def test_what_others_wrote_is_left_as_it_is(old):
    """A script may have stored a record of its own, without settings."""
    with sqlite3.connect(old) as db:
        record = json.dumps({"status": "ok", "metrics": {"coverage": 1.0}, "curve": []})
        db.execute("INSERT INTO fits VALUES ('d', 'm', 0, 0, 'abc', 'ok', ?)", (record,))
    store = Store(old)
    assert store.status(Key("d", "m", 0, 0, "abc")) == "ok"
    assert store.results().query("dataset == 'd'")["coverage"].tolist() == [1.0]


def open_store(path, barrier):
    barrier.wait(60)
    assert len(Store(path).results()) == 9


def test_two_processes_open_it_at_once(old):
    context = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    for number in range(10):
        path = shutil.copy(old, f"{old}-{number}")
        barrier = context.Barrier(3)
        openers = [context.Process(target=open_store, args=(path, barrier)) for _ in range(3)]
        for opener in openers:
            opener.start()
        for opener in openers:
            opener.join(60)
        assert [opener.exitcode for opener in openers] == [0, 0, 0]
        assert read_version(path) == 4


KILLED = """
import os, signal, sys
from skd2ace.benchmark import Store
from skd2ace.benchmark.run import _migration

migrate_fit, seen = _migration._migrate_fit, []

def die_in_the_middle(*given):
    migrate_fit(*given)
    seen.append(given)
    if len(seen) == 5:
        os.kill(os.getpid(), signal.SIGKILL)

_migration._migrate_fit = die_in_the_middle
Store(sys.argv[1])
"""


def test_killed_in_the_middle(old, experiment):
    before = read_rows(old)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(old)], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert read_version(old) == 3
    assert read_rows(old) == before
    assert "epoch" not in read_rows(old, "running")[0]
    assert len(experiment().results()) == 9


def test_not_while_the_old_version_runs(old):
    """It would go on writing as it knows, into tables that are others now."""
    with sqlite3.connect(old) as db:
        db.execute(
            "UPDATE running SET host = ?, process = ?, started = ?, seen = ?",
            (socket.gethostname(), os.getpid(), find_start(os.getpid()), time.time()),
        )
    with pytest.raises(ValueError, match=f"version 3, and process {os.getpid()} on .* does fits"):
        Store(old)
    assert read_version(old) == 3


@pytest.mark.parametrize("version", [1, 2, 5])
def test_versions_that_are_not_known(old, version):
    with sqlite3.connect(old) as db:
        db.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(ValueError, match=f"version {version}; this skd2ace has 4, and reads 3"):
        Store(old)

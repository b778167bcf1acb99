"""The store keeps what was written, whole, from several processes, in one version."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from skd2ace.benchmark.run._keys import Key
from skd2ace.benchmark.run._process import PATIENCE
from skd2ace.benchmark.run._store import Store

KEY = Key("yeast", "clif", 0, 0, "abc")
RECORD = {
    "status": "ok",
    "metrics": {"macro_auc": 0.5, "macro_f1": float("nan")},
    "curve": [0.4, None, 0.5],
    "fit_seconds": 1.5,
}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store.sqlite")


def test_round_trip(store):
    store.write(KEY, RECORD)
    store.write(KEY._replace(fold=1), {"status": "failed", "error": "Traceback: no"})
    again = Store(store.path)
    (row,) = again.results().to_dict("records")
    assert (row["dataset"], row["method"], row["fold"], row["seed"]) == KEY[:4]
    assert (row["macro_auc"], row["fit_seconds"], row["status"]) == (0.5, 1.5, "ok")
    assert pd.isna(row["macro_f1"])
    assert again.curves()["epoch"].tolist() == [1, 2, 3]
    assert again.curves()["valid_macro_auc"].dropna().tolist() == [0.4, 0.5]
    (failed,) = again.failures().to_dict("records")
    assert (failed["fold"], failed["error"]) == (1, "Traceback: no")
    assert again.status(KEY) == "ok"
    assert again.status(KEY._replace(seed=3)) is None


def test_the_first_of_two_records_stands(store):
    store.write(KEY, RECORD)
    store.write(KEY, RECORD | {"fit_seconds": 9.0})
    assert store.results()["fit_seconds"].tolist() == [1.5]


def test_forgotten_fits(store):
    for fold in range(3):
        store.write(KEY._replace(fold=fold), RECORD)
    store.forget([KEY, KEY._replace(fold=2)])
    assert store.results()["fold"].tolist() == [1]


def test_numbers_of_numpy(store):
    store.write(KEY, RECORD | {"best_epoch": np.int64(3), "metrics": {"auc": np.float32(0.5)}})
    assert store.results()[["best_epoch", "auc"]].to_numpy().tolist() == [[3, 0.5]]


CLAIM = """
import sys
from skd2ace.benchmark.run._keys import Key
from skd2ace.benchmark.run._store import Store

store = Store(sys.argv[1])
print([store.claim(Key("yeast", "clif", fold, 0, "abc")) for fold in (0, 1)])
"""


def test_claims(store):
    """Nobody may have a stored fit, nobody else that of a live process, anybody a dead one's."""
    assert store.claim(KEY)
    assert store.claim(KEY)
    command = [sys.executable, "-c", CLAIM, str(store.path)]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    assert child.stdout == "[False, True]\n"
    assert store.claim(KEY._replace(fold=1))
    store.write(KEY, RECORD)
    assert not store.claim(KEY)
    store.release()
    with sqlite3.connect(store.path) as db:
        assert db.execute("SELECT count(*) FROM running").fetchone() == (0,)


def test_a_claim_of_a_process_that_had_the_same_number(store):
    store.claim(KEY)
    with sqlite3.connect(store.path) as db:
        # Another live process, and the same number under an earlier start of the machine.
        db.execute("UPDATE running SET process = ?, started = 1", (os.getppid(),))
    assert store.claim(KEY)


def test_a_claim_of_another_machine(store):
    """It stands while its process says that it lives."""
    store.claim(KEY)
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE running SET host = 'elsewhere'")
    assert not store.claim(KEY)
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE running SET seen = seen - ?", (PATIENCE + 1,))
    assert store.claim(KEY)


def test_signs_of_life(store):
    other = KEY._replace(fold=1)
    for key in (KEY, other):
        store.claim(key)
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE running SET seen = 1")
        db.execute("UPDATE running SET host = 'elsewhere' WHERE fold = 1")
    store.renew()
    with sqlite3.connect(store.path) as db:
        seen = dict(db.execute("SELECT fold, seen FROM running"))
    assert seen[0] == pytest.approx(time.time(), abs=60)
    assert seen[1] == 1


def test_a_store_that_is_locked_for_long(store, monkeypatch):
    """The next sign of life will do."""

    def locked():
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(store, "_transaction", locked)
    store.renew()


def test_other_data_of_the_same_name(store):
    store.identify("yeast", "abc")
    # Nothing was done with the first.
    store.identify("yeast", "xyz")
    store.write(KEY, RECORD)
    store.identify("yeast", "xyz")
    store.identify("scene", "abc")
    with pytest.raises(ValueError, match="fits of other data called 'yeast'"):
        store.identify("yeast", "abc")


def test_other_data_while_the_first_fit_runs(store):
    store.identify("yeast", "abc")
    store.claim(KEY)
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE running SET host = 'elsewhere'")
    with pytest.raises(ValueError, match="fits of other data called 'yeast'"):
        store.identify("yeast", "xyz")
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE running SET seen = seen - ?", (PATIENCE + 1,))
    store.identify("yeast", "xyz")


def open_many(path):
    for number in range(30):
        Store(f"{path}-{number}").write(KEY, RECORD)


def test_two_processes_make_the_same_store(tmp_path):
    context = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    openers = [context.Process(target=open_many, args=(tmp_path / "s",)) for _ in range(3)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(60)
    assert [opener.exitcode for opener in openers] == [0, 0, 0]


def test_killed_while_it_was_made(tmp_path):
    """Nothing of a half-made store is there to be found."""
    sqlite3.connect(tmp_path / "s").execute("PRAGMA journal_mode = WAL").close()
    assert len(Store(tmp_path / "s").results()) == 0
    with sqlite3.connect(tmp_path / "other") as db:
        db.execute("CREATE TABLE notes (text)")
    with pytest.raises(ValueError, match="version 0; this skd2ace has 4"):
        Store(tmp_path / "other")


def write_many(path, first):
    store = Store(path)
    for fold in range(first, first + 50):
        store.write(KEY._replace(fold=fold), RECORD)


def test_two_writers_at_once(store):
    spawn = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    writers = [spawn.Process(target=write_many, args=(store.path, n)) for n in (0, 50)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert sorted(store.results()["fold"]) == list(range(100))


def test_a_file_of_another_version_or_kind(tmp_path):
    path = tmp_path / "store.sqlite"
    Store(path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 1")
    with pytest.raises(ValueError, match="version 1; this skd2ace has 4"):
        Store(path)
    (tmp_path / "text").write_text("not a database, but long enough to be looked at" * 20)
    with pytest.raises(ValueError, match="cannot be used as a store"):
        Store(tmp_path / "text")


def test_writing_does_not_wait_for_readers(store):
    with sqlite3.connect(store.path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        db.execute("BEGIN")
        db.execute("SELECT * FROM fits").fetchall()
        store.write(KEY, RECORD)
    assert len(store.results()) == 1


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="there is no folder"):
        Store(tmp_path / "nowhere" / "results.sqlite")

"""Fits tell their epochs through the store, and never fail or wait for it."""

import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from skd2ace.benchmark import Store
from skd2ace.benchmark.run import _epochs
from skd2ace.benchmark.run._epochs import EpochWriter
from skd2ace.benchmark.run._keys import Key

KEY = Key("yeast", "clif", 0, 0, "abc")


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "a store?.sqlite")
    store.claim(KEY)
    return store


def test_what_is_written_can_be_read(store):
    assert store.read_epochs() == {}
    assert store.running()["epoch"].isna().tolist() == [True]
    writer = pickle.loads(pickle.dumps(store.make_epoch_writer(KEY)))
    for epoch in (0, 3):
        assert writer.write(epoch)
        assert store.read_epochs() == {KEY: epoch}
        assert store.running()["epoch"].tolist() == [epoch]


def test_a_new_claim_has_not_begun(store):
    store.make_epoch_writer(KEY).write(3)
    store.claim(KEY)
    assert store.read_epochs() == {}


def test_the_claim_of_another_process_is_left_alone(store):
    writer = store.make_epoch_writer(KEY)
    with closing(sqlite3.connect(store.path)) as db, db:
        db.execute("UPDATE running SET process = process + 1")
    writer.write(3)
    assert store.running()["epoch"].isna().tolist() == [True]


def test_on_another_host_nothing_is_touched(store):
    writer = store.make_epoch_writer(KEY)
    away = EpochWriter(writer.path, KEY, "elsewhere", writer.process)
    assert not away.write(3)
    assert store.read_epochs() == {}


def test_where_the_store_is_not(store, tmp_path):
    """On another file system, where nothing may be left behind, or something else is there."""
    writer = store.make_epoch_writer(KEY)
    for path in (tmp_path / "none.sqlite", tmp_path / "no folder" / "none.sqlite"):
        assert not EpochWriter(path, KEY, writer.host, writer.process).write(3)
        assert not path.exists()
    (other := tmp_path / "other").write_text("not a database, but long enough to be looked at" * 20)
    assert not EpochWriter(other, KEY, writer.host, writer.process).write(3)
    assert other.read_text().startswith("not a database")


def test_a_busy_store_is_not_waited_for(store, monkeypatch):
    patience = []
    connect = sqlite3.connect

    def note(*given, timeout, **named):
        patience.append(timeout)
        return connect(*given, timeout=0, **named)

    writer = store.make_epoch_writer(KEY)
    with closing(connect(store.path)) as db, db:
        db.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(_epochs.sqlite3, "connect", note)
        assert not writer.write(1)
        with writer.follow() as tell:
            for epoch in range(1, 4):
                tell(epoch)
        monkeypatch.undo()
    # A second before a fit, none in it.
    assert patience == [0, 1]
    assert store.read_epochs() == {}


def test_epochs_cost_nothing_however_many_there_are(store, monkeypatch):
    """A thread writes the newest, now and then; an epoch only says its number."""
    written = []
    monkeypatch.setattr(EpochWriter, "write", lambda self, epoch, **_: not written.append(epoch))
    with store.make_epoch_writer(KEY).follow() as tell:
        for epoch in range(10_000):
            tell(epoch)
    assert written[0] == 0
    assert len(written) < 100


def test_news_are_written_while_a_fit_runs(store, monkeypatch):
    monkeypatch.setattr(_epochs, "_SECONDS_BETWEEN_WRITES", 0.01)
    with store.make_epoch_writer(KEY).follow() as tell:
        assert store.read_epochs() == {KEY: 0}
        for epoch in (1, 2):
            pickle.loads(pickle.dumps(tell))
            tell(epoch)
            while store.read_epochs() != {KEY: epoch}:
                pass


def test_nothing_but_the_store_is_used(store, tmp_path):
    with store.make_epoch_writer(KEY).follow() as tell:
        tell(1)
    assert [path.name for path in Path(tmp_path).iterdir()] == [store.path.name]

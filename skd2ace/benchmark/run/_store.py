"""One SQLite file of fits, written to as each fit ends."""

import json
import os
import shutil
import sqlite3
import tempfile
import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from ._epochs import EpochWriter
from ._keys import MATCH, MINE, Key
from ._migration import CLAIMANT, OLD_VERSION, migrate
from ._process import find_start, is_alive, this_process

_VERSION = 4
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fits (
    dataset TEXT NOT NULL, method TEXT NOT NULL, fold INTEGER NOT NULL, seed INTEGER NOT NULL,
    settings TEXT NOT NULL, status TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (dataset, method, fold, seed, settings)
);
CREATE TABLE IF NOT EXISTS running (
    dataset TEXT NOT NULL, method TEXT NOT NULL, fold INTEGER NOT NULL, seed INTEGER NOT NULL,
    settings TEXT NOT NULL,
    host TEXT NOT NULL, process INTEGER NOT NULL, started REAL NOT NULL, seen REAL NOT NULL,
    epoch INTEGER,
    PRIMARY KEY (dataset, method, fold, seed, settings)
);
CREATE TABLE IF NOT EXISTS data (dataset TEXT PRIMARY KEY, digest TEXT NOT NULL);
"""
_OF_DATASET = "WHERE dataset = ?"


class Store:
    """Results of an experiment in one SQLite file.

    Several processes of one machine may use it at once. A fit is written in one transaction: it
    is there whole or not at all, whatever dies meanwhile.

    Parameters
    ----------
    path : str or path
        Made if it is not there.

    Raises
    ------
    ValueError
        If the file is of another version or no store, or its folder is not there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skd2ace.benchmark import Store
    >>> with TemporaryDirectory() as folder:
    ...     len(Store(f"{folder}/results.sqlite").results())
    0
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not self.path.parent.is_dir():
            raise ValueError(
                f"{path} cannot be used as a store: there is no folder {self.path.parent}."
            )
        try:
            with self._connection() as db:
                self._prepare(db)
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{path} cannot be used as a store: {error}.") from error

    def results(self) -> pd.DataFrame:
        """Fits that succeeded, a row each: key, metrics, seconds, memory and the rest."""
        rows = [
            {**key._asdict(), **record.pop("metrics"), **_drop_curve(record)}
            for key, record in self._records("ok")
        ]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(Key._fields))

    def curves(self) -> pd.DataFrame:
        """Validation Macro-AUC of each epoch of each fit that had one."""
        rows = [
            {**key._asdict(), "epoch": epoch, "valid_macro_auc": score}
            for key, record in self._records("ok")
            for epoch, score in enumerate(record["curve"], start=1)
        ]
        columns = [*Key._fields, "epoch", "valid_macro_auc"]
        return pd.DataFrame(rows, columns=columns)

    def failures(self) -> pd.DataFrame:
        """Fits that failed, a row each, with the traceback in ``error``; ``status`` is "failed".

        Or it is "timeout", of those that were ended by the time limit. ``described`` is what the
        settings are, as of :meth:`results`.
        """
        columns = ["error", "status", "described"]
        rows = [
            {**key._asdict(), **{name: record.get(name) for name in columns}}
            for key, record in self._records("failed", "timeout")
        ]
        return pd.DataFrame(rows, columns=[*Key._fields, *columns])

    def running(self) -> pd.DataFrame:
        """Fits that processes have claimed and not ended, a row each.

        Columns ``host``, ``process`` and ``seen``: when it last gave a sign of life, in seconds
        since 1970. ``epoch`` is the number of epochs that have ended, of the fits that have begun
        on the process's own machine.
        """
        columns = [*Key._fields, "host", "process", "seen", "epoch"]
        with self._connection() as db:
            rows = db.execute(f"SELECT {', '.join(columns)} FROM running").fetchall()
        return pd.DataFrame(rows, columns=columns).astype({"epoch": "Int64"})

    def read_epochs(self) -> dict[Key, int]:
        """Epochs that have ended of each fit that this process has claimed and that has begun."""
        columns = ", ".join([*Key._fields, "epoch"])
        told = f"SELECT {columns} FROM running WHERE {MINE} AND epoch IS NOT NULL"
        with self._connection() as db:
            rows = db.execute(told, this_process()).fetchall()
        return {Key(*key): epoch for *key, epoch in rows}

    def make_epoch_writer(self, key: Key) -> EpochWriter:
        """Make what writes the epochs of a fit that this process has claimed."""
        return EpochWriter(self.path.absolute(), key, *this_process())

    def status(self, key: Key) -> str | None:
        """Whether a fit is "ok", "failed" or "timeout"; None where it is not stored."""
        with self._connection() as db:
            row = db.execute(f"SELECT status FROM fits WHERE {MATCH}", key).fetchone()
        return row and row[0]

    def identify(self, dataset: str, digest: str) -> None:
        """Say what data a name stands for.

        Raises
        ------
        ValueError
            If there are fits of other data by that name, or some are under way.
        """
        with self._transaction() as db:
            known = db.execute(f"SELECT digest FROM data {_OF_DATASET}", (dataset,)).fetchone()
            fits = db.execute(f"SELECT 1 FROM fits {_OF_DATASET}", (dataset,)).fetchone()
            claims = db.execute(f"SELECT {CLAIMANT} FROM running {_OF_DATASET}", (dataset,))
            is_used = fits or any(is_alive(*claimant) for claimant in claims)
            if is_used and known != (digest,):
                raise ValueError(
                    f"{self.path} has fits of other data called {dataset!r}; give this data "
                    "another name, or use another store."
                )
            db.execute("INSERT OR REPLACE INTO data VALUES (?, ?)", (dataset, digest))

    def claim(self, key: Key) -> bool:
        """Say that this process runs a fit; False if it is stored or another live one runs it."""
        with self._transaction() as db:
            if db.execute(f"SELECT 1 FROM fits WHERE {MATCH}", key).fetchone():
                return False
            found = f"SELECT {CLAIMANT} FROM running WHERE {MATCH}"
            claimant, me = db.execute(found, key).fetchone(), this_process()
            if claimant and claimant[:2] != me and is_alive(*claimant):
                return False
            values = "INSERT OR REPLACE INTO running VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
            db.execute(values, (*key, *me, find_start(os.getpid()), time.time()))
        return True

    def renew(self) -> None:
        """Say that this process still runs what it has claimed."""
        # A store that is in use for long will be free the next time.
        with suppress(sqlite3.OperationalError), self._transaction() as db:
            db.execute(f"UPDATE running SET seen = ? WHERE {MINE}", (time.time(), *this_process()))

    def write(self, key: Key, record: dict[str, Any]) -> None:
        """Store a fit and take back the claim on it.

        ``record`` has a ``status``: "ok", with ``metrics`` and ``curve`` and what else is to be
        in :meth:`results`, or "failed", with a traceback in ``error``, or "timeout", with how long
        it took there.
        """
        self.write_many([(key, record)])

    def write_many(self, fits: Iterable[tuple[Key, dict[str, Any]]]) -> int:
        """Store fits as :meth:`write` does, all or none; return how many were not stored before."""
        rows = [
            (*key, record["status"], json.dumps(record, default=_simplify)) for key, record in fits
        ]
        with self._transaction() as db:
            new = db.executemany("INSERT OR IGNORE INTO fits VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            db.executemany(f"DELETE FROM running WHERE {MATCH}", [row[:-2] for row in rows])
        return new.rowcount

    def release(self) -> None:
        """Take back all claims of this process, when it stops before its fits have ended."""
        with self._transaction() as db:
            db.execute(f"DELETE FROM running WHERE {MINE}", this_process())

    def forget(self, keys: Iterable[Key]) -> None:
        """Delete fits, so that they are done again."""
        with self._transaction() as db:
            db.executemany(f"DELETE FROM fits WHERE {MATCH}", keys)

    def dump(self) -> tuple[dict[str, str], list[tuple[Key, dict[str, Any]]]]:
        """Give the digests of the data sets, and all fits as they were written."""
        with self._connection() as db:
            digests = dict(db.execute("SELECT dataset, digest FROM data").fetchall())
        return digests, list(self._records("ok", "failed", "timeout"))

    def _records(self, *statuses: str) -> Iterator[tuple[Key, dict[str, Any]]]:
        with self._connection() as db:
            rows = db.execute(
                f"SELECT {', '.join(Key._fields)}, record FROM fits "
                f"WHERE status IN ({', '.join('?' * len(statuses))}) "
                "ORDER BY dataset, method, fold, seed",
                statuses,
            ).fetchall()
        for *key, record in rows:
            yield Key(*key), json.loads(record)

    def _prepare(self, db: sqlite3.Connection) -> None:
        self._check_version(db)
        _write_ahead(db)
        with db:
            # In one transaction: another process may be at it, and this one may be killed.
            db.execute("BEGIN IMMEDIATE")
            version = self._check_version(db)
            if version == OLD_VERSION:
                migrate(db, self.path)
            elif version == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {_VERSION}")

    def _check_version(self, db: sqlite3.Connection) -> int:
        # In this order: another process makes tables and version at once, maybe in between.
        (n_tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (OLD_VERSION, _VERSION) and (version or n_tables):
            raise ValueError(
                f"{self.path} is a database of version {version}; this skd2ace has {_VERSION}, "
                f"and reads {OLD_VERSION}."
            )
        return version

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # A new one each time: results arrive in threads, and a connection belongs to one.
        with closing(sqlite3.connect(self.path, timeout=60)) as db:
            yield db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as db, db:
            # At once a writer's: one that begins as a reader may have to be given up.
            db.execute("BEGIN IMMEDIATE")
            yield db


def make_temporary_store() -> Store:
    """Make a store in a folder of its own, which goes when nobody has the store any more."""
    folder = tempfile.mkdtemp(prefix="skd2ace-")
    store = Store(Path(folder, "results.sqlite"))
    weakref.finalize(store, shutil.rmtree, folder, ignore_errors=True)
    return store


def _write_ahead(db: sqlite3.Connection) -> None:
    """Let readers not wait for a writer, nor it for them."""
    for _ in range(600):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            # While another process does the same; SQLite does not wait here by itself.
            time.sleep(0.1)
    raise sqlite3.OperationalError("it is locked")


def _drop_curve(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "curve"}


def _simplify(value: Any) -> Any:
    """Turn a number or array of numpy into what JSON has for it."""
    return value.tolist() if hasattr(value, "tolist") else str(value)

"""One SQLite file of fits, written to as each fit ends."""

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ._process import is_alive, started, this_process

_VERSION = 3
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
    PRIMARY KEY (dataset, method, fold, seed, settings)
);
CREATE TABLE IF NOT EXISTS data (dataset TEXT PRIMARY KEY, digest TEXT NOT NULL);
"""
_MATCH = "dataset = ? AND method = ? AND fold = ? AND seed = ? AND settings = ?"
_OF_DATASET = "WHERE dataset = ?"
_CLAIMANT = "host, process, started, seen"
_MINE = "host = ? AND process = ?"


class Key(NamedTuple):
    """What makes a fit the one it is.

    ``settings`` is a digest of all that the fit depends on beside the data: the estimator's
    parameters, the folds and the seeds.
    """

    dataset: str
    method: str
    fold: int
    seed: int
    settings: str


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
            {**key._asdict(), **record.pop("metrics"), **without(record, "curve")}
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
        """Fits that failed, a row each, with the traceback in ``error``."""
        rows = [
            {**key._asdict(), "error": record["error"]} for key, record in self._records("failed")
        ]
        return pd.DataFrame(rows, columns=[*Key._fields, "error"])

    def running(self) -> pd.DataFrame:
        """Fits that processes have claimed and not ended, a row each.

        Columns ``host``, ``process`` and ``seen``: when it last gave a sign of life, in seconds
        since the epoch.
        """
        columns = [*Key._fields, "host", "process", "seen"]
        with self._connection() as db:
            rows = db.execute(f"SELECT {', '.join(columns)} FROM running").fetchall()
        return pd.DataFrame(rows, columns=columns)

    def status(self, key: Key) -> str | None:
        """Whether a fit is "ok" or "failed"; None where it is not stored."""
        with self._connection() as db:
            row = db.execute(f"SELECT status FROM fits WHERE {_MATCH}", key).fetchone()
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
            claims = db.execute(f"SELECT {_CLAIMANT} FROM running {_OF_DATASET}", (dataset,))
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
            if db.execute(f"SELECT 1 FROM fits WHERE {_MATCH}", key).fetchone():
                return False
            found = f"SELECT {_CLAIMANT} FROM running WHERE {_MATCH}"
            claimant, me = db.execute(found, key).fetchone(), this_process()
            if claimant and claimant[:2] != me and is_alive(*claimant):
                return False
            values = "INSERT OR REPLACE INTO running VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            db.execute(values, (*key, *me, started(os.getpid()), time.time()))
        return True

    def renew(self) -> None:
        """Say that this process still runs what it has claimed."""
        # A store that is in use for long will be free the next time.
        with suppress(sqlite3.OperationalError), self._transaction() as db:
            db.execute(f"UPDATE running SET seen = ? WHERE {_MINE}", (time.time(), *this_process()))

    def write(self, key: Key, record: dict[str, Any]) -> None:
        """Store a fit and take back the claim on it.

        ``record`` has a ``status``: "ok", with ``metrics`` and ``curve`` and what else is to be
        in :meth:`results`, or "failed", with a traceback in ``error``.
        """
        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO fits VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, record["status"], json.dumps(record, default=_plain)),
            )
            db.execute(f"DELETE FROM running WHERE {_MATCH}", key)

    def release(self) -> None:
        """Take back all claims of this process, when it stops before its fits have ended."""
        with self._transaction() as db:
            db.execute(f"DELETE FROM running WHERE {_MINE}", this_process())

    def forget(self, keys: Iterable[Key]) -> None:
        """Delete fits, so that they are done again."""
        with self._transaction() as db:
            db.executemany(f"DELETE FROM fits WHERE {_MATCH}", keys)

    def _records(self, status: str) -> Iterator[tuple[Key, dict[str, Any]]]:
        with self._connection() as db:
            rows = db.execute(
                f"SELECT {', '.join(Key._fields)}, record FROM fits WHERE status = ? "
                "ORDER BY dataset, method, fold, seed",
                (status,),
            ).fetchall()
        for *key, record in rows:
            yield Key(*key), json.loads(record)

    def _prepare(self, db: sqlite3.Connection) -> None:
        self._check_version(db)
        _write_ahead(db)
        with db:
            # In one transaction: another process may be at it, and this one may be killed.
            db.execute("BEGIN IMMEDIATE")
            if self._check_version(db) == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {_VERSION}")

    def _check_version(self, db: sqlite3.Connection) -> int:
        # In this order: another process makes tables and version at once, maybe in between.
        (n_tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != _VERSION and (version or n_tables):
            raise ValueError(
                f"{self.path} is a database of version {version}; this skd2ace has {_VERSION}."
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


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a copy that lacks some entries."""
    return {name: value for name, value in record.items() if name not in names}


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


def _plain(value: Any) -> Any:
    """What a number or array of numpy is in JSON."""
    return value.tolist() if hasattr(value, "tolist") else str(value)

"""How far a fit is, told through the store by the process that does it."""

import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ._keys import MATCH, MINE, Key
from ._repeating import call_repeatedly

_SECONDS_BETWEEN_WRITES = 0.5
# Seconds that a fit waits for a busy store before it begins.
_PATIENCE = 1.0


@dataclass(frozen=True)
class EpochWriter:
    """Writes a fit's epochs beside the claim on it; can be sent to the process that does the fit.

    Whatever the store is up to, a fit does not fail of it. In a process of another host nothing
    is written: SQLite files are no good there, even where they can be reached.

    Parameters
    ----------
    path : Path
        Of the store.
    key : Key
    host, process : str, int
        Of the claim.
    """

    path: Path
    key: Key
    host: str
    process: int

    @contextmanager
    def follow(self) -> Iterator[Callable[[int], None]]:
        """Say that the fit has begun, and yield what is to be called as each epoch ends.

        That only notes the number; a thread writes it to the store, twice a second at most.
        """
        latest = _Latest()
        self._write_news(latest, patience=_PATIENCE)
        with call_repeatedly(lambda: self._write_news(latest), _SECONDS_BETWEEN_WRITES):
            yield latest

    def write(self, epoch: int, *, patience: float = 0.0) -> bool:
        """Write the number of epochs that have ended; False where that cannot be done now."""
        if socket.gethostname() != self.host:
            return False
        # Not made where it is not: the path may be of another file system.
        address = f"{self.path.absolute().as_uri()}?mode=rw"
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(address, uri=True, timeout=patience)) as db,
            db,
        ):
            # What is lost with the power is only the bar's.
            db.execute("PRAGMA synchronous = NORMAL")
            values = (epoch, *self.key, self.host, self.process)
            db.execute(f"UPDATE running SET epoch = ? WHERE {MATCH} AND {MINE}", values)
            return True
        return False

    def _write_news(self, latest: "_Latest", patience: float = 0.0) -> None:
        epoch = latest.epoch
        if epoch != latest.written and self.write(epoch, patience=patience):
            latest.written = epoch


class _Latest:
    """The last epoch that ended, and the last that was written; may be pickled with a callback."""

    def __init__(self) -> None:
        self.epoch = 0
        self.written: int | None = None

    def __call__(self, epoch: int) -> None:
        self.epoch = epoch

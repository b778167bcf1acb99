"""What runs, how far it is and how long the rest takes, while fits run in several processes."""

import sqlite3
import sys
import threading
from contextlib import suppress

from tqdm import tqdm

from ._keys import Key
from ._store import Store
from ._task import Task

_ON_TERMINAL, _IN_LOG = 0.5, 10.0
_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total} fits, {elapsed}<{remaining}{postfix}"


class Progress:
    """A bar of the fits of a data set, with the epochs of those that run.

    Fits tell their epochs through the store. Those on other machines are counted only, when they
    have ended.

    Parameters
    ----------
    title : str
    total, n_stored : int
        Fits in all, and those that are not to be done again.
    store : Store
    is_shown : bool

    Attributes
    ----------
    seconds_between_drawings : float
        How often :meth:`draw` is to be called: rarely where each drawing is a line of a log.
    """

    def __init__(
        self, title: str, total: int, n_stored: int, store: Store, *, is_shown: bool
    ) -> None:
        self._n_ended = n_stored
        self._store = store
        self._max_epochs: dict[Key, int] = {}
        self._lock = threading.Lock()
        self._bar = tqdm(
            desc=title, total=total, initial=n_stored, disable=not is_shown,
            bar_format=_FORMAT, dynamic_ncols=True,
        )  # fmt: skip
        self.seconds_between_drawings = _ON_TERMINAL if sys.stderr.isatty() else _IN_LOG

    def add(self, task: Task) -> None:
        """Show a fit as soon as it has begun."""
        with self._lock:
            self._max_epochs[task.key] = getattr(task.estimator, "max_epochs", 1)

    def end(self, key: Key) -> None:
        """Count a fit as done."""
        with self._lock:
            del self._max_epochs[key]
            self._n_ended += 1
        self.draw()

    def draw(self) -> None:
        """Show how far the fits are now; time left counts the epochs as parts of them."""
        if self._bar.disable:
            return
        told: dict[Key, int] = {}
        # A store that is in use for long can be read the next time.
        with suppress(sqlite3.Error):
            told = self._store.read_epochs()
        with self._lock:
            epochs = {key: told[key] for key in self._max_epochs if key in told}
            parts = (epoch / self._max_epochs[key] for key, epoch in epochs.items() if epoch)
            self._bar.n = self._n_ended + sum(parts)
            self._bar.set_postfix_str(", ".join(map(_name_briefly, epochs, epochs.values())))

    def close(self) -> None:
        """Leave the bar as it is."""
        self.draw()
        self._bar.close()


def _name_briefly(key: Key, epoch: int) -> str:
    seed = f" · seed {key.seed}" if key.seed else ""
    return f"{key.method} · fold {key.fold + 1}{seed}" + (f" · epoch {epoch}" if epoch else "")

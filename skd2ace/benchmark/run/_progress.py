"""What runs, how far it is and how long the rest takes, while fits run in several processes."""

import os
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from ._store import Key
from ._task import Task

_ON_TERMINAL, _IN_LOG = 0.5, 10.0
_EPOCH = struct.Struct("=i")
_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total} fits, {elapsed}<{remaining}{postfix}"


class Progress:
    """A bar of the fits of a data set, with the epochs of those that run.

    Fits tell their epochs through a file, in which each has a place: they may run in other
    processes of this machine. Those on other machines are counted only, when they have ended.

    Parameters
    ----------
    title : str
    total, n_stored : int
        Fits in all, and those that are not to be done again.
    is_shown : bool

    Attributes
    ----------
    seconds_between_drawings : float
        How often :meth:`draw` is to be called: rarely where each drawing is a line of a log.
    """

    def __init__(self, title: str, total: int, n_stored: int, *, is_shown: bool) -> None:
        self._n_ended = n_stored
        self._running: dict[Key, _Running] = {}
        self._places = count()
        self._lock = threading.Lock()
        handle, name = tempfile.mkstemp(prefix="epochs-")
        os.close(handle)
        self._epochs = name
        self._bar = tqdm(
            desc=title, total=total, initial=n_stored, disable=not is_shown,
            bar_format=_FORMAT, dynamic_ncols=True,
        )  # fmt: skip
        self.seconds_between_drawings = _ON_TERMINAL if sys.stderr.isatty() else _IN_LOG

    def begin(self, task: Task) -> Callable[[int], None]:
        """Show a fit as soon as it begins.

        Returns
        -------
        callable
            To be told 0 at the beginning and the number of each epoch that has ended; can be
            pickled.
        """
        with self._lock:
            place = next(self._places) * _EPOCH.size
            max_epochs = getattr(task.estimator, "max_epochs", None)
            self._running[task.key] = _Running(place, max_epochs)
        return partial(_tell, self._epochs, place)

    def begun(self) -> set[Key]:
        """Fits that have begun, as far as is known here, and not ended."""
        told = self._told()
        with self._lock:
            return {key for key, one in self._running.items() if one.epoch(told) is not None}

    def end(self, key: Key) -> None:
        """Count a fit as done."""
        with self._lock:
            del self._running[key]
            self._n_ended += 1
        self.draw()

    def draw(self) -> None:
        """Show how far the fits are now; time left counts the epochs as parts of them."""
        told = self._told()
        with self._lock:
            epochs = {key: one.epoch(told) for key, one in self._running.items()}
            parts = (one.part(told) for one in self._running.values())
            self._bar.n = self._n_ended + sum(parts)
            names = (_brief(key, epoch) for key, epoch in epochs.items() if epoch is not None)
            self._bar.set_postfix_str(", ".join(names))

    def close(self) -> None:
        """Leave the bar as it is."""
        self.draw()
        self._bar.close()
        with suppress(OSError):
            os.unlink(self._epochs)

    def _told(self) -> bytes:
        with suppress(OSError):
            return Path(self._epochs).read_bytes()
        return b""


class _Running(NamedTuple):
    place: int
    max_epochs: int | None

    def epoch(self, told: bytes) -> int | None:
        entry = told[self.place : self.place + _EPOCH.size]
        n_told = _EPOCH.unpack(entry)[0] if len(entry) == _EPOCH.size else 0
        return n_told - 1 if n_told else None

    def part(self, told: bytes) -> float:
        return (self.epoch(told) or 0) / self.max_epochs if self.max_epochs else 0.0


@contextmanager
def repeating(call: Callable[[], Any], seconds: float) -> Iterator[None]:
    """Call a function again and again, in a thread, while the block runs."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            call()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _brief(key: Key, epoch: int) -> str:
    seed = f" · seed {key.seed}" if key.seed else ""
    return f"{key.method} · fold {key.fold + 1}{seed}" + (f" · epoch {epoch}" if epoch else "")


def _tell(file: str, place: int, epoch: int) -> None:
    # On another machine it is not there; and whatever it is, a fit does not fail of it.
    with suppress(OSError), open(file, "r+b") as epochs:
        epochs.seek(place)
        # Zero is where nothing was told.
        epochs.write(_EPOCH.pack(epoch + 1))

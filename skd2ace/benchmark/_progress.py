"""What runs, how far it is and how long the rest takes, while fits run in several processes."""

import os
import struct
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

_EPOCH = struct.Struct("=i")
_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total} fits, {elapsed}<{remaining}{postfix}"


class Progress:
    """A bar of the fits of a data set, with the epochs of those that run.

    Fits tell their epochs through a file, in which each has a place: they may run in other
    processes of this machine. Of those on other machines no epochs are shown.
    """

    def __init__(self, title: str, total: int, n_stored: int, *, is_shown: bool) -> None:
        self._n_ended = n_stored
        self._running: dict[Key, _Running] = {}
        self._places = count()
        self._lock = threading.Lock()
        handle, name = tempfile.mkstemp(prefix="epochs-")
        os.close(handle)
        self._epochs = Path(name)
        self._bar = tqdm(
            desc=title, total=total, initial=n_stored, disable=not is_shown,
            bar_format=_FORMAT, dynamic_ncols=True,
        )  # fmt: skip

    def begin(self, task: Task) -> Callable[[int], None]:
        """Show a fit as running; what is returned takes the epochs that it has ended."""
        with self._lock:
            place = next(self._places) * _EPOCH.size
            max_epochs = getattr(task.estimator, "max_epochs", None)
            self._running[task.key] = _Running(place, max_epochs)
        return partial(_tell, self._epochs, place)

    def end(self, key: Key) -> None:
        """Count a fit as done."""
        with self._lock:
            del self._running[key]
            self._n_ended += 1
        self.draw()

    def draw(self) -> None:
        """Show how far the fits are now; time left counts the epochs as parts of them."""
        with self._lock:
            told = self._epochs.read_bytes()
            epochs = {key: one.epoch(told) for key, one in self._running.items()}
            parts = (one.part(told) for one in self._running.values())
            self._bar.n = self._n_ended + sum(parts)
            names = (_brief(key, epoch) for key, epoch in epochs.items())
            self._bar.set_postfix_str(", ".join(names))

    def close(self) -> None:
        """Leave the bar as it is."""
        self.draw()
        self._bar.close()
        self._epochs.unlink()


class _Running(NamedTuple):
    place: int
    max_epochs: int | None

    def epoch(self, told: bytes) -> int:
        entry = told[self.place : self.place + _EPOCH.size]
        return _EPOCH.unpack(entry)[0] if len(entry) == _EPOCH.size else 0

    def part(self, told: bytes) -> float:
        return self.epoch(told) / self.max_epochs if self.max_epochs else 0.0


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
    return f"{key.method} · fold {key.fold + 1}" + (f" · epoch {epoch}" if epoch else "")


def _tell(file: Path, place: int, epoch: int) -> None:
    # On another machine it is not there.
    with suppress(FileNotFoundError), open(file, "r+b") as epochs:
        epochs.seek(place)
        epochs.write(_EPOCH.pack(epoch))

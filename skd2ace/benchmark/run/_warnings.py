"""Warnings kept from the user while something runs, in whatever thread."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from skd2ace._locks import ForkSafeLock


class _Silence:
    """The filters of the process while at least one block wants other ones.

    ``warnings.catch_warnings`` puts back what it found: of two blocks that overlap in two
    threads, the one left last puts back the filters of the other. Here the first block to be
    entered keeps what was there, and the last to be left puts it back.
    """

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._n_blocks = 0
        self._before = warnings.catch_warnings()

    def enter(self, messages: tuple[str, ...]) -> None:
        with self._lock.hold():
            if not self._n_blocks:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
            self._n_blocks += 1
            for message in messages:
                warnings.filterwarnings("ignore", message=message)

    def leave(self) -> None:
        with self._lock.hold():
            self._n_blocks -= 1
            if not self._n_blocks:
                self._before.__exit__(None, None, None)


_SILENCE = _Silence()


@contextmanager
def ignore_warnings(*messages: str) -> Iterator[None]:
    """Ignore warnings whose text begins as the patterns say, while the block runs.

    Other threads do not see them either; the filters of the process are as they were when the
    last of overlapping blocks is left.
    """
    _SILENCE.enter(messages)
    try:
        yield
    finally:
        _SILENCE.leave()

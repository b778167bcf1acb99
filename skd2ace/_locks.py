"""Locks for what a whole process shares, such as a library's global generator."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ForkSafeLock:
    """A re-entrant lock that is free in every process forked off.

    A plain lock that another thread holds at the fork stays held in the child for ever: the
    thread that would release it is not there.
    """

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock within the block; other threads wait until it is left."""
        # The lock of this moment: a child forked off within the block leaves what it entered.
        with self._lock:
            yield

    def _renew(self) -> None:
        self._lock = threading.RLock()

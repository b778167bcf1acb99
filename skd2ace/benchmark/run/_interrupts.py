"""Ctrl-C noticed where something else swallows it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def notice_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt at the end of the block if one was swallowed within.

    Skorch takes Ctrl-C for the wish to end a training early; here it would store half a fit.
    """
    before = signal.getsignal(signal.SIGINT)
    # Not callable: ignored, as under nohup.
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    seen: list[int] = []

    def notice(number: int, frame: Any) -> None:
        seen.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, notice)
    try:
        yield
    except Exception as error:
        if seen:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if seen:
        raise KeyboardInterrupt

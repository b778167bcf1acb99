"""Which process this is, and whether another one still runs."""

import os
import socket
import time

import psutil

# Seconds after which a process that one cannot look at is taken for dead if it was not heard of.
PATIENCE = 600


def this_process() -> tuple[str, int]:
    """Host and number of this process."""
    return socket.gethostname(), os.getpid()


def find_start(process: int) -> float | None:
    """Find out when a process was started, in seconds since the epoch; None if it does not run."""
    try:
        found = psutil.Process(process)
        gone = found.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return None if gone else found.create_time()
    except psutil.NoSuchProcess:
        return None


def is_alive(host: str, process: int, start: float, seen: float) -> bool:
    """Whether a process still runs that was started then, and not a later one of its number.

    One of another host, which may be a container on this machine, or of another user where that
    hides it, is alive if it was ``seen`` (seconds since the epoch) not long ago.
    """
    was_seen = time.time() - seen < PATIENCE
    if host != socket.gethostname():
        return was_seen
    try:
        now = find_start(process)
    except psutil.AccessDenied:
        return was_seen
    # The clock may have been set since.
    return now is not None and abs(now - start) < 5

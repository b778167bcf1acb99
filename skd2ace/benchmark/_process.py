"""Which process this is, and whether another one still runs."""

import os
import socket
import time
from pathlib import Path

# Seconds after which a process that one cannot look at is taken for dead if it was not heard of.
PATIENCE = 600


def this_process() -> tuple[str, int, str]:
    """Host, number, and what tells it from a later process of the same number."""
    return socket.gethostname(), os.getpid(), _started(os.getpid()) or ""


def is_alive(host: str, process: int, started: str, seen: float) -> bool:
    """Whether a process still runs.

    One of another host, which may be a container on this machine, is alive if it was ``seen``
    (seconds since the epoch) not long ago.
    """
    if host != socket.gethostname():
        return time.time() - seen < PATIENCE
    return _started(process) == started


def _started(process: int) -> str | None:
    """What tells a process from a later one of the same number; None if it does not run."""
    try:
        if not Path("/proc/self/stat").exists():
            # Elsewhere a process that runs is taken for the one that claimed.
            os.kill(process, 0)
            return ""
        state, *rest = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if state in "ZX" else f"{boot} {rest[18]}"

"""What a run leaves to be told: fits that failed, and those that other processes do."""

import time
from collections.abc import Iterator
from typing import Any


def tell_failures(failures: Any) -> Iterator[str]:
    """Tell of each fit that failed, in a line, and what can be done about it."""
    for row in failures.itertuples():
        last_line = row.error.strip().splitlines()[-1]
        seed = f", seed {row.seed}" if row.seed else ""
        yield f"{row.status}: {row.dataset}, {row.method}, fold {row.fold + 1}{seed}: {last_line}"
    if len(failures):
        yield "Their tracebacks are in the store; --retry-failed tries them again."


def tell_running(running: Any) -> Iterator[str]:
    """Tell of the fits of each other process, in a line."""
    for (host, process), fits in running.groupby(["host", "process"]):
        how_many = "1 fit is" if len(fits) == 1 else f"{len(fits)} fits are"
        yield (
            f"{how_many} left to process {process} on {host}, last heard of "
            f"{time.time() - fits['seen'].max():.0f} s ago; run again for their results"
        )

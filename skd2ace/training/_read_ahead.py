"""Reading by a thread what will be wanted next."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Wanted = TypeVar("_Wanted")
_Read = TypeVar("_Read")
# Reads that may be done before their turn.
_N_AHEAD = 2


def read_ahead(
    read: Callable[[_Wanted], _Read], wanted: Iterable[_Wanted]
) -> Iterator[tuple[_Wanted, _Read]]:
    """Read what is wanted, one after the other, the next while the last is made use of.

    An error of ``read`` is raised when it is the turn of what was to be read.
    """
    pending: deque[tuple[_Wanted, Future[_Read]]] = deque()
    with ThreadPoolExecutor(1) as thread:
        for one in wanted:
            pending.append((one, thread.submit(read, one)))
            if len(pending) > _N_AHEAD:
                first, reading = pending.popleft()
                yield first, reading.result()
        for first, reading in pending:
            yield first, reading.result()

"""Fits on a Dask cluster, of which some may take their worker with them."""

from collections.abc import Generator, Iterator
from time import monotonic
from typing import Any, NamedTuple

from cloudpickle import dumps
from distributed import Client, Future, get_client, wait

from ._keys import Key
from ._task import NoWorkersError, Task, describe_failure

Outcome = tuple[Key, dict[str, Any]]


class Fit(NamedTuple):
    """A call of ``run_limited``."""

    function: Any
    task: Task
    rest: list[Any]


# Seconds between two looks at the workers, and how long a cluster may be without any: a nanny
# starts a new one within a few where processors are idle, a queue of jobs within minutes.
_LOOK, _PATIENCE = 5.0, 300.0


def run_on_cluster(fits: Iterator[Any]) -> Generator[Outcome, None, None]:
    """Do fits on the cluster of the client made last, as many at a time as it has threads.

    Parameters
    ----------
    fits : iterator of joblib's delayed calls
        Of ``run_limited``. One is taken when it can begin.

    Yields
    ------
    key, record
        As they end. A fit that cannot be sent, or whose workers died again and again, is a failed
        one; none runs in this process.

    Raises
    ------
    NoWorkersError
        If the cluster is without a worker for five minutes: its fits would be waited for for ever.
    """
    client = get_client()
    running: dict[Future, Fit] = {}
    try:
        while True:
            yield from _begin(client, fits, running)
            if not running:
                return
            for future in _wait_for_some(client, running):
                fit = running.pop(future)
                outcome = _read(future, fit.task.key)
                if outcome is None:
                    running[_send(client, fit)] = fit
                else:
                    yield outcome
    finally:
        client.cancel(list(running))


def _send(client: Client, fit: Fit) -> Future:
    return client.submit(fit.function, fit.task, *fit.rest, pure=False)


def _begin(client: Client, fits: Iterator[Any], running: dict[Future, Fit]) -> Iterator[Outcome]:
    """Send fits until all threads have one, and yield those that cannot be sent."""
    n_threads = max(1, sum(client.nthreads().values()))
    while len(running) < n_threads and (call := next(fits, None)):
        function, (task, *rest), _ = call
        try:
            # What cannot be sent Dask says to a log only.
            dumps((task, rest))
        except Exception as error:
            yield task.key, describe_failure(error)
        else:
            fit = Fit(function, task, rest)
            running[_send(client, fit)] = fit


def _wait_for_some(client: Client, running: dict[Future, Fit]) -> list[Future]:
    """Wait until a fit ends, as long as there is a worker, or may soon be one again."""
    seen = monotonic()
    while True:
        try:
            return list(wait(list(running), timeout=_LOOK, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            if client.nthreads():
                seen = monotonic()
            elif monotonic() - seen > _PATIENCE:
                names = ", ".join(str(fit.task.key) for fit in running.values())
                raise NoWorkersError(
                    f"The Dask cluster has had no worker for {_PATIENCE:.0f} s, while these fits "
                    f"wait for one: {names}. Start workers (with a nanny, which replaces those "
                    "that die), and run again: what is done is stored."
                ) from None


def _read(future: Future, key: Key) -> Outcome | None:
    """Read the outcome of a fit that has ended; None where it was lost with its worker."""
    try:
        outcome: Outcome = future.result(timeout=_LOOK)
        return outcome
    except TimeoutError:
        # Another fit has killed the worker that kept it. Dask may do this one again, or never.
        future.cancel()
        return None
    except Exception as error:
        # That of its workers: of a fit's own errors the record tells.
        return key, describe_failure(error)

"""Fits of one data set: each claimed before and stored after, whatever dies meanwhile."""

import sqlite3
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from joblib import Parallel, delayed, parallel_config

from ._keys import Key
from ._limited import run_limited
from ._progress import Progress
from ._store import Store
from ._task import NoWorkersError, Task, describe_failure


class Fits:
    """Runs fits of one data set, several at a time, and stores them as they end.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    Y : ndarray of shape (n, q)
    metrics : dict of str to callable
    described : dict of str to dict
        What is stored of each method beside its fits' own records.
    store : Store
    progress : Progress
    config : dict
        For ``joblib.parallel_config``.
    time_limit : float or None
        Seconds after which a fit is ended.
    """

    def __init__(
        self,
        X: Any,
        Y: Any,
        metrics: dict[str, Callable[..., float]],
        described: dict[str, dict[str, str]],
        store: Store,
        progress: Progress,
        config: dict[str, Any],
        time_limit: float | None = None,
    ) -> None:
        self.X = X
        self.Y = Y
        self.metrics = metrics
        self.described = described
        self.store = store
        self.progress = progress
        self.config = config
        self.time_limit = time_limit

    def run(self, tasks: Iterable[Task]) -> None:
        """Do the fits that no other process does.

        A fit that takes its process with it, or cannot be sent to one, is stored as failed.
        """
        waiting = deque(tasks)
        while waiting:
            running, error = self._run_until_an_error(waiting)
            if error is not None:
                self._find_culprit(running, error, waiting)

    def _run_until_an_error(self, waiting: deque[Task]) -> tuple[dict[Key, Task], Exception | None]:
        """Do fits until one is lost; return those that were not done then, and why."""
        running: dict[Key, Task] = {}
        with self._do(self._claim_in_turn(waiting, running)) as outcomes:
            while True:
                try:
                    key, record = next(outcomes)
                except StopIteration:
                    return running, None
                except (sqlite3.Error, NoWorkersError):
                    raise
                except Exception as error:
                    # Not the fit's own, which is an outcome.
                    return running, error
                self._write(running.pop(key), record)

    @contextmanager
    def _do(self, fits: Iterator[Any]) -> Iterator[Iterator[Any]]:
        """Do fits, several at a time, and give their outcomes as they end."""
        if self.config.get("backend") == "dask":
            from ._dask import run_on_cluster

            with _end_by_errors(run_on_cluster(fits)) as outcomes:
                yield outcomes
            return
        with parallel_config(**self.config):
            # Few more are claimed than can begin, so that another process finds some to do. One
            # fit a batch: of several, the first would wait for the last to be stored.
            parallel = Parallel(
                return_as="generator_unordered", pre_dispatch="n_jobs", batch_size=1
            )
            with _end_by_errors(parallel(fits)) as outcomes:
                yield outcomes

    def _find_culprit(
        self, running: dict[Key, Task], error: Exception, waiting: deque[Task]
    ) -> None:
        """Do each fit that had begun alone, where only itself is to blame."""
        if not running:
            raise error
        if len(running) == 1:
            ((_, task),) = running.items()
            self._write(task, describe_failure(error))
            return
        told = self.store.read_epochs()
        for key in [key for key in running if key in told] or list(running):
            self.run([running.pop(key)])
        waiting.extend(running.values())

    def _claim_in_turn(self, waiting: deque[Task], running: dict[Key, Task]) -> Iterator[Any]:
        while waiting:
            is_mine = self.store.claim(waiting[0].key)
            task = waiting.popleft()
            if is_mine:
                running[task.key] = task
                self.progress.add(task)
                writer = self.store.make_epoch_writer(task.key)
                # In a tuple, Dask sends data with each fit; else it is lost with its workers.
                data = (self.X, self.Y)
                yield delayed(run_limited)(task, data, self.metrics, writer, self.time_limit)

    def _write(self, task: Task, record: dict[str, Any]) -> None:
        self.store.write(task.key, {**record, **self.described[task.key.method]})
        self.progress.end(task.key)


@contextmanager
def _end_by_errors(outcomes: Generator[Any, None, None]) -> Iterator[Iterator[Any]]:
    """End the fits still running when the block is left by an error, Ctrl-C among them.

    Joblib does so for errors of its own; left alone, its generator lets fits run on for as long
    as the traceback keeps it, and closed, it warns of them.
    """
    try:
        yield outcomes
    except BaseException as error:
        outcomes.throw(error)

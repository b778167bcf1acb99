"""Fits of one data set: each claimed before and stored after, whatever dies meanwhile."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from typing import Any

from joblib import Parallel, delayed, parallel_config

from ._progress import Progress
from ._store import Key, Store
from ._task import Task, failed, run_task


class Fits:
    """Runs fits of one data set, several at a time, and stores them as they end.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, d)
    Y : ndarray of shape (n, q)
    metrics : dict of str to callable
    store : Store
    progress : Progress
    config : dict
        For ``joblib.parallel_config``.
    """

    def __init__(
        self,
        X: Any,
        Y: Any,
        metrics: dict[str, Callable[..., float]],
        store: Store,
        progress: Progress,
        config: dict[str, Any],
    ) -> None:
        self.X = X
        self.Y = Y
        self.metrics = metrics
        self.store = store
        self.progress = progress
        self.config = config

    def run(self, tasks: Iterable[Task]) -> None:
        """Do the fits that no other process does."""
        waiting = deque(tasks)
        while waiting:
            suspects = self._until_a_death(waiting)
            if len(suspects) == 1:
                self._write(suspects[0], failed("The process that ran it died: out of memory?"))
            else:
                # Which of them it was shows when each runs alone.
                for task in suspects:
                    self.run([task])

    def _until_a_death(self, waiting: deque[Task]) -> list[Task]:
        """Do fits until one takes its process with it; return those that ran then."""
        running: dict[Key, Task] = {}
        # No more are claimed than can begin, so that another process finds some to do. One fit
        # a batch: of several, the first would wait for the last to be stored.
        with parallel_config(**self.config):
            parallel = Parallel(
                return_as="generator_unordered", pre_dispatch="n_jobs", batch_size=1
            )
            try:
                for key, record in parallel(self._calls(waiting, running)):
                    self._write(running.pop(key), record)
            except (BrokenExecutor, CancelledError):
                # Processes of this machine say the first. Dask says the second where data went
                # with a worker, and nothing of a fit that killed all its workers.
                pass
        return list(running.values())

    def _calls(self, waiting: deque[Task], running: dict[Key, Task]) -> Iterator[Any]:
        while waiting:
            task = waiting.popleft()
            if self.store.claim(task.key):
                running[task.key] = task
                tell_epoch = self.progress.begin(task)
                yield delayed(run_task)(task, self.X, self.Y, self.metrics, tell_epoch)

    def _write(self, task: Task, record: dict[str, Any]) -> None:
        self.store.write(task.key, {**record, "described": task.described})
        self.progress.end(task.key)

"""Dask as a backend of joblib for fits that may take their worker with them."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from cloudpickle import dumps
from joblib._dask import DaskDistributedBackend

from ._task import describe_failure


class Cluster(DaskDistributedBackend):
    """Joblib's backend, on which a lost fit is a failed one, and which runs none in this process.

    It takes calls of ``run_limited``, one a batch.
    """

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Threads of the cluster; two at least, as joblib runs a single job in this process."""
        return max(2, super().effective_n_jobs(n_jobs))

    def submit(self, func: Any, callback: Callable[[Any], None]) -> Future[Any]:
        """Hand a fit to the cluster. Of one that does not come back, joblib is told nothing."""
        ((_, (task, _, *rest), _),) = func.items

        def tell(done: Future[Any]) -> None:
            if error := done.exception():
                callback([(task.key, describe_failure(error))])

        future: Future[Any]
        try:
            # What cannot be sent Dask says to a log only.
            dumps((task, rest))
        except Exception as error:
            future = Future()
            future.set_exception(error)
        else:
            future = super().submit(func, callback)
        future.add_done_callback(tell)
        return future

"""Dask as a backend of joblib for fits that may take their worker with them."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from joblib._dask import DaskDistributedBackend


class Cluster(DaskDistributedBackend):
    """Joblib's backend, which tells of lost tasks and runs none in this process."""

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Threads of the cluster; two at least, as joblib runs a single job in this process."""
        return max(2, super().effective_n_jobs(n_jobs))

    def submit(self, func: Any, callback: Callable[[Any], None]) -> Future[Any]:
        """Hand a task to the cluster."""
        future = super().submit(func, callback)

        def tell(done: Future[Any]) -> None:
            # Joblib would wait for it for ever.
            if error := done.exception():
                callback(error)

        future.add_done_callback(tell)
        return future

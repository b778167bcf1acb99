"""Fits that are ended where they take too long, whatever they are busy with."""

import threading
from concurrent.futures import TimeoutError as OverdueError
from typing import Any

from joblib.externals.loky.process_executor import ProcessPoolExecutor

from ._epochs import EpochWriter
from ._keys import Key
from ._task import Task, describe_failure, run_task


class _Child(threading.local):
    """The process that does the fits of this thread, one after the other, while none is ended."""

    executor: ProcessPoolExecutor | None = None


_CHILD = _Child()


def run_limited(
    task: Task,
    data: tuple[Any, Any],
    metrics: dict[str, Any],
    epochs: EpochWriter | None = None,
    seconds: float | None = None,
) -> tuple[Key, dict[str, Any]]:
    """Do one fit, in a process of its own where there is a limit to what it may take.

    Code of other libraries listens to nobody until it is done: what ends it whatever it does is
    the end of its process. The next fit goes to the same one if it lives, as it takes seconds to
    begin.

    Returns
    -------
    tuple of key and record
        As of :func:`run_task`; ``status`` is "timeout" after ``seconds`` for fit, prediction and
        scores.
    """
    if seconds is None:
        return run_task(task, data, metrics, epochs)
    executor = _find_child()
    try:
        outcome: tuple[Key, dict[str, Any]] = executor.submit(
            run_task, task, data, metrics, epochs
        ).result(timeout=seconds)
        return outcome
    except OverdueError:
        _end_child()
        return task.key, {"status": "timeout", "error": f"Ended after {seconds:g} s."}
    except Exception as error:
        # Such as one that takes its process with it.
        _end_child()
        return task.key, describe_failure(error)
    except BaseException:
        _end_child()
        raise


def _find_child() -> ProcessPoolExecutor:
    if _CHILD.executor is None:
        _CHILD.executor = ProcessPoolExecutor(max_workers=1)
        # What it imports to begin with is no part of a fit.
        _CHILD.executor.submit(_begin).result()
    return _CHILD.executor


def _begin() -> None:
    """Have this module, and all that a fit needs, imported."""


def _end_child() -> None:
    executor, _CHILD.executor = _CHILD.executor, None
    if executor is not None:
        executor.shutdown(kill_workers=True)

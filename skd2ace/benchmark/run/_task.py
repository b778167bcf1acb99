"""One fit of an experiment: train, predict, score, measure."""

import inspect
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler

from skd2ace import MultiLabelNetClassifier
from skd2ace._shown import digest

from ._measuring import TimedBatchSelection, peak_memory, reset_peak_memory, surroundings
from ._store import Key

# Columns of results beside the metrics, which must have other names.
RECORDED = {
    *Key._fields, "status", "curve", "metrics", "best_epoch", "fit_seconds", "predict_seconds",
    "selection_seconds", "peak_memory_mb", "device", "n_train", "n_test", "versions", "git_commit",
    "pid", "machine", "started", "split", "described", "estimator", "error",
}  # fmt: skip


class Task(NamedTuple):
    """One fit that is to be done."""

    key: Key
    estimator: BaseEstimator
    random_state: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]

    @property
    def split(self) -> str:
        """Digest of rows and seed: methods are compared where these are the same."""
        rows = (self.train.astype(np.int64), self.test.astype(np.int64))
        return digest((*rows, self.random_state))


def run_task(
    task: Task,
    data: tuple[Any, Any],
    metrics: dict[str, Callable[..., float]],
    tell_epoch: Callable[[int], None] | None = None,
) -> tuple[Key, dict[str, Any]]:
    """Do one fit.

    Returns
    -------
    tuple of key and record
        ``status`` is "ok", or "failed" with the traceback in ``error``.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, also where the estimator itself takes it for the end of training.
    """
    started = time.strftime("%Y-%m-%dT%H:%M:%S")
    if tell_epoch is not None:
        tell_epoch(0)
    try:
        with _noticing_interrupts():
            record = {"status": "ok", **_fit_and_score(task, *data, metrics, tell_epoch)}
    except Exception as error:
        record = failed(error)
    return task.key, {**record, **surroundings(), "started": started, "split": task.split}


def failed(error: BaseException) -> dict[str, Any]:
    """Return the record of a fit that failed."""
    return {"status": "failed", "error": "".join(traceback.format_exception(error))}


def _fit_and_score(
    task: Task,
    X: Any,
    Y: Any,
    metrics: dict[str, Callable[..., float]],
    tell_epoch: Callable[[int], None] | None,
) -> dict[str, Any]:
    est = _prepared(task, tell_epoch)
    # Inside the fold: the test part has no say in the scale. That of sparse features keeps zeros.
    model = make_pipeline(MaxAbsScaler() if sp.issparse(X) else MinMaxScaler(), est)
    device = str(getattr(est, "device", "cpu"))
    reset_peak_memory(device)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        # A label that all or none of a fold's instances have is no news here.
        warnings.filterwarnings("ignore", message="Label .* is present in all training examples")
        # The baseline stops after the epochs that it is given.
        warnings.filterwarnings("ignore", message="Stochastic Optimizer: Maximum iterations")
        model.fit(X[task.train], Y[task.train])
    trained = time.perf_counter()
    proba = label_probabilities(model, X[task.test])
    predicted = time.perf_counter()
    labels = np.asarray(model.predict(X[task.test]))
    return {
        "metrics": scores(metrics, Y[task.test], proba, labels),
        "curve": _curve(est),
        "best_epoch": getattr(est, "best_epoch_", None),
        "fit_seconds": trained - begin,
        "predict_seconds": predicted - trained,
        "selection_seconds": _selection_seconds(est),
        "peak_memory_mb": peak_memory(device),
        "device": device,
        "n_train": len(task.train),
        "n_test": len(task.test),
    }


def label_probabilities(model: Any, X: Any) -> NDArray[np.float64]:
    """Probabilities (n, q) of any scikit-learn multi-label classifier.

    Some give a list of (n, 2) per label, and (n, 1) for a label of one class.
    """
    proba = model.predict_proba(X)
    if not isinstance(proba, list):
        return np.asarray(proba)
    classes = model.classes_
    columns = [
        part[:, list(known).index(1)] if 1 in known else np.zeros(len(part))
        for part, known in zip(proba, classes, strict=True)
    ]
    return np.column_stack(columns)


def scores(
    metrics: dict[str, Callable[..., float]], Y: Any, proba: Any, labels: Any
) -> dict[str, float]:
    """All metrics, each of probabilities or of labels, as its second parameter is named."""
    wanted = {"score": proba, "pred": labels}
    return {name: float(metric(Y, wanted[judged(metric)])) for name, metric in metrics.items()}


def judged(metric: Callable[..., float]) -> str:
    """What a metric is of: "score" or "pred".

    Raises
    ------
    ValueError
        If the name of its second parameter does not say.
    """
    second = [*inspect.signature(metric).parameters, "", ""][1]
    if second not in ("y_score", "Y_score", "y_pred", "Y_pred"):
        raise ValueError(
            f"{metric} must name its second parameter y_score or y_pred, and names it {second!r}."
        )
    return second[2:]


def _prepared(task: Task, tell_epoch: Callable[[int], None] | None) -> BaseEstimator:
    est = clone(task.estimator)
    seeded: dict[str, Any] = {
        name: task.random_state
        for name in est.get_params()
        if name == "random_state" or name.endswith("__random_state")
    }
    if isinstance(est, MultiLabelNetClassifier):
        seeded = {"random_state": task.random_state}
        if "callbacks__batch_selection" not in est.get_params(deep=False):
            seeded["callbacks__batch_selection"] = TimedBatchSelection(tell_epoch=tell_epoch)
    return est.set_params(**seeded)


def _curve(est: BaseEstimator) -> list[float | None]:
    """Validation Macro-AUC by epochs; None where it was not defined."""
    if not isinstance(est, MultiLabelNetClassifier):
        return []
    values = [row.get("valid_macro_auc", float("nan")) for row in est.history]
    known = [None if np.isnan(value) else float(value) for value in values]
    return known if any(value is not None for value in known) else []


def _selection_seconds(est: BaseEstimator) -> float | None:
    if not isinstance(est, MultiLabelNetClassifier):
        return None
    return getattr(dict(est.callbacks_).get("batch_selection"), "seconds_", None)


@contextmanager
def _noticing_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt at the end of the block if one was swallowed within.

    Skorch takes Ctrl-C for the wish to end a training early; here it would store half a fit.
    """
    before = signal.getsignal(signal.SIGINT)
    # Not callable: ignored, as under nohup.
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    seen: list[int] = []

    def notice(number: int, frame: Any) -> None:
        seen.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, notice)
    try:
        yield
    except Exception as error:
        if seen:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if seen:
        raise KeyboardInterrupt

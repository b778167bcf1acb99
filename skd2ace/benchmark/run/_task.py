"""One fit of an experiment: train, predict, score, measure."""

import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import make_pipeline

from skd2ace import MultiLabelNetClassifier
from skd2ace._describe import digest
from skd2ace._sklearn import take_rows

from ._epochs import EpochWriter
from ._interrupts import notice_interrupts
from ._keys import Key
from ._measuring import (
    TimedBatchSelection,
    describe_surroundings,
    read_peak_memory,
    reset_peak_memory,
)
from ._preparing import IMPUTATION, make_preparation, prepares_itself
from ._scoring import compute_scores, predict_label_probabilities
from ._tuning import find_thresholds, score_tuned
from ._warmup import warm_up
from ._warnings import ignore_warnings

# Columns of results beside the metrics, which must have other names.
RECORDED = {
    *Key._fields, "status", "curve", "metrics", "best_epoch", "fit_seconds", "predict_seconds",
    "selection_seconds", "peak_memory_mb", "device", "n_train", "n_test", "versions", "git_commit",
    "pid", "machine", "started", "split", "described", "estimator", "error",
    "imputation", "oob_score", "tuned_macro_f1",
}  # fmt: skip
_NO_NEWS = (
    # A label that all or none of a fold's instances have.
    "Label .* is present in all training examples",
    # The baseline stops after the epochs that it is given.
    "Stochastic Optimizer: Maximum iterations",
)


class NoWorkersError(RuntimeError):
    """There are fits to do and nobody to do them; no fit is to blame."""


class Task(NamedTuple):
    """One fit that is to be done."""

    key: Key
    estimator: BaseEstimator
    random_state: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    is_imputed: bool = False
    """Whether the data set lacks features, for which methods get the same but those that read it
    as it is."""

    @property
    def split(self) -> str:
        """Digest of rows, seed and imputation: methods are compared where these are the same."""
        rows = (self.train.astype(np.int64), self.test.astype(np.int64))
        imputed = (IMPUTATION,) if self.is_imputed else ()
        return digest((*rows, self.random_state, *imputed))


def run_task(
    task: Task,
    data: tuple[Any, Any],
    metrics: dict[str, Callable[..., float]],
    epochs: EpochWriter | None = None,
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
    try:
        with (
            notice_interrupts(),
            ignore_warnings(*_NO_NEWS),
            nullcontext() if epochs is None else epochs.follow() as tell_epoch,
        ):
            record = {"status": "ok", **_fit_and_score(task, *data, metrics, tell_epoch)}
    except Exception as error:
        record = describe_failure(error)
    return task.key, {
        **record, **describe_surroundings(), "started": started, "split": task.split
    }  # fmt: skip


def describe_failure(error: BaseException) -> dict[str, Any]:
    """Describe a fit that failed, for the store."""
    return {"status": "failed", "error": "".join(traceback.format_exception(error))}


def _fit_and_score(
    task: Task,
    X: Any,
    Y: Any,
    metrics: dict[str, Callable[..., float]],
    tell_epoch: Callable[[int], None] | None,
) -> dict[str, Any]:
    est = _prepare(task, tell_epoch)
    model = make_pipeline(*make_preparation(est, X, is_imputed=task.is_imputed), est)
    is_imputed = task.is_imputed and not prepares_itself(est)
    X_train, X_test = take_rows(X, task.train), take_rows(X, task.test)
    # XGBoost has the name too, and leaves it open.
    device = str(getattr(est, "device", None) or "cpu")
    warm_up(est)
    reset_peak_memory(device)
    begin = time.perf_counter()
    model.fit(X_train, Y[task.train])
    trained = time.perf_counter()
    proba = predict_label_probabilities(model, X_test)
    predicted = time.perf_counter()
    labels = np.asarray(model.predict(X_test))
    thresholds = find_thresholds(model, est, X_train, Y[task.train])
    return {
        "metrics": compute_scores(metrics, Y[task.test], proba, labels),
        "curve": _read_curve(est),
        "best_epoch": getattr(est, "best_epoch_", None),
        "oob_score": getattr(est, "oob_score_", None),
        "tuned_macro_f1": score_tuned(Y[task.test], proba, thresholds),
        "fit_seconds": trained - begin,
        "predict_seconds": predicted - trained,
        "selection_seconds": _read_selection_seconds(est),
        "peak_memory_mb": read_peak_memory(device),
        "device": device,
        "n_train": len(task.train),
        "n_test": len(task.test),
        **({"imputation": IMPUTATION} if is_imputed else {}),
    }


def _prepare(task: Task, tell_epoch: Callable[[int], None] | None) -> BaseEstimator:
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


def _read_curve(est: BaseEstimator) -> list[float | None]:
    """Read the validation Macro-AUC by epochs; None where it was not defined."""
    rows = getattr(est, "history", [])
    values = [row.get("valid_macro_auc", float("nan")) for row in rows]
    known = [None if np.isnan(value) else float(value) for value in values]
    return known if any(value is not None for value in known) else []


def _read_selection_seconds(est: BaseEstimator) -> float | None:
    if not isinstance(est, MultiLabelNetClassifier):
        return None
    return getattr(dict(est.callbacks_).get("batch_selection"), "seconds_", None)

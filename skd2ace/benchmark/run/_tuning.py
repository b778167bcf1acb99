"""Scores at thresholds that were tuned on what a fit held out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skd2ace import MultiLabelNetClassifier
from skd2ace._sklearn import take_rows
from skd2ace.metrics import best_thresholds, macro_f1

from ._scoring import predict_label_probabilities


def find_thresholds(model: Any, est: Any, X: Any, Y: NDArray[Any]) -> NDArray[np.float64] | None:
    """Find the thresholds (q,) of the best Macro-F1, as ``threshold="tune"`` does, after a fit.

    By the rows that the estimator predicts out of bag, or else by those that it held out, which
    costs no further training; None where there are neither.

    Parameters
    ----------
    model : fitted pipeline
        Ends in ``est``.
    X, Y : array-like of shape (n, d), array of shape (n, q)
        What the pipeline was fitted on.
    """
    est = find_network(est)
    if est is None:
        return None
    proba = getattr(est, "oob_proba_", None)
    rows = est.valid_indices_ if proba is None else np.flatnonzero(~np.isnan(proba).any(axis=1))
    if rows is None or len(rows) == 0:
        return None
    if proba is None:
        return best_thresholds(Y[rows], predict_label_probabilities(model, take_rows(X, rows)))
    return best_thresholds(Y[rows], proba[rows])


def find_network(est: Any) -> MultiLabelNetClassifier | None:
    """Find the network in a fitted estimator: itself, or what it has searched for or wrapped."""
    for name in ("estimator_", "best_estimator_"):
        est = getattr(est, name, est)
    return est if isinstance(est, MultiLabelNetClassifier) else None


def score_tuned(Y: Any, proba: NDArray[Any], thresholds: NDArray[Any] | None) -> float | None:
    """Macro-F1 at thresholds (q,); None without them."""
    return None if thresholds is None else float(macro_f1(Y, proba >= thresholds))

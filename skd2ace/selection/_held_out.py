"""Predictions of instances by models that did not see them."""

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import KFold
from sklearn.utils import get_tags
from torch import Tensor

_OUT_OF_BAG = ("oob_proba_", "oob_decision_function_")


def predict_held_out(
    estimator: Any, X: Tensor, Y: Tensor, known: Tensor | None, cv: int | None, seed: int
) -> Tensor:
    """Probabilities (n, q), float64 on Y's device, by copies that did not see the instance.

    Parameters
    ----------
    estimator : classifier
    X : Tensor of shape (n, d), dense or sparse CSR
    Y : Tensor of shape (n, q)
        0/1.
    known : Tensor of shape (n, q), bool, or None
        Where it is not None, each label has fits of its own, on the instances of which it is
        known.
    cv : int or None
        Parts of the cross-fitting; None takes out-of-bag predictions.
    seed : int
        Of the parts, and of ``random_state`` of the copies, where that is None.

    Raises
    ------
    ValueError
        If out-of-bag predictions are wanted that the estimator does not make.
    """
    features, labels = _to_numpy(X), Y.to(torch.int64).cpu().numpy()
    seeded = _seed(estimator, seed)
    if known is None:
        proba = _predict(seeded, features, labels, np.arange(len(labels)), cv, seed)
    else:
        rows_of = known.cpu().numpy()
        proba = np.full(labels.shape, 0.5)
        for j in range(labels.shape[1]):
            rows = np.flatnonzero(rows_of[:, j])
            proba[rows, j : j + 1] = _predict(seeded, features, labels[:, [j]], rows, cv, seed)
    return torch.as_tensor(proba, dtype=torch.float64, device=Y.device)


def _predict(
    estimator: Any, X: Any, Y: NDArray, rows: NDArray, cv: int | None, seed: int
) -> NDArray:
    """Probabilities of the rows, by fits on rows alone; 0.5 where there are too few of them."""
    X, Y = X[rows], Y[rows]
    proba = np.full(Y.shape, 0.5)
    if len(rows) < 2:
        return proba
    if cv is None:
        return _predict_out_of_bag(estimator, X, Y)
    folds = KFold(min(cv, len(rows)), shuffle=True, random_state=seed % 2**32)
    for train, test in folds.split(X):
        proba[test] = _predict_others(estimator, X[train], Y[train], X[test])
    return proba


def _predict_others(estimator: Any, X: Any, Y: NDArray, others: Any) -> NDArray:
    """Probabilities of other instances; labels that never vary have no say in the fit."""
    found = np.broadcast_to(Y.mean(axis=0), (others.shape[0], Y.shape[1])).copy()
    varies = (Y[0] != Y).any(axis=0)
    if varies.any():
        model = clone(estimator).fit(X, _shape(Y[:, varies], estimator))
        found[:, varies] = _columns(model.predict_proba(others), int(varies.sum()))
    return found


def _predict_out_of_bag(estimator: Any, X: Any, Y: NDArray) -> NDArray:
    """Out-of-bag probabilities; where an instance has none, the labels' frequencies."""
    varies = (Y[0] != Y).any(axis=0)
    proba = np.broadcast_to(Y.mean(axis=0), Y.shape).copy()
    if not varies.any():
        return proba
    model = clone(estimator).fit(X, _shape(Y[:, varies], estimator))
    found = next((getattr(model, name) for name in _OUT_OF_BAG if hasattr(model, name)), None)
    if found is None:
        raise ValueError(
            f"cv=None needs an estimator with out-of-bag predictions, in {' or '.join(_OUT_OF_BAG)}"
            f", which {type(estimator).__name__} has not after it is fitted."
        )
    found = np.asarray(found)
    if found.ndim == 3:
        # Scikit-learn has classes before labels.
        found = found[:, 1, :]
    found = _columns(found, int(varies.sum()))
    proba[:, varies] = np.where(np.isnan(found), proba[:, varies], found)
    return proba


def _shape(Y: NDArray, estimator: Any) -> NDArray:
    """Labels as the estimator wants them: one of them in one dimension, where it takes that."""
    takes_one = get_tags(estimator).target_tags.single_output
    return Y[:, 0] if Y.shape[1] == 1 and takes_one else Y


def _columns(proba: Any, n_labels: int) -> NDArray:
    """Probabilities (n, q) that labels are relevant, of all forms that scikit-learn has."""
    if isinstance(proba, list):
        return np.column_stack([np.asarray(of_label)[:, 1] for of_label in proba])
    found = np.asarray(proba)
    return found[:, -1:] if n_labels == 1 else found


def _seed(estimator: Any, seed: int) -> Any:
    """Copy an estimator, seeded where it is not."""
    copy = clone(estimator)
    open_seeds = {
        name: seed % 2**32
        for name, value in copy.get_params().items()
        if name.split("__")[-1] == "random_state" and value is None
    }
    return copy.set_params(**open_seeds)


def _to_numpy(X: Tensor) -> Any:
    if X.layout is torch.strided:
        return X.cpu().numpy()
    parts = (X.values(), X.col_indices(), X.crow_indices())
    return sp.csr_array(tuple(part.cpu().numpy() for part in parts), shape=tuple(X.shape))

"""What a selector is started with, and what it is told."""

from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skd2ace._labels import check_zero_one_tensor
from skd2ace._sklearn import Interval

_WHOLE = Interval(Integral, 1, None, closed="left")
# Seeds of any size: numpy's SeedSequence takes them.
_SEED = Interval(Integral, 0, None, closed="left")
RUN_CONSTRAINTS: dict[str, list[Any]] = {
    "n_epochs": [_WHOLE],
    "batch_size": [_WHOLE],
    "random_state": [_SEED, np.random.RandomState, None],
}


def check_data(X: Tensor, Y: Tensor) -> None:
    """Refuse features that are not finite, and labels that are not zeros and ones.

    Raises
    ------
    TypeError
        If X or Y is no tensor of a layout that selectors work with.
    ValueError
        If Y is not a matrix of zeros and ones, or X is no finite matrix of as many rows.
    """
    _check_layout("X", X, torch.strided, torch.sparse_csr)
    _check_layout("Y", Y, torch.strided)
    if X.ndim != 2:
        raise ValueError(
            f"X must have shape (n, d), got {tuple(X.shape)}; X.reshape(len(X), -1) has."
        )
    if Y.ndim != 2 or Y.shape[0] == 0:
        raise ValueError(f"Y must have shape (n, q) with n > 0, got {tuple(Y.shape)}.")
    if X.shape[0] != Y.shape[0]:
        raise ValueError(f"X has {X.shape[0]} rows and Y has {Y.shape[0]}.")
    check_zero_one_tensor(Y, "Y")
    if not torch.isfinite(X if X.layout is torch.strided else X.values()).all():
        raise ValueError("X contains NaN or infinity.")


def _check_layout(name: str, data: object, *layouts: torch.layout) -> None:
    if isinstance(data, Tensor) and data.layout in layouts:
        return
    wanted = "dense or sparse CSR" if torch.sparse_csr in layouts else "dense"
    kind = type(data)
    found = data.layout if isinstance(data, Tensor) else f"{kind.__module__}.{kind.__qualname__}"
    raise TypeError(f"{name} must be a torch tensor, {wanted}, got {found}.")


def check_update(index: Tensor, proba: Tensor, losses: Tensor, n_labels: int) -> None:
    """Refuse what does not have one row per instance and one column per label.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    expected = (len(index), n_labels)
    if proba.shape != expected or losses.shape != expected:
        raise ValueError(
            f"update of {len(index)} instances needs proba and losses of shape {expected}, "
            f"got {tuple(proba.shape)} and {tuple(losses.shape)}."
        )


def check_proba_range(extremes: list[Tensor], name: str, epoch: int) -> None:
    """Refuse predictions of an epoch by their extremes, reading the device but once.

    Raises
    ------
    ValueError
        If one is not in [0, 1], or NaN.
    """
    found = torch.stack(extremes) if extremes else torch.zeros(1)
    if not ((found >= 0) & (found <= 1)).all():
        raise ValueError(
            f"{name}: probabilities must be in [0, 1], but update was told others in epoch "
            f"{epoch + 1}, between {found.min().item():.3g} and {found.max().item():.3g}; pass "
            "torch.sigmoid(logits)."
        )


def check_finite(probabilities: Tensor, name: str, epoch: int) -> None:
    """Refuse sampling probabilities that are not finite.

    Raises
    ------
    ValueError
        If one is not; the message says at which epoch.
    """
    if not torch.isfinite(probabilities).all():
        raise ValueError(f"{name}: the sampling probabilities of epoch {epoch + 1} are not finite.")

"""What a selector is started with, and what it is told."""

from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skd2ace._labels import check_zero_one_tensor, keep_known
from skd2ace._sklearn import Interval

_WHOLE = Interval(Integral, 1, None, closed="left")
# Seeds of any size: numpy's SeedSequence takes them.
_SEED = Interval(Integral, 0, None, closed="left")
RUN_CONSTRAINTS: dict[str, list[Any]] = {
    "n_epochs": [_WHOLE],
    "batch_size": [_WHOLE],
    "random_state": [_SEED, np.random.RandomState, None],
}


def read_labels(
    Y: Tensor | NDArray[Any], cell_weight: Tensor | NDArray[Any] | None
) -> tuple[Tensor, Tensor | None]:
    """Labels, and which of them are known: neither NaN nor of weight 0.

    Returns
    -------
    labels : Tensor of shape (n, q)
        Y, with 0 in cells that are not known.
    known : Tensor of shape (n, q), bool, or None
        None: all are.

    Raises
    ------
    TypeError
        If one is no dense tensor or array of numbers.
    ValueError
        If what is known of Y is not zeros and ones, or the weights do not fit it.
    """
    Y = _read_tensor("Y", Y, torch.strided)
    if Y.ndim != 2 or Y.shape[0] == 0:
        raise ValueError(f"Y must have shape (n, q) with n > 0, got {tuple(Y.shape)}.")
    cells = ~Y.isnan()
    if cell_weight is not None:
        cells &= _read_weights(cell_weight, Y) > 0
    known = None if cells.all() else cells
    labels = keep_known(Y, known)
    check_zero_one_tensor(labels, "Y")
    return labels, known


def _read_weights(cell_weight: Tensor | NDArray[Any], Y: Tensor) -> Tensor:
    """Weights of shape (n, 1) or (n, q), on the device of Y."""
    cell_weight = _read_tensor("cell_weight", cell_weight, torch.strided)
    if cell_weight.shape not in (Y.shape[:1], Y.shape):
        raise ValueError(
            f"cell_weight must have shape {tuple(Y.shape[:1])} or {tuple(Y.shape)}, one weight per "
            f"instance or per instance and label, got {tuple(cell_weight.shape)}."
        )
    wrong = cell_weight[~(torch.isfinite(cell_weight) & (cell_weight >= 0))]
    if wrong.numel():
        raise ValueError(f"cell_weight must be finite and not negative; found {wrong[0].item()}.")
    weights = cell_weight.to(Y.device)
    return weights if weights.ndim == 2 else weights[:, None]


def read_features(
    X: Any, neighbor_features: Tensor | NDArray[Any] | None, n_rows: int, *, wanted: bool
) -> Any:
    """What neighbours are found on, or X as it is where they are not ``wanted``.

    Returns
    -------
    Tensor of shape (n, d)
        ``neighbor_features`` where there are such, else X, instances of more than one dimension
        flattened.

    Raises
    ------
    TypeError
        If X has no length, or what neighbours are found on is no tensor or array of numbers.
    ValueError
        If there are not ``n_rows`` rows, or what neighbours are found on is no finite matrix.
    """
    _check_length("X", X, n_rows)
    if neighbor_features is not None:
        return _read_matrix("neighbor_features", neighbor_features, n_rows)
    if wanted:
        if isinstance(X, (Tensor, np.ndarray)) and X.ndim > 2:
            X = X.reshape(len(X), -1)
        X = _read_matrix("X", X, n_rows)
    return X


def _read_matrix(name: str, features: Any, n_rows: int) -> Tensor:
    features = _read_tensor(name, features, torch.strided, torch.sparse_csr)
    if features.ndim != 2:
        shape = tuple(features.shape)
        raise ValueError(f"{name} must have shape (n, d) for the neighbours, got {shape}.")
    _check_length(name, features, n_rows)
    values = features if features.layout is torch.strided else features.values()
    if not torch.isfinite(values).all():
        raise ValueError(f"{name} contains NaN or infinity.")
    return features


def _check_length(name: str, data: Any, n_rows: int) -> None:
    # Scipy's sparse matrices have a shape and no length, lists the contrary.
    shape = getattr(data, "shape", None)
    if shape is None and hasattr(data, "__len__"):
        shape = (len(data),)
    if not shape:
        raise TypeError(f"{name} must have one row per instance, got {_kind(data)}.")
    if shape[0] != n_rows:
        raise ValueError(f"{name} has {shape[0]} rows and Y has {n_rows}.")


def _read_tensor(name: str, data: object, *layouts: torch.layout) -> Tensor:
    """Tensor of one of the layouts, which shares an array's memory where it can."""
    if isinstance(data, Tensor) and data.layout in layouts:
        return data
    if type(data) is np.ndarray and data.dtype.kind in "biuf":
        return _from_array(name, data)
    wanted = "dense or sparse CSR" if torch.sparse_csr in layouts else "dense"
    found = data.layout if isinstance(data, Tensor) else _kind(data)
    raise TypeError(
        f"{name} must be a torch tensor, {wanted}, or an array of numbers, got {found}."
    )


def _from_array(name: str, array: NDArray[Any]) -> Tensor:
    # Torch takes no strides below 0, warns of memory that it must not write, and knows one order
    # of bytes only.
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    try:
        return torch.as_tensor(np.require(native, requirements=["C", "W"]))
    except TypeError as error:
        raise TypeError(
            f"{name} is an array of {array.dtype}, which torch does not have."
        ) from error


def _kind(data: object) -> str:
    if isinstance(data, np.ndarray):
        return f"{type(data).__module__}.{type(data).__qualname__} of {data.dtype}"
    return f"{type(data).__module__}.{type(data).__qualname__}"


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

"""What a selector is started with."""

from numbers import Integral

import torch
from torch import Tensor


def check_data(X: Tensor, Y: Tensor) -> None:
    """Refuse features that are not finite, and labels that are not zeros and ones.

    Raises
    ------
    ValueError
        If Y is not a matrix of zeros and ones, or X has another number of rows or is not finite.
    """
    if Y.ndim != 2 or Y.shape[0] == 0:
        raise ValueError(f"Y must have shape (n, q) with n > 0, got {tuple(Y.shape)}.")
    if X.shape[0] != Y.shape[0]:
        raise ValueError(f"X has {X.shape[0]} rows and Y has {Y.shape[0]}.")
    wrong = (Y != 0) & (Y != 1)
    if wrong.any():
        raise ValueError(f"Y must hold zeros and ones, found {Y[wrong][0].item()}.")
    if not torch.isfinite(X if X.layout is torch.strided else X.values()).all():
        raise ValueError("X contains NaN or infinity.")


def check_whole(**numbers: object) -> None:
    """Refuse numbers that are not integers of at least 1, by their names.

    Raises
    ------
    TypeError
        If one is not an integer.
    ValueError
        If one is smaller than 1.
    """
    for name, number in numbers.items():
        if not isinstance(number, Integral):
            raise TypeError(f"{name} must be an integer, got {number!r}.")
        if number < 1:
            raise ValueError(f"{name} must be positive, got {number}.")

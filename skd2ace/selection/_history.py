"""The last predictions of every (instance, label): one entry per epoch."""

import torch
from torch import Tensor


def empty_history(window: int, Y: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """History of shape (window, n, q), newest last, in which nothing has been predicted yet."""
    return torch.full((window, *Y.shape), torch.nan, dtype=dtype, device=Y.device)


def record_predictions(history: Tensor, index: Tensor, proba: Tensor, again: Tensor) -> None:
    """Write the predictions of a batch as the newest entries of its instances.

    Parameters
    ----------
    history : Tensor of shape (window, n, q)
        Changed in place.
    index : Tensor of shape (b,)
    proba : Tensor of shape (b, q)
    again : Tensor of shape (b,), bool
        Whose newest entry is of this epoch already, and is overwritten.
    """
    window = history[:, index]
    window = torch.where(again[:, None], window, window.roll(-1, dims=0))
    window[-1] = proba.to(history.dtype)
    history[:, index] = window

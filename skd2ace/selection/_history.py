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
    # Each step reads these rows, by index_select in a quarter of the time of history[:, index].
    window = history.index_select(1, index)
    older = torch.where(again[:, None], window[:-1], window[1:])
    history[:-1].index_copy_(1, index, older)
    history[-1].index_copy_(0, index, proba.to(history.dtype))

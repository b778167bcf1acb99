"""How many training steps an epoch has."""

from typing import Any


def count_selected(net: Any) -> int | None:
    """Count the batches of the epoch that a net has begun, as its batch selector says.

    None where no selector serves that epoch, or it has not been asked for a batch yet.
    """
    selector = getattr(net, "batch_selector_", None)
    if getattr(selector, "epoch_", None) != len(net.history) - 1:
        return None
    n_batches: int | None = getattr(selector, "n_batches_", None)
    return n_batches

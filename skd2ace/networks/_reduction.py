"""What the losses for ``criterion=`` share."""

from torch import Tensor


def check_reduction(reduction: str) -> None:
    """Refuse a reduction that there is none of."""
    if reduction not in ("mean", "none"):
        raise ValueError(f"reduction must be 'mean' or 'none', got {reduction!r}.")


def reduce(losses: Tensor, reduction: str) -> Tensor:
    """Mean of losses (b, q), or the losses themselves."""
    return losses.mean() if reduction == "mean" else losses

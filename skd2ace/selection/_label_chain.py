"""Batches in which each instance carries a label close to the rarest one of the instance before."""

import torch
from torch import Generator, Tensor

from . import functional as F
from ._drawing import arrival_times

# A power of two is exact: it puts who does not follow behind all others, and keeps their order.
_BEHIND = 2.0**400


def chain_links(Y: Tensor) -> tuple[Tensor, Tensor]:
    """Which instances may follow which, in Hard-Imb's label-correlation variant (section 3.5).

    Parameters
    ----------
    Y : Tensor of shape (n, q)
        0/1 in any dtype.

    Returns
    -------
    rarest : Tensor of shape (n,), int64
        The label of each instance that has the fewest positives, that is the largest IRLbl, the
        lower index first; q where it has none.
    followers : Tensor of shape (q + 1, n), bool
        Per rarest label, the instances that carry one of the labels closest to it; all for q.
    """
    n_instances, n_labels = Y.shape
    relevant = Y.to(torch.bool)
    counts = torch.where(relevant, relevant.sum(0), n_instances + 1)
    rarest = torch.where(relevant.any(1), counts.argmin(1), n_labels)
    close = torch.zeros(n_labels + 1, n_labels, device=Y.device)
    close[:n_labels].scatter_(1, F.closest_labels(Y), 1.0)
    followers = close @ relevant.to(close.dtype).T > 0
    followers[n_labels] = True
    return rarest, followers


def draw_chain(
    probabilities: Tensor,
    rarest: Tensor,
    followers: Tensor,
    batch_size: int,
    generator: Generator,
) -> Tensor:
    """Draw one batch of distinct instances, each among the followers of the one before.

    The first is drawn among all, and so is any that has no follower left. One race serves the
    whole batch: whoever arrives first among the followers is drawn, after which the waiting
    times of the other followers begin anew. Exponential times allow that to be done by
    subtracting what has passed.

    Returns
    -------
    Tensor of shape (batch_size,), int64
    """
    arrival = arrival_times(probabilities, 1, generator)[0]
    follows = torch.ones_like(arrival, dtype=torch.bool)
    batch: list[Tensor] = []
    for _ in range(batch_size):
        drawn = torch.where(follows, arrival, arrival * _BEHIND).argmin(dim=0, keepdim=True)
        waited = follows | ~follows[drawn]
        arrival = torch.where(waited, arrival - arrival[drawn], arrival)
        arrival[drawn] = torch.inf
        follows = followers[rarest[drawn]][0]
        batch.append(drawn)
    return torch.cat(batch)

"""Batches in which each instance carries a label close to the rarest one of the instance before."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import functional as F

# Tries at an instance that is not in the batch yet, before those that are get sorted out.
_N_TRIES = 16


class LabelChain:
    """Who may follow whom in Hard-Imb's label-correlation variant (section 3.5 of its paper).

    It works on the host: one small draw after another is what a GPU is slowest at.

    Parameters
    ----------
    Y : Tensor of shape (n, q)
        0/1 in any dtype, on any device; 0 where it is not known.
    known : Tensor of shape (n, q), bool, optional
        As for :func:`~skd2ace.selection.functional.closest_labels`.

    Attributes
    ----------
    rarest : ndarray of shape (n,)
        The label of each instance that has the fewest positives, that is the largest IRLbl, the
        lower index first; q where it has none.
    followers : list of q + 1 arrays
        Per rarest label, the instances that carry one of the labels closest to it; all for q.
    """

    def __init__(self, Y: Tensor, known: Tensor | None = None) -> None:
        n_instances, n_labels = Y.shape
        relevant = Y.to(torch.bool)
        counts = torch.where(relevant, relevant.sum(0), n_instances + 1)
        rarest = torch.where(relevant.any(1), counts.argmin(1), n_labels)
        self.rarest = rarest.cpu().numpy()
        self.followers = [
            relevant[:, close].any(1).nonzero()[:, 0].cpu().numpy()
            for close in F.closest_labels(Y, known)
        ]
        self.followers.append(np.arange(n_instances))

    def draw(
        self, probabilities: NDArray[np.float64], batch_size: int, rng: np.random.Generator
    ) -> list[int]:
        """Draw one batch of distinct instances, each among the followers of the one before.

        The first is drawn among all, and so is any that has no follower left.
        """
        cumulative: dict[int, NDArray[np.float64]] = {}
        batch: dict[int, None] = {}
        label = len(self.followers) - 1
        for _ in range(batch_size):
            followers = self.followers[label]
            if label not in cumulative:
                cumulative[label] = probabilities[followers].cumsum()
            drawn = _draw_new(followers, cumulative[label], batch, rng)
            if drawn is None:
                drawn = _draw_among_left(followers, probabilities, batch, rng)
            batch[drawn] = None
            label = int(self.rarest[drawn])
        return list(batch)


def _draw_new(
    followers: NDArray[np.int64],
    cumulative: NDArray[np.float64],
    batch: dict[int, None],
    rng: np.random.Generator,
) -> int | None:
    """Draw until it is nobody in the batch; None after too many tries."""
    if not len(followers):
        return None
    for number in rng.random(_N_TRIES):
        place = cumulative.searchsorted(number * cumulative[-1], side="right")
        drawn = int(followers[min(place, len(followers) - 1)])
        if drawn not in batch:
            return drawn
    return None


def _draw_among_left(
    followers: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    batch: dict[int, None],
    rng: np.random.Generator,
) -> int:
    """Draw among those who are not in the batch; among all of these, if no follower is left."""
    left = np.setdiff1d(followers, list(batch), assume_unique=True)
    if not len(left):
        left = np.setdiff1d(np.arange(len(probabilities)), list(batch), assume_unique=True)
    return int(rng.choice(left, p=probabilities[left] / probabilities[left].sum()))

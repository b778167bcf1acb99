"""From weights or losses of instances to sampling probabilities, and the schedules of both."""

import math
from typing import Literal

import torch
from torch import Tensor

Decay = Literal["linear", "exponential"]

# Beyond it double precision tells no hardness from a smaller one, and ends in infinity.
_HIGHEST_TEMPERATURE = 1e12


def selection_pressure(epoch: float, first: float, last: float, initial: float = 100.0) -> float:
    """Largest ratio between two sampling probabilities, decaying exponentially to 1 (Eq. 21).

    Parameters
    ----------
    epoch, first, last : float
        The epoch asked for, and those at which the decay begins and ends, on one count.
    initial : float, default=100.
        Pressure up to ``first``, at least 1.

    Returns
    -------
    float
        1 from ``last`` on, also where ``first`` is not before ``last``.

    Examples
    --------
    >>> from skd2ace.selection.functional import selection_pressure
    >>> [round(selection_pressure(epoch, 11, 100), 2) for epoch in (1, 11, 12, 100)]
    [100.0, 100.0, 94.96, 1.0]
    """
    if epoch >= last:
        return 1.0
    progress = max(epoch - first, 0) / (last - first) if last > first else 1.0
    return initial ** (1 - progress)


def sampling_probabilities(weights: Tensor, pressure: float) -> Tensor:
    """Quantised sampling probabilities of instance weights (Eq. 13-14).

    The weights are min-max scaled to [0, 1] and quantised to the ranks ceil((1 - w) n) in
    1 ... n, so that the heaviest instance has rank 1; the probability falls by the factor
    pressure^(1/n) with each rank. (Eq. 13 as printed, ceil(1 - w n), is negative for most
    weights.)

    Parameters
    ----------
    weights : Tensor of shape (n,)
        Finite weights of any scale.
    pressure : float
        At least 1; the largest ratio between two probabilities is below it.

    Returns
    -------
    Tensor of shape (n,), float64 whatever the input
        Positive, summing to 1; uniform where all weights are equal.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import sampling_probabilities
    >>> sampling_probabilities(torch.tensor([3.0, 1.0]), pressure=4.0)
    tensor([0.6667, 0.3333], dtype=torch.float64)
    """
    n_instances = len(weights)
    # Halved, so that finite weights have a finite range; from here on in place, for many instances.
    weights = weights.to(torch.float64, copy=True).div_(2)
    lowest, highest = weights.aminmax()
    span = highest - lowest
    scaled = weights.sub_(lowest).div_(torch.where(span > 0, span, 1))
    shares = scaled.neg_().add_(1).mul_(n_instances)
    # Rounded first, so that the last bits of the scaling do not push a weight over an edge.
    ranks = shares.round_(decimals=9).ceil_().clamp_(1, n_instances)
    return torch.softmax(ranks.mul_(-math.log(pressure) / n_instances), dim=0)


def rank_probabilities(losses: Tensor, pressure: float) -> Tensor:
    """Sampling probabilities that grow exponentially with the rank of the loss.

    p(i) is proportional to exp(log(pressure) / n)^r(i), where r(i) in 1 ... n is the place of
    the loss in ascending order (Loshchilov and Hutter 2015 [1]_; Eq. 3 of Hard-Imb [2]_).

    Parameters
    ----------
    losses : Tensor of shape (n,)
        Of any scale. Equal losses share the mean of their ranks.
    pressure : float
        At least 1; the largest ratio between two probabilities is below it.

    Returns
    -------
    Tensor of shape (n,), float64
        Positive, summing to 1.

    References
    ----------
    .. [1] Loshchilov and Hutter (2015). Online Batch Selection for Faster Training of Neural
       Networks. arXiv:1511.06343.
    .. [2] Zhou et al. (2024). Multi-Label Adaptive Batch Selection by Highlighting Hard and
       Imbalanced Samples. ECML PKDD.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import rank_probabilities
    >>> rank_probabilities(torch.tensor([0.1, 7.0]), pressure=4.0)
    tensor([0.3333, 0.6667], dtype=torch.float64)
    """
    n_instances = len(losses)
    _, place, counts = torch.unique(losses, return_inverse=True, return_counts=True)
    last = counts.cumsum(0).to(torch.float64)
    ranks = (last - (counts - 1) / 2)[place]
    return torch.softmax(ranks * (math.log(pressure) / n_instances), dim=0)


def loss_probabilities(losses: Tensor, pressure: float) -> Tensor:
    """Sampling probabilities of losses quantised in steps of max / n (Hard-Imb [1]_, Eq. 6-7).

    p(i) is proportional to exp(log(pressure) / n)^Q(i) with Q(i) = ceil(loss n / max). Unlike
    ranks, small differences between losses stay small differences.

    Parameters
    ----------
    losses : Tensor of shape (n,)
        Not negative.
    pressure : float
        At least 1; the largest ratio between two probabilities.

    Returns
    -------
    Tensor of shape (n,), float64
        Positive, summing to 1; uniform where all losses are 0.

    References
    ----------
    .. [1] Zhou et al. (2024). Multi-Label Adaptive Batch Selection by Highlighting Hard and
       Imbalanced Samples. ECML PKDD.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import loss_probabilities
    >>> loss_probabilities(torch.tensor([0.0, 3.0]), pressure=4.0)
    tensor([0.2000, 0.8000], dtype=torch.float64)
    """
    n_instances = len(losses)
    losses = losses.to(torch.float64)
    highest = losses.max()
    shares = losses / torch.where(highest > 0, highest, 1)
    levels = torch.round(shares * n_instances, decimals=9).ceil_()
    return torch.softmax(levels * (math.log(pressure) / n_instances), dim=0)


def exp3_probabilities(hardness: Tensor) -> Tensor:
    """Sampling probabilities exp(sqrt(2 log(n) / n) s), normalised (DIHCL [1]_).

    s = sqrt(n) r / (r + mean(r)) is the hardness r on a scale of its own: no unit of r has a say,
    and the exponents are between 0 and sqrt(2 log(n)).

    Parameters
    ----------
    hardness : Tensor of shape (n,)
        r, not negative.

    Returns
    -------
    Tensor of shape (n,), float64
        Positive (the ratio of two is below exp(sqrt(2 log(n)))), summing to 1; uniform where all
        r are equal.

    References
    ----------
    .. [1] Zhou et al. (2020). Curriculum Learning by Dynamic Instance Hardness. NeurIPS.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import exp3_probabilities
    >>> exp3_probabilities(torch.tensor([0.0, 2.0]))  # s = sqrt(2) (0, 2/3)
    tensor([0.3133, 0.6867], dtype=torch.float64)
    """
    hardness = hardness.to(torch.float64)
    highest = hardness.max()
    # Their mean may be infinite where they are not.
    hardness = hardness / torch.where(highest > 0, highest, 1)
    scaled = hardness / (hardness + torch.where(highest > 0, hardness.mean(), 1))
    return torch.softmax(math.sqrt(2 * math.log(len(hardness))) * scaled, dim=0)


def proportional_probabilities(weights: Tensor, uniform_share: float) -> Tensor:
    """Sampling probabilities in proportion to weights, mixed with uniform ones.

    (1 - u) w / sum(w) + u / n: importance sampling as in Katharopoulos and Fleuret [1]_, with
    1 / (n p) at most 1 / u.

    Parameters
    ----------
    weights : Tensor of shape (n,)
        w, not negative.
    uniform_share : float
        u, in (0, 1].

    Returns
    -------
    Tensor of shape (n,), float64
        Positive, summing to 1; uniform where all weights are 0.

    References
    ----------
    .. [1] Katharopoulos and Fleuret (2018). Not All Samples Are Created Equal: Deep Learning with
       Importance Sampling. ICML.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import proportional_probabilities
    >>> proportional_probabilities(torch.tensor([0.0, 3.0]), uniform_share=0.5)
    tensor([0.2500, 0.7500], dtype=torch.float64)
    """
    weights = weights.to(torch.float64)
    highest = weights.max()
    # Their sum may be infinite where they are not.
    weights = torch.where(highest > 0, weights / torch.where(highest > 0, highest, 1), 1)
    return (1 - uniform_share) * weights / weights.sum() + uniform_share / len(weights)


def softmax_probabilities(hardness: Tensor, temperature: float) -> Tensor:
    """Sampling probabilities exp(temperature * r / mean(r)), normalised (DIHCL [1]_).

    Parameters
    ----------
    hardness : Tensor of shape (n,)
        r, not negative.
    temperature : float
        Not negative; 0 is uniform. Above 1e12 it counts as 1e12.

    Returns
    -------
    Tensor of shape (n,), float64
        Positive (none is below e^-500 of the largest), summing to 1; uniform where all r are 0.

    References
    ----------
    .. [1] Zhou et al. (2020). Curriculum Learning by Dynamic Instance Hardness. NeurIPS.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import softmax_probabilities
    >>> softmax_probabilities(torch.tensor([0.0, 2.0]), temperature=0.5)
    tensor([0.2689, 0.7311], dtype=torch.float64)
    """
    hardness = hardness.to(torch.float64)
    highest = hardness.max()
    # Their mean may be infinite where they are not.
    hardness = hardness / torch.where(highest > 0, highest, 1)
    exponents = (
        min(temperature, _HIGHEST_TEMPERATURE)
        * hardness
        / torch.where(highest > 0, hardness.mean(), 1)
    )
    # One hardness far above the others would leave them a probability of 0.
    return torch.softmax(exponents.clamp(min=exponents.max() - 500), dim=0)


def mixing_coefficient(
    epoch: float,
    start: float,
    end: float,
    initial: float = 0.7,
    final: float = 0.3,
    decay: Decay = "linear",
) -> float:
    """Share of uncertainty in the Bernoulli mixture (Eq. 17).

    Parameters
    ----------
    epoch, start, end : float
        The epoch asked for, and those between which the share moves, on one count.
    initial, final : float, default=0.7, 0.3
        The share up to ``start`` and from ``end`` on, in [0, 1].
    decay : {"linear", "exponential"}, default="linear"
        Of the way between them; "exponential" is initial (final / initial)^progress and needs
        both to be positive.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the decay is exponential from or to 0.

    Examples
    --------
    >>> from skd2ace.selection.functional import mixing_coefficient
    >>> [round(mixing_coefficient(epoch, 30, 70), 2) for epoch in (1, 30, 50, 70, 100)]
    [0.7, 0.7, 0.5, 0.3, 0.3]
    """
    if decay == "exponential" and min(initial, final) <= 0:
        raise ValueError(
            f"An exponential decay needs a positive start and end, got {initial} and {final}."
        )
    if epoch >= end:
        return float(final)
    if epoch <= start:
        return float(initial)
    progress = (epoch - start) / (end - start)
    if decay == "linear":
        return initial + progress * (final - initial)
    return initial * (final / initial) ** progress

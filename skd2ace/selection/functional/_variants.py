"""Equations from which the published code departs: as the paper has them, or as the code does."""

from collections.abc import Callable
from typing import Literal, get_args

from torch import Tensor

from . import _scores, _weights
from ._blocks import ScoreBlocks, Scores
from ._published import PublishedCode
from ._weights import Correlation, LabelWeight

Variant = Literal["paper", "reference"]


def update_flip_rate(
    flip_rate: Tensor,
    before: Tensor,
    now: Tensor,
    smoothing: float = 0.7,
    variant: Variant = "paper",
) -> Tensor:
    """Moving average of how often a prediction flips (Eq. 4).

    Parameters
    ----------
    flip_rate : Tensor of shape (n, q)
        The average so far, in [0, 1]; 0 at the start.
    before, now : Tensor of shape (n, q)
        The previous and the latest probability. Where ``before`` is NaN (the instance had not
        been seen), nothing can flip.
    smoothing : float, default=0.7
        Lambda 2 of the paper, in (0, 1]: the share of the latest flip.
    variant : {"paper", "reference"}, default="paper"
        A flip is a change of the prediction thresholded at 0.5 ("paper"), or the absolute change
        of the probability ("reference").

    Returns
    -------
    Tensor of shape (n, q)
    """
    chosen = _chosen(variant, _scores.update_flip_rate, PublishedCode.update_flip_rate)
    return chosen(flip_rate, before, now, smoothing)


def hardness(losses: Tensor, flip_rate: Tensor, variant: Variant = "paper") -> Tensor:
    """Loss discounted by how often the prediction flips, which noise does (Eq. 5).

    Parameters
    ----------
    losses : Tensor of shape (n, q)
        Binary cross-entropy of each pair, in nats.
    flip_rate : Tensor of shape (n, q)
        From :func:`update_flip_rate`.
    variant : {"paper", "reference"}, default="paper"
        The loss itself ("paper"), or 2 - exp(-loss) in its place ("reference").

    Returns
    -------
    Tensor of shape (n, q)
        Not negative.
    """
    chosen = _chosen(variant, _scores.hardness, PublishedCode.hardness)
    return chosen(losses, flip_rate)


def label_correlation(
    scores: Tensor, Y: Tensor, variant: Variant = "paper", known: Tensor | None = None
) -> Tensor:
    """Cosine between labels of their scores on relevant instances (Eq. 9).

    Parameters
    ----------
    scores : Tensor of shape (n, q)
        Uncertainty or hardness.
    Y : Tensor of shape (n, q)
        0/1 in any dtype, dense or sparse CSR. A sparse Y costs time in the number of pairs of
        labels that share an instance, a dense one n q^2.
    variant : {"paper", "reference"}, default="paper"
        "reference" divides each row by its sum.
    known : Tensor of shape (n, q), bool, optional
        C_jk is the cosine of columns j and k of known * Y * scores.

    Returns
    -------
    Tensor of shape (q, q)
        A label without positives has 0 with every label, itself included.
    """
    chosen = _chosen(variant, _weights.label_correlation, PublishedCode.label_correlation)
    return chosen(ScoreBlocks(scores, Y, known))


def instance_weights(
    scores: Scores,
    Y: Tensor,
    local: Tensor | None,
    *,
    label_weight: LabelWeight = "exp",
    correlation: Correlation = "local",
    variant: Variant = "paper",
    known: Tensor | None = None,
) -> Tensor:
    """Weight of each instance: label-weighted scores plus correlated ones (Eq. 8, 11, 12).

    Parameters
    ----------
    scores : Tensor of shape (n, q), or callable
        Uncertainty or hardness; or what makes them of a slice of the instances, when it is their
        turn.
    Y : Tensor of shape (n, q)
        0/1 in any dtype, dense or sparse CSR.
    local : Tensor of shape (n, q) or None
        Z of the paper, from :func:`local_labels`, dense or sparse CSR; read by
        ``correlation="local"`` only. A sparse one costs time in its number of ones times q, a
        dense one n q^2.
    label_weight : {"exp", "linear", None}, default="exp"
        As ``form`` of :func:`label_weights`.
    correlation : {"local", "global", None}, default="local"
        What the correlations reach: labels that appear around the instance, all labels
        (Z all ones, appendix A.2), or nothing (the term phi is left out).
    variant : {"paper", "reference"}, default="paper"
        The correlation term is M * (Z C) for "paper" and M diag(v) * (Z C^T) for "reference",
        with v the label weights.
    known : Tensor of shape (n, q), bool, optional
        Scores and M are 0 in the other cells, which have no part in the label weights, the
        correlations and Z either.

    Returns
    -------
    Tensor of shape (n,)
        Not negative where the scores are not; 0 of an instance of which nothing is known.

    Raises
    ------
    ValueError
        If the correlation is local and ``local`` is None.
    """
    chosen = _chosen(variant, _weights.instance_weights, PublishedCode.instance_weights)
    blocks = ScoreBlocks(scores, Y, known)
    return chosen(blocks, local, label_weight=label_weight, correlation=correlation)


def _chosen(
    variant: Variant, paper: Callable[..., Tensor], published: Callable[..., Tensor]
) -> Callable[..., Tensor]:
    if variant not in get_args(Variant):
        raise ValueError(f"variant must be one of {get_args(Variant)}, got {variant!r}.")
    return paper if variant == "paper" else published

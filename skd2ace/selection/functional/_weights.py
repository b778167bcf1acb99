"""From scores of (instance, label) pairs to weights of instances: equations 6-9, 11 and 12."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from ._scores import Variant

# Of features that nobody has scaled: beyond it, single precision overflows in what is made of it.
_LARGEST_EXPONENT = 60.0

LabelWeight = Literal["exp", "linear"] | None
Correlation = Literal["local", "global"] | None


def label_weights(scores: Tensor, form: LabelWeight = "exp") -> Tensor:
    """Weight of each label from the mean and spread of its scores (Eq. 6-7).

    Parameters
    ----------
    scores : Tensor of shape (n, q)
        Uncertainty or hardness.
    form : {"exp", "linear", None}, default="exp"
        exp((mean + std) / 2), or (mean + std) / 2, or 1 for every label. The standard deviation
        is that of the population. Exponents above 60, of labels whose mean loss is about 100, count
        as 60.

    Returns
    -------
    Tensor of shape (q,)
    """
    if form is None:
        return scores.new_ones(scores.shape[1])
    std, mean = torch.std_mean(scores, dim=0, correction=0)
    half = (mean + std) / 2
    return half.clamp(max=_LARGEST_EXPONENT).exp() if form == "exp" else half


def label_correlation(scores: Tensor, Y: Tensor, variant: Variant = "paper") -> Tensor:
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

    Returns
    -------
    Tensor of shape (q, q)
        A label without positives has 0 with every label, itself included.
    """
    gram = _masked_gram(scores, Y)
    norms = gram.diagonal().sqrt()
    scale = torch.where(norms > 0, 1 / norms, 0)
    cosine = gram * scale[:, None] * scale
    if variant == "paper":
        return cosine
    totals = cosine.sum(1, keepdim=True)
    return cosine / torch.where(totals > 0, totals, 1)


def instance_weights(
    scores: Tensor,
    Y: Tensor,
    local: Tensor | None,
    *,
    label_weight: LabelWeight = "exp",
    correlation: Correlation = "local",
    variant: Variant = "paper",
) -> Tensor:
    """Weight of each instance: label-weighted scores plus correlated ones (Eq. 8, 11, 12).

    Parameters
    ----------
    scores : Tensor of shape (n, q)
        Uncertainty or hardness.
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

    Returns
    -------
    Tensor of shape (n,)
    """
    weights = label_weights(scores, label_weight)
    total = scores @ weights
    if correlation is None:
        return total
    cosine = label_correlation(scores, Y, variant)
    masked = scores * _dense(Y)
    if variant == "reference":
        masked, cosine = masked * weights, cosine.T
    if correlation == "global":
        return total + masked @ cosine.sum(0)
    if local is None:
        raise ValueError('correlation="local" needs the local labels Z, got local=None.')
    return total + masked.mul_(_propagate(local, cosine)).sum(1)


def _masked_gram(scores: Tensor, Y: Tensor) -> Tensor:
    """M^T M of M = Y * scores."""
    if Y.layout is torch.strided:
        masked = scores * Y
        return masked.T @ masked
    columns = Y.col_indices()
    rows = torch.repeat_interleave(Y.crow_indices().diff(), output_size=len(columns))
    sparse = torch.sparse_coo_tensor(
        torch.stack((rows, columns)),
        scores[rows, columns],
        Y.shape,
        is_coalesced=True,
        check_invariants=False,
    )
    return torch.sparse.mm(sparse.t(), sparse).to_dense()


def _propagate(local: Tensor, cosine: Tensor) -> Tensor:
    """Z C: for each instance, the sum of the rows of C that its local labels name."""
    if local.layout is torch.strided:
        return local.to(cosine.dtype) @ cosine
    starts = local.crow_indices()[:-1]
    return embedding_bag(local.col_indices(), cosine.contiguous(), starts, mode="sum")


def _dense(Y: Tensor) -> Tensor:
    return Y if Y.layout is torch.strided else Y.to_dense()

"""From scores of (instance, label) pairs to weights of instances: equations 6-9, 11 and 12."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from ._known import keep_known, known_mean

# Of features that nobody has scaled: beyond it, single precision overflows in what is made of it.
_LARGEST_EXPONENT = 60.0

LabelWeight = Literal["exp", "linear"] | None
Correlation = Literal["local", "global"] | None


def label_weights(scores: Tensor, form: LabelWeight = "exp", known: Tensor | None = None) -> Tensor:
    """Weight of each label from the mean and spread of its scores (Eq. 6-7).

    Parameters
    ----------
    scores : Tensor of shape (n, q)
        Uncertainty or hardness.
    form : {"exp", "linear", None}, default="exp"
        exp((mean + std) / 2), or (mean + std) / 2, or 1 for every label. The standard deviation
        is that of the population. Exponents above 60, of labels whose mean loss is about 100, count
        as 60.
    known : Tensor of shape (n, q), bool, optional
        Mean and standard deviation of a label are over its known cells.

    Returns
    -------
    Tensor of shape (q,)
    """
    if form is None:
        return scores.new_ones(scores.shape[1])
    if known is None:
        std, mean = torch.std_mean(scores, dim=0, correction=0)
    else:
        mean = known_mean(scores, known, dim=0)
        std = known_mean((scores - mean).square_(), known, dim=0).sqrt_()
    half = (mean + std) / 2
    return half.clamp(max=_LARGEST_EXPONENT).exp() if form == "exp" else half


def label_correlation(scores: Tensor, Y: Tensor) -> Tensor:
    """Cosine between labels of their scores on relevant instances (Eq. 9)."""
    gram = _masked_gram(scores, Y)
    norms = gram.diagonal().sqrt()
    scale = torch.where(norms > 0, 1 / norms, 0)
    return gram * scale[:, None] * scale


def instance_weights(
    scores: Tensor,
    Y: Tensor,
    local: Tensor | None,
    *,
    label_weight: LabelWeight = "exp",
    correlation: Correlation = "local",
    known: Tensor | None = None,
) -> Tensor:
    """Weight of each instance: label-weighted scores plus correlated ones (Eq. 8, 11, 12)."""
    total = scores @ label_weights(scores, label_weight, known)
    if correlation is None:
        return total
    return total + spread_scores(
        mask_scores(scores, Y), label_correlation(scores, Y), local, correlation
    )


def leave_out(scores: Tensor, Y: Tensor, known: Tensor | None) -> tuple[Tensor, Tensor]:
    """Scores and labels, 0 in cells that are not known: they leave all sums of both."""
    scores = keep_known(scores, known)
    # Of a sparse Y the entries stand for ones, and are multiplied by scores of 0.
    return scores, keep_known(Y, known) if Y.layout is torch.strided else Y


def mask_scores(scores: Tensor, Y: Tensor) -> Tensor:
    """M = Y * scores, dense."""
    return scores * (Y if Y.layout is torch.strided else Y.to_dense())


def spread_scores(
    masked: Tensor, cosine: Tensor, local: Tensor | None, correlation: Correlation
) -> Tensor:
    """Sum over labels of M * (Z C) (Eq. 11), of shape (n,); M is overwritten.

    Z are the local labels, or all ones for the "global" correlation (appendix A.2).
    """
    if correlation == "global":
        return masked @ cosine.sum(0)
    if local is None:
        raise ValueError('correlation="local" needs the local labels Z, got local=None.')
    return masked.mul_(_propagate(local, cosine)).sum(1)


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

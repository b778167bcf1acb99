"""From scores of (instance, label) pairs to weights of instances: equations 6-9, 11 and 12."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from ._blocks import Block, ScoreBlocks, take_rows
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
    return _weigh((mean + std) / 2, form)


def weigh_labels(blocks: ScoreBlocks, form: LabelWeight) -> Tensor:
    """Weight of each label (Eq. 6-7), from the moments of each block [1]_.

    References
    ----------
    .. [1] Chan et al. (1983). Algorithms for Computing the Sample Variance: Analysis and
       Recommendations. The American Statistician.
    """
    if blocks.only is not None or form is None:
        block = blocks.only or next(iter(blocks))
        return label_weights(block.scores, form, block.known)
    count = mean = squares = torch.zeros((), dtype=torch.float64)
    for block in blocks:
        count, mean, squares = _add_moments(block, count, mean, squares)
    std = (squares / count.clamp(min=1)).sqrt()
    return _weigh((mean + std).to(block.scores.dtype) / 2, form)


def label_correlation(blocks: ScoreBlocks) -> Tensor:
    """Cosine between labels of their scores on relevant instances (Eq. 9)."""
    gram: Tensor | None = None
    for block in blocks:
        of_block = _masked_gram(block.scores, block.Y)
        # In place, a sparse one too: with many labels a (q, q) matrix more is felt.
        gram = of_block.to_dense() if gram is None else gram.add_(of_block)
    assert gram is not None
    norms = gram.diagonal().sqrt()
    scale = torch.where(norms > 0, 1 / norms, 0)
    return gram.mul_(scale[:, None]).mul_(scale)


def instance_weights(
    blocks: ScoreBlocks,
    local: Tensor | None,
    *,
    label_weight: LabelWeight = "exp",
    correlation: Correlation = "local",
) -> Tensor:
    """Weight of each instance: label-weighted scores plus correlated ones (Eq. 8, 11, 12)."""
    weights = weigh_labels(blocks, label_weight)
    if correlation is None:
        return torch.cat([block.scores @ weights for block in blocks])
    cosine = label_correlation(blocks)
    return torch.cat(
        [
            block.scores @ weights
            + spread_scores(
                mask_scores(block.scores, block.Y), cosine, local, correlation, block.rows
            )
            for block in blocks
        ]
    )


def mask_scores(scores: Tensor, Y: Tensor) -> Tensor:
    """M = Y * scores, dense."""
    return scores * (Y if Y.layout is torch.strided else Y.to_dense())


def spread_scores(
    masked: Tensor, cosine: Tensor, local: Tensor | None, correlation: Correlation, rows: slice
) -> Tensor:
    """Sum over labels of M * (Z C) (Eq. 11), of a block of rows; M is overwritten.

    Z are the local labels, or all ones for the "global" correlation (appendix A.2).
    """
    if correlation == "global":
        return masked @ cosine.sum(0)
    if local is None:
        raise ValueError('correlation="local" needs the local labels Z, got local=None.')
    return masked.mul_(_propagate(take_rows(local, rows), cosine)).sum(1)


def _weigh(half: Tensor, form: LabelWeight) -> Tensor:
    return half.clamp(max=_LARGEST_EXPONENT).exp() if form == "exp" else half


def _add_moments(
    block: Block, count: Tensor, mean: Tensor, squares: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Number, mean and sum of squared differences of each label's scores, with a block's added."""
    scores, known = block.scores.to(torch.float64, copy=True), block.known
    n = torch.full_like(scores[0], len(scores)) if known is None else known.sum(0)
    count, mean, squares = (so_far.to(scores.device) for so_far in (count, mean, squares))
    of_block = known_mean(scores, known, dim=0)
    differences = keep_known(scores.sub_(of_block).square_(), known).sum(0)
    total = count + n
    step = of_block - mean
    share = n / total.clamp(min=1)
    return total, mean + step * share, squares + differences + step.square() * count * share


def _masked_gram(scores: Tensor, Y: Tensor) -> Tensor:
    """M^T M of M = Y * scores, sparse of a sparse Y."""
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
    return torch.sparse.mm(sparse.t(), sparse)


def _propagate(local: Tensor, cosine: Tensor) -> Tensor:
    """Z C: for each instance, the sum of the rows of C that its local labels name."""
    if local.layout is torch.strided:
        return local.to(cosine.dtype) @ cosine
    starts = local.crow_indices()[:-1]
    return embedding_bag(local.col_indices(), cosine.contiguous(), starts, mode="sum")

"""The zero-bounded log-sum-exp and pairwise rank-based loss (ZLPR)."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ._reduction import check_reduction, reduce


class ZLPRLoss(nn.Module):
    """Loss that ranks an instance's relevant labels above 0, and 0 above its other labels.

    With s the logits, an instance costs log(1 + sum of exp(-s_i) over its relevant labels) plus
    log(1 + sum of exp(s_j) over the others (Su et al. [1]_, Eq. 7). It is a ``criterion`` for
    modules without a loss of their own, as :class:`AsymmetricLoss`: ``predict`` takes labels of a
    positive logit, as the paper does.

    A loss of all labels together, it is given to these by their share in it: each sum to those
    that it is of, by their share in its slope. What labels cost adds up to what the instance does,
    and the mean over instances and labels is the paper's loss over q.

    Parameters
    ----------
    reduction : {"mean", "none"}, default="mean"
        The mean of all losses, or one loss for each instance and label.

    Raises
    ------
    ValueError
        If the reduction is none of these.

    References
    ----------
    .. [1] Su, Zhu, Pan, Murtadha, Wen and Liu (2022). ZLPR: A Novel Loss for Multi-label
       Classification. arXiv:2208.02955.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import ZLPRLoss
    >>> losses = ZLPRLoss(reduction="none")(torch.zeros(1, 3), torch.tensor([[1.0, 0, 0]]))
    >>> losses
    tensor([[0.6931, 0.5493, 0.5493]])
    """

    reads_unknown = True

    def __init__(self, reduction: Literal["mean", "none"] = "mean") -> None:
        super().__init__()
        check_reduction(reduction)
        self.reduction = reduction

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of logits (b, q) for labels (b, q): a scalar, or (b, q).

        Labels are 0 and 1, or NaN where they are not known: these cost nothing and are in no sum.
        """
        known, relevant = ~labels.isnan(), labels > 0
        losses = _share(-logits, relevant) + _share(logits, known & ~relevant)
        return reduce(losses, self.reduction)


def _share(scores: Tensor, among: Tensor) -> Tensor:
    """log(1 + sum exp(score)) over the marked labels, given to these by their exponentials."""
    # Not infinite: where nothing is marked the slopes of an infinite score would be NaN.
    scores = scores.masked_fill(~among, torch.finfo(scores.dtype).min)
    total = pad(scores, (1, 0)).logsumexp(1, keepdim=True)
    shares = scores.detach().softmax(1).masked_fill(~among, 0)
    return total * shares

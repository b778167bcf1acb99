"""The focal loss for many labels."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ._asymmetric_loss import power
from ._reduction import check_reduction, reduce


class FocalLoss(nn.Module):
    """Binary cross-entropy in which what is predicted well counts little.

    With p_t the probability given to what is the case, a label costs -a_t (1 - p_t)^gamma log p_t
    (Lin et al. [1]_, Eq. 5), where a_t is ``alpha`` for relevant labels and 1 - ``alpha`` for
    others. It is a ``criterion`` for modules without a loss of their own, as
    :class:`AsymmetricLoss`.

    Parameters
    ----------
    gamma : float, default=2.0
        Exponent, not negative; at 0 it is the weighted binary cross-entropy.
    alpha : float or None, default=0.25
        Weight of relevant labels, in [0, 1]. None weighs all 1.
    reduction : {"mean", "none"}, default="mean"
        The mean of all losses, or one loss for each instance and label.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    .. [1] Lin, Goyal, Girshick, He and Dollar (2017). Focal Loss for Dense Object Detection. ICCV.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import FocalLoss
    >>> FocalLoss(alpha=None)(torch.zeros(2, 3), torch.ones(2, 3))
    tensor(0.1733)
    """

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | None = 0.25,
        reduction: Literal["mean", "none"] = "mean",
    ) -> None:
        super().__init__()
        if not gamma >= 0:
            raise ValueError(f"gamma must not be negative, got {gamma!r}.")
        if alpha is not None and not 0 <= alpha <= 1:
            raise ValueError(f"alpha must be in [0, 1] or None, got {alpha!r}.")
        check_reduction(reduction)
        self.gamma, self.alpha, self.reduction = gamma, alpha, reduction

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of logits (b, q) for labels (b, q) of 0 and 1: a scalar, or (b, q)."""
        wrong = torch.where(labels > 0, -logits, logits)
        losses = power(torch.sigmoid(wrong), self.gamma) * softplus(wrong)
        if self.alpha is not None:
            losses = losses * torch.where(labels > 0, self.alpha, 1 - self.alpha)
        return reduce(losses, self.reduction)

"""The distribution-balanced loss."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from skd2ace._labels import keep_known

from ._reduction import check_reduction, reduce


class DistributionBalancedLoss(nn.Module):
    """Binary cross-entropy re-balanced for rare labels, and lenient with negatives.

    A label of rarity 1 / p_i, p_i the share of instances that have it, weighs
    r_i = alpha + sigmoid(beta (r - mu)) with r the rarity over the sum of those of all labels of
    the instance, and costs with v_i = kappa log(1 / p_i - 1) and z its logit
    r_i log(1 + exp(-(z - v_i))) where it is relevant, and elsewhere
    r_i / lambda log(1 + exp(lambda (z - v_i))) (Wu et al. [1]_, Eqs. 4-9; without the focal factor
    that they combine it with).

    It is a ``criterion`` for modules without a loss of their own, as :class:`AsymmetricLoss`; the
    estimator shows it the labels to train on.

    Parameters
    ----------
    alpha, beta, mu : float, default=0.1, 10.0, 0.3
        Lift, steepness and centre of the weights; the paper's mu is 0.3 for VOC and 0.2 for COCO.
    negative_scale : float, default=5.0
        lambda, above 0.
    bias_scale : float, default=0.05
        kappa.
    reduction : {"mean", "none"}, default="mean"
        The mean of all losses, or one loss for each instance and label.

    Attributes
    ----------
    frequency : Tensor of shape (q,)
        p, of the labels that it was shown; between 1 / (n + 1) and n / (n + 1).

    Raises
    ------
    ValueError
        If a parameter is out of range.
    RuntimeError
        If it is called and was shown no labels.

    References
    ----------
    .. [1] Wu, Huang, Liu, Wang and Lin (2020). Distribution-Balanced Loss for Multi-Label
       Classification in Long-Tailed Datasets. ECCV. arXiv:2007.09654.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import DistributionBalancedLoss
    >>> loss, Y = DistributionBalancedLoss(), torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
    >>> loss.fit_label_frequency(Y)
    >>> loss(torch.zeros(3, 2), Y).shape
    torch.Size([])
    """

    frequency: Tensor

    def __init__(
        self,
        alpha: float = 0.1,
        beta: float = 10.0,
        mu: float = 0.3,
        negative_scale: float = 5.0,
        bias_scale: float = 0.05,
        reduction: Literal["mean", "none"] = "mean",
    ) -> None:
        super().__init__()
        if not alpha >= 0:
            raise ValueError(f"alpha must not be negative, got {alpha!r}.")
        if not negative_scale > 0:
            raise ValueError(f"negative_scale must be above 0, got {negative_scale!r}.")
        check_reduction(reduction)
        self.alpha, self.beta, self.mu = alpha, beta, mu
        self.negative_scale, self.bias_scale = negative_scale, bias_scale
        self.reduction = reduction
        self.register_buffer("frequency", torch.empty(0))

    def fit_label_frequency(self, Y: Tensor, cell_weight: Tensor | None = None) -> None:
        """Note how frequent labels are.

        Parameters
        ----------
        Y : Tensor of shape (n, q)
            0/1; anything in cells of weight 0.
        cell_weight : Tensor of shape (n,) or (n, q), optional
            Not negative; None is 1 for all.
        """
        n = len(Y)
        weight = torch.ones(n, 1, device=Y.device) if cell_weight is None else cell_weight
        weight = (weight if weight.ndim == 2 else weight[:, None]).expand(Y.shape)
        positives = (keep_known(Y, weight > 0) * weight).sum(0)
        share = positives / weight.sum(0).clamp(min=torch.finfo(weight.dtype).tiny)
        self.frequency = share.to(torch.float32).clamp(1 / (n + 1), n / (n + 1))

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of logits (b, q) for labels (b, q) of 0 and 1: a scalar, or (b, q).

        Of logits in half precision it is in float32.
        """
        if len(self.frequency) != logits.shape[1]:
            raise RuntimeError(
                f"The loss knows the frequencies of {len(self.frequency)} labels, and got logits "
                f"of {logits.shape[1]}: show it labels first, fit_label_frequency(Y)."
            )
        # In half precision a label that nearly all have would have a frequency of 1.
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        rarity = 1 / self.frequency.to(logits.dtype)
        # Of an instance without labels infinite, and the weight then alpha + 1; but not 0 times it.
        ratio = rarity / (labels * rarity).sum(1, keepdim=True)
        ratio = ratio.clamp(max=torch.finfo(ratio.dtype).max)
        weights = self.alpha + torch.sigmoid(self.beta * (ratio - self.mu))
        shifted = logits - self.bias_scale * (rarity - 1).log()
        of_negative = softplus(self.negative_scale * shifted) / self.negative_scale
        return reduce(
            weights * torch.where(labels > 0, softplus(-shifted), of_negative), self.reduction
        )

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *args: Any) -> None:
        # As many labels as it was shown before.
        if f"{prefix}frequency" in state:
            held = state[f"{prefix}frequency"]
            self.frequency = torch.empty_like(held, device=self.frequency.device)
        super()._load_from_state_dict(state, prefix, *args)

"""The asymmetric loss of multi-label classification."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from ._reduction import check_reduction, reduce


class AsymmetricLoss(nn.Module):
    """Binary cross-entropy that easy negatives have little or no part in.

    With p the probability and p_m = max(p - margin, 0), a relevant label costs
    -(1 - p)^gamma_pos log(p) and another one -p_m^gamma_neg log(1 - p_m) (Ridnik et al. [1]_): most
    labels of an instance are not relevant, and would have their way by their number. With both
    exponents and the margin 0 it is the binary cross-entropy.

    It is a ``criterion`` for modules without a loss of their own. Other than the published code,
    which sums, it is the mean over instances and labels, so that learning rates of the binary
    cross-entropy serve here too; and gradients go through the powers, as in the paper's equations.

    Parameters
    ----------
    gamma_pos, gamma_neg : float, default=0.0, 4.0
        Exponents, not negative.
    margin : float, default=0.05
        Negatives of no higher probability cost nothing, in [0, 1).
    reduction : {"mean", "none"}, default="mean"
        The mean of all losses, or one loss for each instance and label.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    .. [1] Ridnik et al. (2021). Asymmetric Loss For Multi-Label Classification. ICCV.

    Examples
    --------
    >>> import torch
    >>> from skd2ace import MultiLabelNetClassifier
    >>> from skd2ace.networks import AsymmetricLoss
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, n_features=4, n_classes=3)
    >>> def network(n_features, n_labels):
    ...     return torch.nn.Linear(n_features, n_labels)
    >>> est = MultiLabelNetClassifier(
    ...     network, criterion=AsymmetricLoss, criterion__gamma_neg=2.0, max_epochs=2, verbose=0
    ... )
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 3)
    """

    def __init__(
        self,
        gamma_pos: float = 0.0,
        gamma_neg: float = 4.0,
        margin: float = 0.05,
        reduction: Literal["mean", "none"] = "mean",
    ) -> None:
        super().__init__()
        for name, value in (("gamma_pos", gamma_pos), ("gamma_neg", gamma_neg)):
            if not value >= 0:
                raise ValueError(f"{name} must not be negative, got {value!r}.")
        if not 0 <= margin < 1:
            raise ValueError(f"margin must be in [0, 1), got {margin!r}.")
        check_reduction(reduction)
        self.gamma_pos = gamma_pos
        self.gamma_neg = gamma_neg
        self.margin = margin
        self.reduction = reduction

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of logits (b, q) for labels (b, q) of 0 and 1: a scalar, or (b, q)."""
        of_positive = -(power(torch.sigmoid(-logits), self.gamma_pos)) * logsigmoid(logits)
        if self.margin:
            shifted = (torch.sigmoid(logits) - self.margin).clamp(min=0)
            negative_log = -torch.log1p(-shifted)
        else:
            # A probability itself is 1 from a logit of 17 on.
            shifted, negative_log = torch.sigmoid(logits), -logsigmoid(-logits)
        losses = torch.where(labels > 0, of_positive, power(shifted, self.gamma_neg) * negative_log)
        return reduce(losses, self.reduction)


def power(base: Tensor, exponent: float) -> Tensor | float:
    """A power whose gradient is finite at 0 for every exponent."""
    if exponent == 0:
        return 1.0
    # Below 1 the slope at 0 is infinite, and times a loss of 0 NaN.
    return base.clamp(min=torch.finfo(base.dtype).tiny) ** exponent

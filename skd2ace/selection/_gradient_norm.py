"""Importance sampling by the norm of the gradient at the logits."""

import math
from numbers import Real
from typing import Any, ClassVar

import torch
from torch import Tensor

from skd2ace._sklearn import Interval

from . import functional as F
from ._base import BatchSelector
from ._schedules import EPOCHS


class GradientNorm(BatchSelector):
    """Draw instances in proportion to the gradient of their loss at the logits.

    That gradient is p - y, for each label the prediction less the truth; its norm over the known
    labels bounds the gradient of the weights up to a factor that instances share, and sampling in
    proportion to it keeps the variance of the gradient low (Katharopoulos and Fleuret [1]_, in
    the place of the softmax's gradient there). The losses are weighted by 1 / (n P(x)), so that
    the expected gradient is that of shuffled batches.

    The probabilities are (1 - u) g / sum(g) + u / n, with g an instance's norm at its latest visit
    and u the ``uniform_share``. One not seen yet counts as a prediction of 0.5 for each known
    label; where all norms are 0 they are uniform.

    Parameters
    ----------
    uniform_share : float, default=0.1
        u, in (0, 1]: no weight is above 1 / u.
    warmup_epochs : int or float, default=0.1
        Epochs of shuffled batches at the beginning, a float as a share of the run.
    unbiased : bool, default=True
        Draw with replacement and weight each loss by 1 / (n P(x)). False draws without
        replacement and without weights, which prefers instances that are predicted badly.

    Attributes
    ----------
    probabilities_ : Tensor of shape (n,) or None
        Sampling probabilities of the epoch being served; None during the warm-up.
    epoch_ : int
        The epoch being served, from 0.

    See Also
    --------
    OnlineBatch : Prefers high losses, by rank.

    Notes
    -----
    *Where it leaves the source.* There, norms are those of the current network, of a few times as
    many candidates as a batch holds, and sampling begins where it is found to pay. Here they are
    as old as the instance's latest visit; the uniform share is there because a norm that has
    become too small would give a weight without bound.

    *Cost.* Time O(n + b q) per epoch and step, 4 bytes per instance and 1 per (instance, label).

    References
    ----------
    .. [1] Katharopoulos and Fleuret (2018). Not All Samples Are Created Equal: Deep Learning with
       Importance Sampling. ICML.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import GradientNorm
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = GradientNorm(warmup_epochs=1)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "uniform_share": [Interval(Real, 0, 1, closed="right")],
        "warmup_epochs": EPOCHS,
        "unbiased": ["boolean"],
    }
    _state: ClassVar[tuple[str, ...]] = ("norms_",)

    def __init__(
        self, uniform_share: float = 0.1, warmup_epochs: float = 0.1, unbiased: bool = True
    ) -> None:
        self.uniform_share = uniform_share
        self.warmup_epochs = warmup_epochs
        self.unbiased = unbiased

    def _start(self, X: Tensor, Y: Tensor) -> None:
        self.relevant_ = Y.to(torch.bool)
        start = 0.5 * math.sqrt(Y.shape[1])
        self.norms_ = torch.full((len(Y),), start, dtype=torch.float32, device=Y.device)
        if self.known_ is not None:
            self.norms_ = 0.5 * self.known_.sum(1).to(torch.float32).sqrt()

    def _update(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> None:
        gradient = proba - self.relevant_[index].to(proba.dtype)
        self.norms_[index] = F.keep_known(gradient, self._known_of(index)).norm(dim=1)

    def _probabilities(self, epoch: int) -> Tensor:
        return F.proportional_probabilities(self.norms_, self.uniform_share)

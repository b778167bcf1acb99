"""Selective-Backprop: hard instances, fewer steps."""

from numbers import Real
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from skd2ace._sklearn import Interval, StrOptions

from . import functional as F
from ._latest_loss import LatestLossSelector
from ._schedules import EPOCHS


class SelectiveBackprop(LatestLossSelector):
    """Train on the instances with high losses, and on few of the others.

    Each epoch an instance is there with the probability CDF(l)^beta, with CDF(l) the share of
    instances whose latest loss is at most l, each for itself (Jiang et al. [1]_); those that are
    come in random order. With beta = 1 / kept_share - 1 about ``kept_share`` of the instances is
    trained on. Nothing makes up for the others: the gradient is that of the hard ones.

    The loss of an instance is the mean of its known labels' binary cross-entropy; one not seen
    yet counts as ln 2. As long as none has been seen, all are there.

    Parameters
    ----------
    kept_share : float, default=0.5
        Expected share of the instances in an epoch, in (0, 1]; 1 is plain shuffling.
    refresh : {"visit", "epoch"}, default="visit"
        Which losses count: those of each instance's latest training step, the source's "stale"
        ones, or those of one pass over all instances in evaluation mode after each epoch.
    warmup_epochs : int or float, default=0.1
        Epochs of all instances at the beginning, a float as a share of the run.

    Attributes
    ----------
    epoch_ : int
        The epoch being served, from 0.

    See Also
    --------
    InfoBatch : Leaves out easy instances only, and makes up for it.
    RandomSubset : Leaves out as many, whoever they are.

    Notes
    -----
    *Where it leaves the source.* There, losses are those of the current network, by a forward pass
    over all instances, and the CDF is that of the last ones seen. *Its batches are fewer*, by
    :meth:`~skd2ace.selection.BatchSelector.count_batches`.

    *Cost.* Time O(n log n) per epoch, 4 bytes per instance.

    References
    ----------
    .. [1] Jiang et al. (2019). Accelerating Deep Learning by Focusing on the Biggest Losers.
       arXiv:1910.00762.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import SelectiveBackprop
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = SelectiveBackprop(kept_share=0.3)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "kept_share": [Interval(Real, 0, 1, closed="right")],
        "refresh": [StrOptions({"visit", "epoch"})],
        "warmup_epochs": EPOCHS,
    }

    def __init__(
        self,
        kept_share: float = 0.5,
        refresh: Literal["visit", "epoch"] = "visit",
        warmup_epochs: float = 0.1,
    ) -> None:
        self.kept_share = kept_share
        self.refresh = refresh
        self.warmup_epochs = warmup_epochs

    def _order(self, epoch: int) -> Tensor:
        order = super()._order(epoch)
        if not self.seen_:
            return order
        chances = F.percentile_chances(self.losses_, self.kept_share)
        drawn = torch.rand(
            len(chances), dtype=chances.dtype, generator=self.generator_, device=self.device_
        )
        # Never none: the chance of the highest loss is 1.
        return order[(drawn < chances)[order]]

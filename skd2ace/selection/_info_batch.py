"""InfoBatch: easy instances left out at random, the others weighted so that nothing is biased."""

import math
from numbers import Real
from typing import Any, ClassVar

import torch
from torch import Tensor

from skd2ace._sklearn import Interval

from . import functional as F
from ._latest_loss import LatestLossSelector
from ._schedules import EPOCHS, count_epochs


class InfoBatch(LatestLossSelector):
    """Leave out a random share of the easy instances, and weight the others of them up.

    An instance is easy where its latest loss is below the mean over instances. Each epoch a share
    of the easy ones, drawn anew, is left out, and the losses of those that stay are multiplied by
    what makes up for it: m / k where k of m stay. All others are there, with weight 1. Over an
    epoch the expected sum of gradients is that of all instances; it has fewer steps, each as much
    larger as there are fewer of them. The last epochs hold all instances, with no weights, and so
    does the first, in which no loss is known yet (Qin et al. [1]_).

    It is made to save work, not to promise a better score. The weights come from
    :meth:`loss_weights`: in a loop of your own, multiply the losses by them. The loss of an
    instance is the mean of its known labels' binary cross-entropy.

    Parameters
    ----------
    prune_share : float, default=0.5
        Share of the easy instances that is left out, in [0, 1); r of the source. At least one of
        them stays.
    full_epochs : int or float, default=0.125
        Epochs of all instances at the end, a float as a share of the run; 1 - delta of the
        source.

    Attributes
    ----------
    weights_ : Tensor of shape (n,) or None
        Weights of the losses in the epoch being served; None where all instances are.
    epoch_ : int
        The epoch being served, from 0.

    See Also
    --------
    SelectiveBackprop : Leaves out easy instances without making up for it.
    RandomSubset : Leaves out as many, whoever they are.

    Notes
    -----
    *Its batches are fewer*: ceil(k / batch_size), with k the instances that stay, by
    :meth:`~skd2ace.selection.BatchSelector.count_batches`. The source gives each that stays the
    weight 1 / (1 - r), which is m / k up to rounding.

    *Cost.* Time O(n) per epoch, 4 bytes per instance.

    References
    ----------
    .. [1] Qin et al. (2024). InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data
       Pruning. ICLR.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import InfoBatch
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = InfoBatch(full_epochs=1)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "prune_share": [Interval(Real, 0, 1, closed="left")],
        "full_epochs": EPOCHS,
    }

    def __init__(self, prune_share: float = 0.5, full_epochs: float = 0.125) -> None:
        self.prune_share = prune_share
        self.full_epochs = full_epochs

    def _start(self, X: Tensor, Y: Tensor) -> None:
        super()._start(X, Y)
        self.weights_: Tensor | None = None
        self.full_epochs_ = count_epochs(self.full_epochs, self.n_epochs_)

    def _order(self, epoch: int) -> Tensor:
        order = super()._order(epoch)
        self.weights_ = None
        if not self.seen_ or epoch >= self.n_epochs_ - self.full_epochs_:
            return order
        easy = F.below_mean(self.losses_, self.known_)
        places = easy.nonzero()[:, 0]
        n_kept = max(math.floor((1 - self.prune_share) * len(places) + 0.5), 1)
        if n_kept >= len(places):
            return order
        drawn = torch.randperm(len(places), generator=self.generator_, device=self.device_)
        served = ~easy
        served[places[drawn[:n_kept]]] = True
        self.weights_ = torch.where(easy, len(places) / n_kept, 1.0)
        return order[served[order]]

    def loss_weights(self, index: Tensor, Y: Tensor) -> Tensor | None:
        """Weights that make up for what is left out, None where nothing is.

        Parameters
        ----------
        index : Tensor of shape (b,)
        Y : Tensor of shape (b, q)

        Returns
        -------
        Tensor of shape (b,), float32, or None

        Raises
        ------
        RuntimeError
            If the selector has not been started.
        """
        self._check_started()
        return None if self.weights_ is None else self.weights_[index]

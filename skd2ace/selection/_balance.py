"""Balance: shuffled batches in which every label's positives weigh as much as its negatives."""

from numbers import Real
from typing import Any, ClassVar

from torch import Tensor

from skd2ace._sklearn import Interval

from . import functional as F
from ._base import BatchSelector
from ._schedules import EPOCHS


class Balance(BatchSelector):
    """Shuffle, and weight the losses of a batch so that each label is balanced in it.

    For each label and batch, of the side (positives or negatives) that has more than its share,
    round(share * b) random entries keep the weight 1 and the others get 0; all entries of the
    other side get its target share over its share of the batch. Each side then has its share of
    the total weight, up to rounding. The source [1]_ treats many binary attributes in this way,
    each by itself: nothing had to be adapted. Where a label has no positive in the batch, its
    negatives are sub-sampled all the same. Entries that are not known count for nothing, b
    included, and get the weight 0.

    The weights come from :meth:`loss_weights`: in a loop of your own, multiply the losses by
    them. Which instances a batch holds is not influenced.

    Parameters
    ----------
    target : float, default=0.5
        Share of the positives, in (0, 1).
    warmup_epochs : int or float, default=0
        Epochs without weights at the beginning, a float as a share of the run. The source has
        none; the D2ACE comparison [2]_ has a tenth of the run with every method.

    Attributes
    ----------
    epoch_ : int
        The epoch being served, from 0.

    See Also
    --------
    RandomBatches : The same batches without weights.
    HardImb : Prefers instances with rare labels.

    Notes
    -----
    *Cost.* Time O(n q log b) per epoch, no state. The weights are drawn at random, once for each
    call of :meth:`loss_weights`; runs repeat if it is called once per batch, as the estimators
    do.

    *Small batches.* round(share * b) may be 0. In a batch of one a label's weight is 0, but 1 where
    the side that it has there has a share above a half.

    References
    ----------
    .. [1] Hand et al. (2018). Doing the Best We Can With What We Have: Multi-Label Balancing With
       Selective Learning for Attribute Prediction. AAAI.
    .. [2] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection import Balance
    >>> X, Y = torch.zeros(8, 2), torch.tensor([[1.0]] * 2 + [[0.0]] * 6)
    >>> selector = Balance().start(X, Y, n_epochs=1, batch_size=8, random_state=0)
    >>> index = next(selector.batches(0))
    >>> weights = selector.loss_weights(index, Y[index])
    >>> (weights * Y[index]).sum(), (weights * (1 - Y[index])).sum()
    (tensor(4.), tensor(4.))
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "target": [Interval(Real, 0, 1, closed="neither")],
        "warmup_epochs": EPOCHS,
    }

    def __init__(self, target: float = 0.5, warmup_epochs: float = 0) -> None:
        self.target = target
        self.warmup_epochs = warmup_epochs

    def loss_weights(self, index: Tensor, Y: Tensor) -> Tensor | None:
        """Balancing weights of a batch, None during the warm-up.

        Parameters
        ----------
        index : Tensor of shape (b,)
        Y : Tensor of shape (b, q)
            Labels of the batch.

        Returns
        -------
        Tensor of shape (b, q), float32, or None

        Raises
        ------
        RuntimeError
            If no batches have been served since the start, or since unpickling.
        """
        if not hasattr(self, "generator_"):
            raise RuntimeError("Balance weights the batch being served: call batches() first.")
        if self.epoch_ < self.warmup_epochs_:
            return None
        return F.balancing_weights(Y, self.target, self.generator_, self._known_of(index))

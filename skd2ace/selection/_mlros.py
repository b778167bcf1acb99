"""ML-ROS: random copies of the instances of minority labels."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from skd2ace._seeding import derive_seed
from skd2ace._sklearn import Interval

from . import functional as F
from ._oversampling import OverSampler


class MLROS(OverSampler):
    """Copy random instances of minority labels, until the data have grown by a share.

    A minority label has IRLbl above MeanIR, the mean over labels of the positives of the most
    frequent label over their own. In turn for each of them, one instance that carries it is
    copied, whoever of them it is; a label whose IRLbl, copies counted, has come down to MeanIR is
    left alone from then on (Charte et al. [1]_, algorithm 2). All that is decided once, before the
    first epoch. Losses have no weights.

    Parameters
    ----------
    growth : float, default=0.1
        How many copies are made, as a share of the instances; P of the source over 100.

    Attributes
    ----------
    copies_ : Tensor of shape (n,), int64
        How often each instance is there.
    epoch_ : int
        The epoch being served, from 0.

    See Also
    --------
    RepeatFactor : As many copies as the frequency of a label says, in part drawn anew each epoch.
    Balance : Weights the losses instead.

    Notes
    -----
    *Its batches are more*, by :meth:`~skd2ace.selection.BatchSelector.count_batches`, and may hold
    an instance twice. Labels without positives have no part in it; where labels are not known,
    positives are those that are. Fewer copies are made where no minority label is left, or none was
    there.

    *Cost.* Once O(q) per copy, on the host; per epoch O(n). 8 bytes per instance.

    References
    ----------
    .. [1] Charte et al. (2015). Addressing imbalance in multilabel classification: measures and
       random resampling algorithms. Neurocomputing 163.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection import MLROS
    >>> X, Y = torch.zeros(100, 2), (torch.arange(100)[:, None] < torch.tensor([90, 5])).float()
    >>> selector = MLROS(growth=0.2)  # IRLbl 1 and 18, MeanIR 9.5: ten positives are enough.
    >>> selector = selector.start(X, Y, n_epochs=1, batch_size=60, random_state=0)
    >>> [len(index) for index in selector.batches(0)], int(selector.copies_[:5].sum())
    ([60, 45], 10)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "growth": [Interval(Real, 0, 10, closed="both")],
    }
    _state: ClassVar[tuple[str, ...]] = ("copies_",)

    def __init__(self, growth: float = 0.1) -> None:
        self.growth = growth

    def _start(self, X: Tensor, Y: Tensor) -> None:
        rng = np.random.default_rng(derive_seed(self.seed_, 0))
        n_copies = int(round(self.growth * len(Y), 9))
        copies = F.copy_minorities(Y.to(torch.bool), n_copies, rng)
        self.copies_ = torch.as_tensor(copies, device=Y.device)

    def _copies(self) -> Tensor:
        return self.copies_

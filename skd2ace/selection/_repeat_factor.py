"""Repeat factor sampling: instances of rare labels several times an epoch."""

from numbers import Real
from typing import Any, ClassVar

import torch
from torch import Tensor

from skd2ace._sklearn import Interval

from . import functional as F
from ._oversampling import OverSampler


class RepeatFactor(OverSampler):
    """Repeat the instances of rare labels, the more the rarer.

    The repeat factor of a label that a share f of the instances carries is
    max(1, sqrt(threshold / f)), that of an instance the largest of its labels' (Gupta et al.
    [1]_). Each epoch an instance is there as often as the whole part of its factor says, and once
    more with the probability of the rest. Losses have no weights.

    Parameters
    ----------
    threshold : float, default=0.1
        Labels of a smaller share than that are repeated, in (0, 1]. The source has 0.001, for 1203
        categories; ours is made for the tens of labels of a table.

    Attributes
    ----------
    factors_ : Tensor of shape (n,), float64
        Repeat factors of the instances.
    epoch_ : int
        The epoch being served, from 0.

    See Also
    --------
    MLROS : As many copies as one says, chosen once.
    Balance : Weights the losses instead.

    Notes
    -----
    *Its batches are more*, ceil(m / batch_size) with m instances and copies, by
    :meth:`~skd2ace.selection.BatchSelector.count_batches`, and may hold an instance twice. Where
    labels are not known, f is the share among the instances of which it is known. The gradient is
    that of the repeated data, no longer that of the data.

    *Cost.* O(n q) once; per epoch O(m). 8 bytes per instance.

    References
    ----------
    .. [1] Gupta et al. (2019). LVIS: A Dataset for Large Vocabulary Instance Segmentation. CVPR.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection import RepeatFactor
    >>> X, Y = torch.zeros(100, 2), (torch.arange(100) < 4).float()[:, None]
    >>> selector = RepeatFactor(threshold=0.16)  # The label's factor is sqrt(0.16 / 0.04) = 2.
    >>> selector = selector.start(X, Y, n_epochs=1, batch_size=50, random_state=0)
    >>> [len(index) for index in selector.batches(0)]
    [50, 50, 4]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "threshold": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(self, threshold: float = 0.1) -> None:
        self.threshold = threshold

    def _start(self, X: Tensor, Y: Tensor) -> None:
        self.factors_ = F.repeat_factors(Y, self.threshold, self.known_)

    def _copies(self) -> Tensor:
        whole = self.factors_.floor()
        drawn = torch.rand(
            len(whole), dtype=whole.dtype, generator=self.generator_, device=self.device_
        )
        return whole.to(torch.int64) + (drawn < self.factors_ - whole)

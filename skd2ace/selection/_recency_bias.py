"""Recency Bias: instances whose recent predictions disagree."""

from numbers import Integral
from typing import Any, ClassVar

import torch
from torch import Tensor

from skd2ace._sklearn import Interval

from . import functional as F
from ._base import BatchSelector


class RecencyBias(BatchSelector):
    """Prefer instances whose last few predictions do not agree.

    For each label, the entropy in bits of how often it was predicted, at the threshold 0.5, at
    the last ``window`` visits (those made so far, while they are fewer): 0 where all agree, 1
    where half of them differ.

    The source [1]_ has one label per instance and normalises the entropy by the number of
    classes, which is 2 here. With many labels an instance weighs the sum over its known labels,
    and the weight becomes a probability as in the D2ACE comparison [2]_, quantised to ranks under
    a falling pressure (Eq. 13, 14, 21).

    Parameters
    ----------
    window : int, default=5
        Predictions that count.
    pressure : float, default=100.
        Largest ratio between two sampling probabilities at the first epoch after the warm-up,
        falling exponentially to 1 at the last.
    warmup_epochs : int or float, default=0.1
        Epochs of shuffled batches at the beginning, a float as a share of the run; their
        predictions count. The source wants at least ``window``.
    unbiased : bool, default=False
        Draw with replacement and weight each loss by 1 / (n P(x)).

    Attributes
    ----------
    probabilities_ : Tensor of shape (n,) or None
        Sampling probabilities of the epoch being served; None during the warm-up.
    epoch_ : int
        The epoch being served, from 0.

    See Also
    --------
    ActiveBias : The whole past counts, and the size of changes.

    Notes
    -----
    *Cost.* Time O(n q window) per epoch, ``window`` bytes per (instance, label).

    References
    ----------
    .. [1] Song et al. (2020). Carpe Diem, Seize the Samples Uncertain "At the Moment" for Adaptive
       Batch Selection. CIKM.
    .. [2] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import RecencyBias
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = RecencyBias(window=3, warmup_epochs=1)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BatchSelector._parameter_constraints,
        "window": [Interval(Integral, 1, None, closed="left")],
    }
    # Rounding would move what is just below 0.5 onto it.
    _update_dtype: ClassVar[torch.dtype] = torch.float64
    _state: ClassVar[tuple[str, ...]] = ("visits_", "predicted_")

    def __init__(
        self,
        window: int = 5,
        pressure: float = 100.0,
        warmup_epochs: float = 0.1,
        unbiased: bool = False,
    ) -> None:
        self.window = window
        self.pressure = pressure
        self.warmup_epochs = warmup_epochs
        self.unbiased = unbiased

    def _start(self, X: Tensor, Y: Tensor) -> None:
        self.visits_ = torch.zeros(len(Y), dtype=torch.int64, device=Y.device)
        # A ring: which entry is the oldest does not matter to a frequency.
        shape = (self.window, *Y.shape)
        self.predicted_ = torch.zeros(shape, dtype=torch.bool, device=Y.device)

    def _update(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> None:
        visits = self.visits_[index]
        self.predicted_[visits % self.window, index] = proba >= 0.5
        self.visits_[index] = visits + 1

    def _weights(self) -> Tensor:
        n_predictions = self.visits_.clamp(1, self.window)[:, None]
        # In double precision: the entropies of 1/5 and 4/5 are equal, and their sums must be.
        frequency = self.predicted_.sum(0, dtype=torch.float64) / n_predictions
        return F.keep_known(F.binary_entropy(frequency), self.known_).sum(1)

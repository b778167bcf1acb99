"""Active Bias: instances whose predictions vary."""

from typing import ClassVar

import torch
from torch import Tensor

from . import functional as F
from ._base import BatchSelector


class ActiveBias(BatchSelector):
    """Prefer instances whose predictions have varied most over the whole of training.

    For each label, the standard deviation of the probability that was given to the label's true
    value at each past visit, with a confidence term that favours instances seen rarely:
    sqrt(var + var^2 / (m - 1)) after m visits, with var the population variance; 0 for m <= 1.

    The source [1]_ has one label per instance. With many labels an instance weighs the sum over
    its known labels, and the weight becomes a probability as in the D2ACE comparison [2]_,
    quantised to ranks under a falling pressure (Eq. 13, 14, 21).

    Parameters
    ----------
    pressure : float, default=100.
        Largest ratio between two sampling probabilities at the first epoch after the warm-up,
        falling exponentially to 1 at the last.
    warmup_epochs : int or float, default=0.1
        Epochs of shuffled batches at the beginning, a float as a share of the run; their
        predictions count.
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
    RecencyBias : Only the last few predictions count.

    Notes
    -----
    *Cost.* Running means and sums of squares (Welford) take the place of the history: time
    O(n q) per epoch and 9 bytes per (instance, label), where published versions take O(n q T)
    after T epochs.

    References
    ----------
    .. [1] Chang et al. (2017). Active Bias: Training More Accurate Neural Networks by Emphasizing
       High Variance Samples. NeurIPS.
    .. [2] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import ActiveBias
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = ActiveBias(warmup_epochs=1)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _state: ClassVar[tuple[str, ...]] = ("visits_", "means_", "squares_")

    def __init__(
        self, pressure: float = 100.0, warmup_epochs: float = 0.1, unbiased: bool = False
    ) -> None:
        self.pressure = pressure
        self.warmup_epochs = warmup_epochs
        self.unbiased = unbiased

    def _start(self, X: Tensor, Y: Tensor) -> None:
        self.relevant_ = Y.to(torch.bool)
        self.visits_ = torch.zeros(len(Y), dtype=torch.int32, device=Y.device)
        self.means_ = torch.zeros(Y.shape, dtype=torch.float32, device=Y.device)
        self.squares_ = torch.zeros(Y.shape, dtype=torch.float32, device=Y.device)

    def _update(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> None:
        of_truth = torch.where(self.relevant_[index], proba, 1 - proba)
        visits, mean = self.visits_[index] + 1, self.means_[index]
        new_mean = mean + (of_truth - mean) / visits[:, None]
        self.squares_[index] += (of_truth - mean) * (of_truth - new_mean)
        self.means_[index], self.visits_[index] = new_mean, visits

    def _weights(self) -> Tensor:
        deviation = F.prediction_deviation(self.visits_, self.squares_)
        return F.keep_known(deviation, self.known_).sum(1)

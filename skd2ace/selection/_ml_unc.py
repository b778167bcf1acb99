"""ML-Unc: instances that are uncertain in many correlated labels."""

from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from torch import Tensor

from skd2ace._sklearn import Interval

from . import functional as F
from ._base import BatchSelector
from ._history import empty_history, record_predictions


class MLUnc(BatchSelector):
    """Prefer instances that are uncertain in labels whose uncertainties go together.

    The uncertainty of instance i in label j is u_ij = e w + (1 - w) d, with e the entropy of the
    last prediction in bits, d the mean absolute change between adjacent ones of the last
    ``window``, and w the ``entropy_weight`` (Eq. 1-3 of the D2ACE paper [2]_, which took them from
    ML-Unc [1]_). With C_jk the mutual information of columns j and k of U, the sum over bins a, b
    of P(a, b) log(P(a, b) / (P(a) P(b))), instances weigh U C 1 (appendix A.2 there), quantised to
    ranks under a falling pressure (Eq. 13, 14, 21).

    Parameters
    ----------
    window : int, default=5
        Predictions kept per (instance, label), at least 2, one for each epoch in which the
        instance was seen.
    entropy_weight : float, default=0.5
        Share of the entropy in the uncertainty, the rest being fluctuation.
    n_bins : int, default=10
        Bins of equal width, between the smallest and the largest uncertainty of a label, in the
        histograms that the mutual information is estimated from.
    pressure : float, default=100.
        Largest ratio between two sampling probabilities at the first epoch after the warm-up,
        falling exponentially to 1 at the last.
    warmup_epochs : int or float, default=0.1
        Epochs of shuffled batches at the beginning, a float as a share of the run.
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
    D2ACE : The same uncertainty beside hardness, correlations of relevant labels only.

    Notes
    -----
    *The estimator of the mutual information* is not fixed by the source. Ours is the joint
    histogram with natural logarithms, a label's information with itself (its entropy) included;
    that of two labels is over the instances of which both are known, as the weight is a sum over
    known labels.

    *Cost.* Time O(n q window + n q^2 n_bins^2) per epoch, the latter at the speed of matrix
    products; 4 ``window`` bytes per (instance, label).

    References
    ----------
    .. [1] Zhou et al. (2025). Batch Selection for Multi-Label Classification Guided by Uncertainty
       and Dynamic Label Correlations. AAAI.
    .. [2] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import MLUnc
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = MLUnc(warmup_epochs=1)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BatchSelector._parameter_constraints,
        "window": [Interval(Integral, 2, None, closed="left")],
        "entropy_weight": [Interval(Real, 0, 1, closed="both")],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
    }
    _state: ClassVar[tuple[str, ...]] = ("history_", "visited_")

    def __init__(
        self,
        window: int = 5,
        entropy_weight: float = 0.5,
        n_bins: int = 10,
        pressure: float = 100.0,
        warmup_epochs: float = 0.1,
        unbiased: bool = False,
    ) -> None:
        self.window = window
        self.entropy_weight = entropy_weight
        self.n_bins = n_bins
        self.pressure = pressure
        self.warmup_epochs = warmup_epochs
        self.unbiased = unbiased

    def _start(self, X: Tensor, Y: Tensor) -> None:
        self.history_ = empty_history(self.window, Y)
        self.visited_ = torch.zeros(len(Y), dtype=torch.bool, device=Y.device)

    def _update(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> None:
        record_predictions(self.history_, index, proba, again=self.visited_[index])
        self.visited_[index] = True

    def _end_epoch(self) -> None:
        self.visited_.zero_()

    def _weights(self) -> Tensor:
        scores = F.keep_known(F.uncertainty(self.history_, self.entropy_weight), self.known_)
        return scores @ F.mutual_information(scores, self.n_bins, self.known_).sum(1)

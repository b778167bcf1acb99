"""Online batch selection: instances by the rank of their loss."""

from torch import Tensor

from . import functional as F
from ._latest_loss import LatestLossSelector


class OnlineBatch(LatestLossSelector):
    """Prefer instances with a high loss, by rank.

    Instances are ranked by their latest loss, the lowest first, and the probability grows
    exponentially with the rank: p(i) is proportional to exp(log(pressure) / n)^rank (Loshchilov
    and Hutter [1]_; Eq. 3 of Hard-Imb [2]_).

    The loss of an instance is the mean of its known labels' binary cross-entropy; one not seen
    yet counts as ln 2, a prediction of 0.5, one without known labels as 0. Equal losses share the
    mean of their ranks. The pressure falls as that of the other methods (Eq. 21 of D2ACE [3]_).

    Parameters
    ----------
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
    HardImb : The loss itself in the place of its rank, raised for rare labels.

    Notes
    -----
    *Cost.* Time O(n q + n log n) per epoch, 4 bytes per instance.

    References
    ----------
    .. [1] Loshchilov and Hutter (2015). Online Batch Selection for Faster Training of Neural
       Networks. arXiv:1511.06343.
    .. [2] Zhou et al. (2024). Multi-Label Adaptive Batch Selection by Highlighting Hard and
       Imbalanced Samples. ECML PKDD.
    .. [3] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import OnlineBatch
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = OnlineBatch(warmup_epochs=1)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    def __init__(
        self, pressure: float = 100.0, warmup_epochs: float = 0.1, unbiased: bool = False
    ) -> None:
        self.pressure = pressure
        self.warmup_epochs = warmup_epochs
        self.unbiased = unbiased

    def _probabilities(self, epoch: int) -> Tensor:
        return F.rank_probabilities(self.losses_, self._pressure(epoch))

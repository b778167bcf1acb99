"""Hard-Imb: hard instances, all the more those with locally rare labels."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from skd2ace._seeding import derive_seed
from skd2ace._sklearn import Interval, StrOptions

from . import functional as F
from ._base import BatchSelector
from ._checks import check_finite
from ._drawing import draw_batch, draw_with_replacement
from ._label_chain import LabelChain
from ._latest_loss import LatestLossSelector
from .functional._neighbors import Neighbors


class HardImb(LatestLossSelector):
    """Prefer instances with a high loss, and among them those whose minority labels are rare.

    An instance's latest loss is multiplied by an imbalance weight w (Eq. 5) and quantised in n
    steps up to the largest product; the probability grows exponentially with the step (Eq. 6-7):

    - a minority label has IRLbl_j = C_max / C_j above the mean over labels, with C_j the number
      of its positives (Eq. 1);
    - B_ij, for a label j that instance i carries, is the share of its nearest neighbours that
      lack it (Eq. 2); where all do, B_ij = 1, the instance is an outlier for that label;
    - S_ij = B_ij / sum_i B_ij over the instances that are no outliers, else 0 (Eq. 4);
    - w_i = 1 + sum of S_ij over the minority labels;
    - Q_i = ceil(n w_i l_i / max(w l)), p(i) proportional to exp(log(pressure) / n)^Q_i.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours by which local imbalance is measured.
    recompute : {"batch", "epoch"}, default="batch"
        When probabilities are made anew from the latest losses: after each step, as in the
        paper, or once per epoch.
    chain : bool, default=False
        The paper's variant with label correlations (section 3.5): after the first, each instance
        of a batch is drawn among those that carry one of the ceil(Card) labels closest to the
        rarest label of the one before; among all where that has no label. Cannot be
        ``unbiased``.
    pressure : float, default=100.
        Largest ratio between two sampling probabilities, at the first epoch after the warm-up;
        the paper chooses among 2, 8, 16 and 64.
    pressure_decay : bool, default=True
        Whether the pressure falls exponentially to 1 at the last epoch, as in the D2ACE
        comparison [2]_, or is fixed, as in the paper.
    warmup_epochs : int or float, default=0.1
        Epochs of shuffled batches at the beginning, a float as a share of the run; the paper
        has 3 epochs.
    unbiased : bool, default=False
        Draw with replacement and weight each loss by 1 / (n P(x)).
    neighbors : {"auto", "exact"}, default="auto"
        "auto" finds exact neighbours too, unless these would take more than some seconds on a CPU
        (n^2 d above 2.5e11; sparse: n times the nonzeros above 2.5e10): then nearly all, by an
        index of faiss, the extra ``neighbors``. Without faiss they are exact, with a warning.

    Attributes
    ----------
    imbalance_weights_ : Tensor of shape (n,)
        w of the paper.
    probabilities_ : Tensor of shape (n,) or None
        Sampling probabilities of the batch (or epoch) being served; None during the warm-up.
    epoch_ : int
        The epoch being served, from 0.
    neighbor_recall_ : float
        Share of the neighbours found that are as close as the nearest ones, measured on 300
        instances; 1 where all are exact.

    See Also
    --------
    OnlineBatch : The loss alone, by rank.
    D2ACE : Hardness with a discount for noise, label weights and correlations that change.

    Notes
    -----
    The loss of an instance is the mean of its labels' binary cross-entropy (a sum would give the
    same probabilities); one not seen yet counts as ln 2. Labels without positives are left out
    of MeanIR, and 0/0 is 0 throughout. Where labels are not known, the mean, C_j and B_ij are of
    those that are, and an instance without any has a loss of 0. That a loss has become infinite
    within an epoch is noticed when the next one begins, or by a chain at once.

    *Cost.* Neighbours once per run, O(n^2 d) where they are exact, and O(n q n_neighbors) for the
    weights; 8 bytes per instance. Per epoch O(n q), and O(n) per batch with ``recompute="batch"``.
    A chain is drawn on the host, one instance after another; each batch costs the number of
    followers of every label in it, and waits once for the device. It keeps 8 bytes per
    label and follower.

    References
    ----------
    .. [1] Zhou et al. (2024). Multi-Label Adaptive Batch Selection by Highlighting Hard and
       Imbalanced Samples. ECML PKDD. Equations are numbered as there.
    .. [2] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import HardImb
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = HardImb(pressure=8.0, pressure_decay=False, warmup_epochs=1)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BatchSelector._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "recompute": [StrOptions({"batch", "epoch"})],
        "chain": ["boolean"],
        "pressure_decay": ["boolean"],
        "neighbors": [StrOptions({"auto", "exact"})],
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        recompute: Literal["batch", "epoch"] = "batch",
        chain: bool = False,
        pressure: float = 100.0,
        pressure_decay: bool = True,
        warmup_epochs: float = 0.1,
        unbiased: bool = False,
        neighbors: Neighbors = "auto",
    ) -> None:
        self.n_neighbors = n_neighbors
        self.recompute = recompute
        self.chain = chain
        self.pressure = pressure
        self.pressure_decay = pressure_decay
        self.warmup_epochs = warmup_epochs
        self.unbiased = unbiased
        self.neighbors = neighbors

    def _wants_features(self) -> bool:
        return True

    def _draws_by_updates(self) -> bool:
        return self.recompute == "batch"

    def _start(self, X: Tensor, Y: Tensor) -> None:
        if self.chain and self.unbiased:
            raise ValueError(
                "HardImb: chain=True draws each instance depending on the one before, for which "
                "there are no weights 1 / (n P(x)); unbiased must be False."
            )
        search = F.NeighborSearch(self.neighbors)
        local = F.local_imbalance(X, Y, self.n_neighbors, self.known_, search)
        self.neighbor_recall_ = search.recall_
        self.imbalance_weights_ = F.imbalance_weights(local, Y)
        super()._start(X, Y)
        self.chain_ = LabelChain(Y, self.known_) if self.chain else None

    def _probabilities(self, epoch: int) -> Tensor:
        pressure = self._pressure(epoch) if self.pressure_decay else self.pressure
        return F.loss_probabilities(self.imbalance_weights_ * self.losses_, pressure)

    def _draw(self, probabilities: Tensor) -> Iterator[Tensor]:
        if self.recompute == "epoch" and not self.chain:
            yield from super()._draw(probabilities)
            return
        rng = np.random.default_rng(derive_seed(self.seed_, self.epoch_))
        for start in range(0, self.n_instances_, self.batch_size_):
            if start and self.recompute == "batch" and self.seen_:
                self.probabilities_ = probabilities = self._probabilities(self.epoch_)
            yield self._draw_batch(
                probabilities, min(self.batch_size_, self.n_instances_ - start), rng
            )

    def _draw_batch(
        self, probabilities: Tensor, batch_size: int, rng: np.random.Generator
    ) -> Tensor:
        if self.chain_ is not None:
            check_finite(probabilities, type(self).__name__, self.epoch_)
            drawn = self.chain_.draw(probabilities.cpu().numpy(), batch_size, rng)
            return torch.tensor(drawn, device=self.device_)
        if self.unbiased:
            return draw_with_replacement(probabilities, 1, batch_size, self.generator_)[0]
        return draw_batch(probabilities, batch_size, self.generator_)

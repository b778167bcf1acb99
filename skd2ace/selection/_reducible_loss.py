"""RHO-LOSS: instances that the network has yet to learn and that can be learnt."""

import math
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from skd2ace._sklearn import HasMethods, Interval, StrOptions

from . import functional as F
from ._held_out import predict_held_out
from ._latest_loss import LatestLossSelector
from ._schedules import EPOCHS
from .functional._neighbors import Neighbors


class ReducibleLoss(LatestLossSelector):
    """Of each few batches' worth of instances, train on those with the largest reducible loss.

    The reducible loss is the instance's latest loss less its irreducible one: that of a model that
    did not see the instance. An instance that is learnt already has a small one, and so has one
    whose labels are wrong, which nobody predicts. Each epoch goes through all instances in random
    order, b / kept_share at a time, and of these serves the b with the largest reducible loss
    (RHO-LOSS, Mindermann et al. [1]_). It is made for noisy labels.

    Both losses are the mean of the known labels' binary cross-entropy. A network with a
    ``pos_weight``, as TabM has, takes labels for more probable than they are, so that its losses do
    not compare with those of frequencies: train with ``pos_weight=None``, and ``estimator``
    too. As long as no loss has been seen, all instances are served.

    Parameters
    ----------
    estimator : classifier or None, default=None
        What predicts instances that it did not see: any with ``fit`` and ``predict_proba`` for
        many labels, of which copies are fitted when a run starts. None takes the share of
        positives among the 10 nearest other instances, of which the label is known, with one
        more that is the label's frequency.
    cv : int or None, default=5
        Parts of the cross-fitting: each part is predicted by a copy that was fitted on the
        others. None fits the estimator once and takes its out-of-bag predictions, ``oob_proba_``
        of :class:`~skd2ace.TabMClassifier`, or ``oob_decision_function_`` of scikit-learn's
        forests with ``oob_score=True``. Without meaning where there is no estimator.
    kept_share : float, default=0.1
        Share of the instances that is trained on, in (0, 1], as in the source.
    refresh : {"visit", "epoch"}, default="epoch"
        Which losses count: those of one pass over all instances in evaluation mode after each
        epoch, or those of each instance's latest training step, which costs nothing and makes
        instances that were passed over wait as they were.
    warmup_epochs : int or float, default=0
        Epochs of all instances at the beginning, a float as a share of the run.
    neighbors : {"auto", "exact"}, default="auto"
        "auto" finds exact neighbours too, unless these would take more than some seconds on a CPU
        (n^2 d above 2.5e11; sparse: n times the nonzeros above 2.5e10): then nearly all, by an
        index of faiss, the extra ``neighbors``. Without faiss they are exact, with a warning.

    Attributes
    ----------
    irreducible_ : Tensor of shape (n,)
        Irreducible losses.
    epoch_ : int
        The epoch being served, from 0.
    neighbor_recall_ : float
        Share of the neighbours found that are as close as the nearest ones, measured on 300
        instances; 1 where all are exact. Where there is no estimator.

    See Also
    --------
    OnlineBatch : Prefers high losses, those of wrong labels too.
    RandomSubset : Leaves out as many, whoever they are.

    Notes
    -----
    *Where it leaves the source.* There, losses are made anew for each batch, and the model that
    did not see the instances is trained on other data. Probabilities below 1 / (2 n) count as
    that, and those above 1 - 1 / (2 n) likewise.

    *Its batches are fewer*: ceil(n kept_share / b), up to rounding, by
    :meth:`~skd2ace.selection.BatchSelector.count_batches`.

    *Cost.* Once, neighbours, in O(n^2 d) where they are exact, or the fits of the estimator;
    with unknown labels, one fit for each label. Per epoch O(n log b), and the pass over all
    instances. 8 bytes per instance.

    References
    ----------
    .. [1] Mindermann et al. (2022). Prioritized Training on Points that are Learnable, Worth
       Learning, and Not Yet Learnt. ICML.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import ReducibleLoss
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = ReducibleLoss(kept_share=0.5)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "cv": [Interval(Integral, 2, None, closed="left"), None],
        "kept_share": [Interval(Real, 0, 1, closed="right")],
        "refresh": [StrOptions({"visit", "epoch"})],
        "warmup_epochs": EPOCHS,
        "neighbors": [StrOptions({"auto", "exact"})],
    }
    _state: ClassVar[tuple[str, ...]] = ("losses_", "irreducible_")

    def __init__(
        self,
        estimator: Any = None,
        cv: int | None = 5,
        kept_share: float = 0.1,
        refresh: Literal["visit", "epoch"] = "epoch",
        warmup_epochs: float = 0,
        neighbors: Neighbors = "auto",
    ) -> None:
        self.estimator = estimator
        self.cv = cv
        self.kept_share = kept_share
        self.refresh = refresh
        self.warmup_epochs = warmup_epochs
        self.neighbors = neighbors

    def _wants_features(self) -> bool:
        return True

    def _start(self, X: Tensor, Y: Tensor) -> None:
        super()._start(X, Y)
        if self.estimator is None:
            search = F.NeighborSearch(self.neighbors)
            proba = F.neighbor_frequencies(X, Y, known=self.known_, search=search)
            self.neighbor_recall_ = search.recall_
        else:
            proba = predict_held_out(self.estimator, X, Y, self.known_, self.cv, self.seed_)
        losses = F.clipped_cross_entropy(proba, Y, 1 / (2 * len(Y)))
        self.irreducible_ = F.known_mean(losses, self.known_).to(torch.float32)

    def _order(self, epoch: int) -> Tensor:
        order = super()._order(epoch)
        if not self.seen_:
            return order
        reducible = self.losses_ - self.irreducible_
        # Of a tiny share the quotient is infinite.
        n_wanted = min(round(self.batch_size_ / self.kept_share, 9), len(order))
        n_candidates = math.ceil(n_wanted)
        chosen = []
        for candidates in order.split(n_candidates):
            wanted = math.ceil(round(self.kept_share * len(candidates), 9))
            n_served = min(max(wanted, 1), self.batch_size_)
            chosen.append(candidates[reducible[candidates].topk(n_served).indices])
        return torch.cat(chosen)

"""D2ACE: dual dynamics and adaptive correlation enhancement."""

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from skd2ace._sklearn import Interval, StrOptions
from skd2ace._sparse import csr_from_dense

from . import functional as F
from ._base import BatchSelector
from ._d2ace_reference import PublishedSteps
from ._history import empty_history, record_predictions
from ._schedules import EPOCH_PAIR, count_epochs
from .functional._blocks import ScoreBlocks, row_parts
from .functional._neighbors import Neighbors
from .functional._sampling import Decay
from .functional._variants import Variant
from .functional._weights import Correlation, LabelWeight, label_correlation, weigh_labels

Metric = Literal["uncertainty", "hardness"]


class D2ACE(BatchSelector):
    """Batches of uncertain instances first, of hard ones later.

    Each epoch every instance gets two weights, one from the uncertainty of its predictions
    (Eq. 1-3) and one from its loss, discounted where the prediction keeps flipping as it does
    under label noise (Eq. 4-5). Either sums the scores of the instance's labels, weighted by how
    uncertain or hard each label is at present (Eq. 6-8), and adds what relevant labels that
    appear in its neighbourhood contribute through their correlation (Eq. 9-11). Quantised to
    ranks, the weights become sampling probabilities whose spread shrinks over the epochs
    (Eq. 13, 14, 21); batches are drawn from a Bernoulli mixture of the two that moves from
    uncertain to hard (Eq. 16-17).

    Parameters
    ----------
    n_neighbors : int, default=6
        Neighbours that make up an instance's neighbourhood, beside itself; the paper's grid is
        4 ... 8. With 0 features are not looked at.
    window : int, default=5
        Predictions kept per (instance, label), at least 2; n_t of the paper.
    entropy_weight : float, default=0.5
        Share of the entropy in the uncertainty, the rest being fluctuation; lambda 1.
    flip_smoothing : float, default=0.7
        Share of the latest flip in the flip rate; lambda 2.
    mix_start, mix_end : float, default=0.7, 0.3
        Share of the uncertainty in the mixture at the beginning and at the end.
    mix_epochs : tuple of two int or float, default=(0.3, 0.7)
        Epochs between which it moves, counted from 1; floats are shares of the run.
    mix_decay : {"linear", "exponential"}, default="linear"
        How it moves.
    label_weight : {"exp", "linear", None}, default="exp"
        Form of the label weights; None weights all labels alike.
    correlation : {"local", "global", None}, default="local"
        What the label correlations reach: labels in the neighbourhood, all labels (Z all ones,
        appendix A.2), or nothing.
    instance_weight : {"identity", "exp"}, default="identity"
        Whether exp(w - max w) takes the place of an instance's weight w.
    pressure : float, default=100.
        Largest ratio between two sampling probabilities at the first epoch after the warm-up,
        falling exponentially to 1 at the last.
    warmup_epochs : int or float, default=0.1
        Epochs of shuffled batches at the beginning, a float as a share of the run.
    refresh : {"visit", "epoch"}, default="visit"
        Which predictions count: those that the training steps make anyway, or those of one pass
        over all instances in evaluation mode after each epoch, the paper's predictions taken
        literally.
    unbiased : bool, default=False
        Draw with replacement and weight each loss by 1 / (n P(x)), for which Lemma 2 of the
        paper holds.
    variant : {"paper", "reference"}, default="paper"
        The equations, or the authors' published code; see :meth:`reference`.
    history_dtype : {"float32", "float16"}, default="float32"
        Of the predictions kept. Half precision saves 10 of 30 bytes per (instance, label); it
        moved no sampling probability by more than 0.2 % on yeast (``docs/selectors/d2ace.md``).
    neighbors : {"auto", "exact"}, default="auto"
        "auto" finds exact neighbours too, unless these would take more than some seconds on a CPU
        (n^2 d above 2.5e11; sparse: n times the nonzeros above 2.5e10): then nearly all, by an
        index of faiss, the extra ``neighbors``. Without faiss they are exact, with a warning.

    Attributes
    ----------
    probabilities_ : Tensor of shape (n,) or None
        Sampling probabilities of the epoch being served; None during the warm-up.
    epoch_ : int
        The epoch being served, from 0.
    distributions_ : dict of str to Tensor of shape (n,)
        What ``probabilities_`` was last mixed of, float64: "uncertainty" and "hardness", or the
        one that has a part.
    share_ : float
        Part of uncertainty in it (Eq. 17).
    neighbor_recall_ : float
        Share of the neighbours found that are as close as the nearest ones, measured on 300
        instances; 1 where all are exact. With ``correlation="local"``.

    See Also
    --------
    RandomBatches : Plain shuffling.

    Notes
    -----
    *Ablations.* Every bar of Figure 5 is a setting: hardness alone ``mix_start=mix_end=0``,
    uncertainty alone ``mix_start=mix_end=1``, fixed priority ``mix_start=mix_end=0.5``, no label
    weights ``label_weight=None``, linear ones ``label_weight="linear"``, no correlation
    ``correlation=None``, exponential instance weights ``instance_weight="exp"``, exponential
    decay ``mix_decay="exponential"``.

    *Cost.* Neighbours once per run, O(n^2 d) where they are exact. Per epoch O(n q window) for the
    scores; label correlations O(n q^2), or O(sigma(Y)^2 / n + sigma(Z) q) with sigma the number of
    ones where Y and Z are sparse enough for that to be faster. State: 30 to 32 bytes per
    (instance, label), or 20 to 22 with ``history_dtype="float16"``; scores are made of
    some 65 000 of these at a time (``docs/scale.md``).

    *An instance never seen* counts as p = 0.5; as long as none has been seen, sampling is
    uniform. *Labels that are not known* are left out of the sums, means and deviations of all
    equations; an instance without any has weight 0, the least there is.

    References
    ----------
    .. [1] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import D2ACE
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = D2ACE(n_neighbors=4, warmup_epochs=1)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BatchSelector._parameter_constraints,
        "n_neighbors": [Interval(Integral, 0, None, closed="left")],
        "window": [Interval(Integral, 2, None, closed="left")],
        "entropy_weight": [Interval(Real, 0, 1, closed="both")],
        "flip_smoothing": [Interval(Real, 0, 1, closed="right")],
        "mix_start": [Interval(Real, 0, 1, closed="both")],
        "mix_end": [Interval(Real, 0, 1, closed="both")],
        "mix_epochs": EPOCH_PAIR,
        "mix_decay": [StrOptions({"linear", "exponential"})],
        "label_weight": [StrOptions({"exp", "linear"}), None],
        "correlation": [StrOptions({"local", "global"}), None],
        "instance_weight": [StrOptions({"identity", "exp"})],
        "refresh": [StrOptions({"visit", "epoch"})],
        "variant": [StrOptions({"paper", "reference"})],
        "history_dtype": [StrOptions({"float32", "float16"})],
        "neighbors": [StrOptions({"auto", "exact"})],
    }
    # Rounded once only, to what the history keeps.
    _update_dtype: ClassVar[torch.dtype] = torch.float64
    _state: ClassVar[tuple[str, ...]] = ("history_", "flip_rate_", "losses_", "visited_")

    def __init__(
        self,
        n_neighbors: int = 6,
        window: int = 5,
        entropy_weight: float = 0.5,
        flip_smoothing: float = 0.7,
        mix_start: float = 0.7,
        mix_end: float = 0.3,
        mix_epochs: tuple[float, float] = (0.3, 0.7),
        mix_decay: Decay = "linear",
        label_weight: LabelWeight = "exp",
        correlation: Correlation = "local",
        instance_weight: Literal["identity", "exp"] = "identity",
        pressure: float = 100.0,
        warmup_epochs: float = 0.1,
        refresh: Literal["visit", "epoch"] = "visit",
        unbiased: bool = False,
        variant: Variant = "paper",
        history_dtype: Literal["float32", "float16"] = "float32",
        neighbors: Neighbors = "auto",
    ) -> None:
        self.n_neighbors = n_neighbors
        self.window = window
        self.entropy_weight = entropy_weight
        self.flip_smoothing = flip_smoothing
        self.mix_start = mix_start
        self.mix_end = mix_end
        self.mix_epochs = mix_epochs
        self.mix_decay = mix_decay
        self.label_weight = label_weight
        self.correlation = correlation
        self.instance_weight = instance_weight
        self.pressure = pressure
        self.warmup_epochs = warmup_epochs
        self.refresh = refresh
        self.unbiased = unbiased
        self.variant = variant
        self.history_dtype = history_dtype
        self.neighbors = neighbors

    @classmethod
    def reference(cls, **params: Any) -> "D2ACE":
        """Make the selector that computes what the authors' published code computes.

        It departs from the paper in the loss, the flips, the correlations, the initial pressure,
        the mixing epochs, the epoch whose schedule is used, and the warm-up, which goes through
        the instances in their order; ``docs/selectors/d2ace.md`` lists the differences.

        Parameters
        ----------
        **params
            Further parameters of the constructor.
        """
        published = {"pressure": 8, "mix_epochs": (10, 70), "warmup_epochs": 10}
        return cls(**{"variant": "reference", **published, **params})

    @property
    def _steps(self) -> "D2ACE | PublishedSteps":
        """Who takes the steps that the published code takes otherwise than the paper."""
        return PublishedSteps(self) if self.variant == "reference" else self

    def weigh_labels(self, metric: Metric) -> Tensor:
        """Compute the label weights (Eq. 6-7) by what has been told so far.

        Parameters
        ----------
        metric : {"uncertainty", "hardness"}

        Returns
        -------
        Tensor of shape (q,)
        """
        return weigh_labels(self._make_blocks(metric), self.label_weight)

    def correlate_labels(self, metric: Metric) -> Tensor:
        """Compute the label correlations (Eq. 9) by what has been told so far.

        Parameters
        ----------
        metric : {"uncertainty", "hardness"}

        Returns
        -------
        Tensor of shape (q, q)
            Cosines in [0, 1]; a label without positives has 0 with all.
        """
        return label_correlation(self._make_blocks(metric))

    def _make_blocks(self, metric: Metric) -> ScoreBlocks:
        return ScoreBlocks(self._metrics[metric], self.relevant_, self.known_)

    @property
    def _metrics(self) -> dict[Metric, Callable[[slice], Tensor]]:
        return {"uncertainty": self._uncertainty, "hardness": self._hardness}

    def _wants_features(self) -> bool:
        return self.correlation == "local" and self.n_neighbors > 0

    def _start(self, X: Tensor, Y: Tensor) -> None:
        if self.mix_decay == "exponential" and min(self.mix_start, self.mix_end) <= 0:
            raise ValueError(
                "mix_decay='exponential' needs a positive mix_start and mix_end, got "
                f"{self.mix_start} and {self.mix_end}."
            )
        start, end = (count_epochs(setting, self.n_epochs_) for setting in self.mix_epochs)
        if start > end:
            raise ValueError(
                f"mix_epochs={self.mix_epochs!r} are epochs {start} and {end} of "
                f"{self.n_epochs_}: it needs start <= end."
            )
        self.mix_epochs_ = start, end
        self.history_ = empty_history(self.window, Y, getattr(torch, self.history_dtype))
        self.flip_rate_ = torch.zeros(Y.shape, dtype=torch.float32, device=Y.device)
        self.losses_ = torch.full(Y.shape, math.log(2), dtype=torch.float32, device=Y.device)
        self.visited_ = torch.zeros(len(Y), dtype=torch.bool, device=Y.device)
        relevant = Y.to(torch.bool)
        self.local_ = None
        if self.correlation == "local":
            search = F.NeighborSearch(self.neighbors)
            local = F.local_labels(X, relevant, self.n_neighbors, search=search)
            self.neighbor_recall_ = search.recall_
            # Measured on two cores: the sparse product wins up to about a third of ones.
            self.local_ = _sparse_if(local, max_density=0.3)
        # Here the dense product is so fast that only many and rare labels are worth a detour.
        self.relevant_ = _sparse_if(relevant, max_density=0.02 if Y.shape[1] > 200 else 0)

    def _update(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> None:
        self._steps._record(index, proba)
        self.losses_[index] = losses.to(self.losses_.dtype)
        self.visited_[index] = True

    def _record(self, index: Tensor, proba: Tensor) -> None:
        # Of an epoch's predictions of an instance the last one counts.
        record_predictions(self.history_, index, proba, again=self.visited_[index])

    def _end_epoch(self) -> None:
        self._steps._count_flips()
        self.visited_.zero_()

    def _count_flips(self) -> None:
        for rows in row_parts(slice(0, self.n_instances_), self.n_labels_):
            before, now = self.history_[-2:, rows]
            flip_rate, visited = self.flip_rate_[rows], self.visited_[rows, None]
            flipped = F.update_flip_rate(flip_rate, before, now, self.flip_smoothing)
            flip_rate.copy_(torch.where(visited, flipped, flip_rate))

    def _probabilities(self, epoch: int) -> Tensor:
        now, first = self._steps._count_epochs(epoch)
        pressure = F.selection_pressure(now, first, self.n_epochs_, self.pressure)
        share = F.mixing_coefficient(
            now, *self.mix_epochs_, self.mix_start, self.mix_end, self.mix_decay
        )
        self.share_ = share
        self.distributions_: dict[str, Tensor] = {}
        mixture = torch.zeros(self.n_instances_, dtype=torch.float64, device=self.device_)
        if share > 0:
            mixture += share * self._by_metric("uncertainty", pressure)
        if share < 1:
            mixture += (1 - share) * self._by_metric("hardness", pressure)
        return mixture

    def _count_epochs(self, epoch: int) -> tuple[int, int]:
        """Count an epoch and the first after the warm-up, from 1."""
        return epoch + 1, self.warmup_epochs_ + 1

    def _uncertainty(self, rows: slice) -> Tensor:
        return F.uncertainty(self.history_[:, rows], self.entropy_weight)

    def _hardness(self, rows: slice) -> Tensor:
        return F.hardness(self.losses_[rows], self.flip_rate_[rows], self.variant)

    def _by_metric(self, metric: Metric, pressure: float) -> Tensor:
        weights = F.instance_weights(
            self._metrics[metric],
            self.relevant_,
            self.local_,
            label_weight=self.label_weight,
            correlation=self.correlation,
            variant=self.variant,
            known=self.known_,
        )
        if not torch.isfinite(weights).all():
            raise ValueError(
                f"D2ACE: the {metric} weights of epoch {self.epoch_ + 1} are not finite: the "
                "predictions or losses they are made of are not, or are too large. A smaller "
                "learning rate, or features scaled to a common range, may help."
            )
        if self.instance_weight == "exp":
            weights = torch.exp(weights - weights.max())
        self.distributions_[metric] = F.sampling_probabilities(weights, pressure)
        return self.distributions_[metric]

    def _warmup_order(self) -> Tensor:
        return self._steps._order_warmup()

    def _order_warmup(self) -> Tensor:
        return super()._warmup_order()


def _sparse_if(matrix: Tensor, max_density: float) -> Tensor:
    n_ones = int(matrix.sum())
    return csr_from_dense(matrix) if n_ones < max_density * matrix.numel() else matrix

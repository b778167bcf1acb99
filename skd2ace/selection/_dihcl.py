"""DIHCL: instances that the network is still changing its mind about."""

from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from skd2ace._sklearn import Interval, StrOptions

from . import functional as F
from ._base import BatchSelector

# Both as in the authors' published code.
_LARGEST_CHANGE = 10.0
_COOLING = 0.8


class DIHCL(BatchSelector):
    """Prefer instances with a high dynamic hardness: those that training keeps changing.

    At each visit of an instance, its hardness moves to r = discount * a + (1 - discount) * r,
    from r = 1, where the feedback a is how much the network's answer has changed since the visit
    before, over the sum of the learning rates of the steps in between, and over n p where the
    instance was drawn with the probability p. Sampling is softmax-based Exp3: with
    s = sqrt(n) r / (r + mean(r)), p is proportional to exp(sqrt(2 log(n) / n) s).

    The source [1]_ has one label per instance; with many, the change of the mean loss over
    known labels, or the share of these that flipped, takes its place. The hardness of an instance
    of which no label is known falls towards 0 with each visit.

    Parameters
    ----------
    feedback : {"dloss", "flip"}, default="dloss"
        Absolute change of the instance's mean label loss (at most 10), or share of labels whose
        prediction, at the threshold 0.5, became right or wrong.
    discount : float, default=0.95
        Share of the latest feedback in the hardness; gamma of the source.
    sampling : {"exp3", "softmax"}, default="exp3"
        How hardness becomes probabilities: as above, or as in the authors' published code,
        exp(T r / mean(r)), normalised, with feedback that is not divided by n p. T falls by the
        factor 0.8 with each episode, to 1.
    temperature : float, default=20.
        T of the first episode, at least 1; of "softmax" only.
    episode : int, default=10
        Epochs between two falls of T, counted from the end of the warm-up; of "softmax" only.
    warmup_epochs : int or float, default=0.1
        Epochs of shuffled batches at the beginning, a float as a share of the run; what they
        bring counts.
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
    ActiveBias : Prefers instances whose predictions vary.

    Notes
    -----
    *Where it leaves the paper.* Its formula, exp(sqrt(2 log(n) / n) r) with the feedback divided
    by the probability p, diverges when taken literally: a rare visit divides by a small p, which
    makes r large, all other p small, and so on; and r is as large as the learning rate is small.
    Exp3 is made for feedback in [0, 1], of which each of n arms has gathered about one at the
    horizon n. So r is scaled to r / (r + mean(r)), in [0, 1) and without a unit: a smaller
    learning rate multiplies r and its mean alike. Times sqrt(n), the exponent is
    sqrt(2 log(n)) r / (r + mean(r)), which is half of sqrt(2 log(n)) for an average instance. The
    largest ratio between two probabilities stays below exp(sqrt(2 log(n))), 50 for n = 2175, and
    an instance twice as hard as the average is always preferred to one half as hard, by
    exp(sqrt(2 log(n)) / 3). The feedback is divided by n p, which is p up to a factor that the
    scaling takes away, and the limit to changes of the loss is that of the authors' published
    code.

    *The published code concentrates.* With ``sampling="softmax"``, r / mean(r) of one instance
    can be as large as n. Batches hold distinct instances, but all batches of an epoch may hold
    nearly the same ones: with CLIF on yeast, an epoch after the warm-up visited between 135 and
    1402 of 2175 instances. ``unbiased`` batches can be copies of one instance, with a weight near
    1 / n. No probability is below e^-500 of the largest, so that all stay positive.

    *Details.* Of the hardness of 1 that all begin with a share of 0.05 is left after a second
    visit, and of that 0.05 after a third. The first visit of an instance changes nothing, since
    there is none to compare with. Steps of which :meth:`~skd2ace.selection.BatchSelector.update` is
    told no learning rate count 1 each; a change during which the learning rates add up to 0 counts
    0.

    *Cost.* Time O(n q) per epoch. State: 24 bytes per instance for "dloss", 16 and 1 per label
    for "flip".

    References
    ----------
    .. [1] Zhou et al. (2020). Curriculum Learning by Dynamic Instance Hardness. NeurIPS.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import DIHCL
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> selector = DIHCL(feedback="flip", warmup_epochs=1)
    >>> est = CLIFClassifier(batch_selector=selector, max_epochs=3, verbose=0, random_state=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BatchSelector._parameter_constraints,
        "feedback": [StrOptions({"dloss", "flip"})],
        "discount": [Interval(Real, 0, 1, closed="right")],
        "sampling": [StrOptions({"exp3", "softmax"})],
        "temperature": [Interval(Real, 1, None, closed="left")],
        "episode": [Interval(Integral, 1, None, closed="left")],
    }
    # In double precision: exponents of a hundred make the last bits of single precision count.
    _update_dtype: ClassVar[torch.dtype] = torch.float64
    _state: ClassVar[tuple[str, ...]] = (
        "hardness_",
        "last_answers_",
        "rate_sum_at_visit_",
        "rate_sum_",
    )

    def __init__(
        self,
        feedback: Literal["dloss", "flip"] = "dloss",
        discount: float = 0.95,
        sampling: Literal["exp3", "softmax"] = "exp3",
        temperature: float = 20.0,
        episode: int = 10,
        warmup_epochs: float = 0.1,
        unbiased: bool = False,
    ) -> None:
        self.feedback = feedback
        self.discount = discount
        self.sampling = sampling
        self.temperature = temperature
        self.episode = episode
        self.warmup_epochs = warmup_epochs
        self.unbiased = unbiased

    def _start(self, X: Tensor, Y: Tensor) -> None:
        self.hardness_ = torch.ones(len(Y), dtype=torch.float64, device=Y.device)
        self.last_answers_ = (
            torch.zeros_like(self.hardness_)[:, None]
            if self.feedback == "dloss"
            else torch.zeros(Y.shape, dtype=torch.bool, device=Y.device)
        )
        # Sum of all learning rates so far, and what it was at the last visit (NaN: none yet).
        self.rate_sum_ = 0.0
        self.rate_sum_at_visit_ = torch.full_like(self.hardness_, torch.nan)

    def _update(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> None:
        known = self._known_of(index)
        if self.feedback == "dloss":
            answer = F.known_mean(losses, known)[:, None]
            change = (answer - self.last_answers_[index]).abs_().clamp_(max=_LARGEST_CHANGE)[:, 0]
        else:
            # The truth stays: correctness changes where the prediction does.
            answer = proba >= 0.5
            change = F.known_mean((answer != self.last_answers_[index]).to(torch.float64), known)
        elapsed = self.rate_sum_ - self.rate_sum_at_visit_[index]
        feedback = torch.where(elapsed > 0, change / elapsed, 0)
        if self.sampling == "exp3" and self.probabilities_ is not None:
            feedback = feedback / (self.n_instances_ * self.probabilities_[index])
        hardness = self.hardness_[index]
        moved = self.discount * feedback + (1 - self.discount) * hardness
        self.hardness_[index] = torch.where(elapsed.isnan(), hardness, moved)
        self.last_answers_[index] = answer
        self.rate_sum_at_visit_[index] = self.rate_sum_
        self.rate_sum_ += 1.0 if learning_rate is None else float(learning_rate)

    def _probabilities(self, epoch: int) -> Tensor:
        if self.sampling == "exp3":
            return F.exp3_probabilities(self.hardness_)
        n_episodes = (epoch - self.warmup_epochs_) // self.episode
        temperature = max(self.temperature * _COOLING**n_episodes, 1.0)
        return F.softmax_probabilities(self.hardness_, temperature)

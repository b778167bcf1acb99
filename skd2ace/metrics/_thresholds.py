"""Thresholds of labels that make a metric best."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._cells import Cells, read_scored
from ._records import METRICS

_MAX_CANDIDATES = 50
_MAX_ROUNDS = 10

Floats = NDArray[np.float64]


def best_f1_thresholds(
    Y_true: ArrayLike,
    Y_proba: ArrayLike,
    *,
    default: float = 0.5,
    sample_weight: ArrayLike | None = None,
) -> Floats:
    """Threshold of each label that makes its F1 largest.

    Parameters
    ----------
    Y_true : array-like or sparse matrix of shape (n, q)
        0/1; NaN where unknown.
    Y_proba : array-like of shape (n, q)
        Probabilities; a label is predicted where its probability is at least the threshold.
    default : float, default=0.5
        Threshold of a label without positives that count, whose F1 is 0 at any.
    sample_weight : array-like of shape (n,) or (n, q), optional
        What instances or cells count, not negative; those of 0 may hold anything.

    Returns
    -------
    ndarray of shape (q,)
        Each is one of the label's probabilities, the highest of equally good ones.

    Raises
    ------
    ValueError
        If labels that count are not 0/1, a probability that counts is NaN, or shapes or weights
        do not fit.

    See Also
    --------
    best_thresholds : The same for any metric of predicted labels.

    Examples
    --------
    >>> from skd2ace.metrics import best_f1_thresholds
    >>> best_f1_thresholds([[1], [1], [0]], [[0.3], [0.2], [0.1]])
    array([0.2])
    """
    return _maximize_each_f1(read_scored(Y_true, Y_proba, sample_weight), default)


def best_thresholds(
    Y_true: ArrayLike,
    Y_score: ArrayLike,
    *,
    metric: str | Callable[..., float] = "macro_f1",
    default: float = 0.5,
    sample_weight: ArrayLike | None = None,
) -> Floats:
    """Threshold of each label, together those that make a metric best.

    Parameters
    ----------
    Y_true : array-like or sparse matrix of shape (n, q)
        0/1; NaN where unknown.
    Y_score : array-like of shape (n, q)
        Probabilities, or any scores; a label is predicted where its score is at least the
        threshold. A row of NaN alone, an instance without scores, is left out.
    metric : {"macro_f1", "micro_f1", "hamming_loss"} or callable, default="macro_f1"
        A metric of predicted labels. A function is called with the true labels (n, q) as floats,
        NaN where they are unknown, predictions (n, q) of 0/1, and, if weights differ,
        ``sample_weight=`` of shape (n,) or (n, q); of a single label all are (n,). Larger is
        better, but for the losses of this module.
    default : float, default=0.5
        Where there is nothing to choose by: of a label without positives that count, for
        Macro-F1, and of one that is best never predicted, if no score reaches it (else its
        threshold is the next number above its highest score).
    sample_weight : array-like of shape (n,) or (n, q), optional
        What instances or cells count, not negative; those of 0 may hold anything.

    Returns
    -------
    ndarray of shape (q,), float64

    Raises
    ------
    ValueError
        If there is no such metric, labels that count are not 0/1, a score that counts is NaN in
        a row that has others, or shapes or weights do not fit.

    Notes
    -----
    For Macro-F1 (:func:`best_f1_thresholds`), Hamming loss and Micro-F1 the thresholds are the
    best there are, the highest of equally good ones of a label. Micro-F1 is a ratio, 2 TP / (P +
    PP), of sums over labels of true positives, positives and predicted positives. Thresholds
    that maximise 2 TP - r PP, label by label, for a value r that they have themselves are best of
    all, and r rises to it in a few steps from 0 [1]_.

    For any other metric the search is by coordinates: from the best threshold that all labels
    share, label after label, the best of at most 50 quantiles of its scores, ``default`` and
    none at all, the other labels held, until a round through the labels changes nothing (10
    rounds at most). That costs up to 50 q calls of the metric in each round, and may end in a
    local optimum, but never below ``default`` for all labels.

    References
    ----------
    .. [1] Dinkelbach (1967). On nonlinear fractional programming. Management Science 13(7).

    Examples
    --------
    >>> from skd2ace.metrics import best_thresholds
    >>> Y, scores = [[1, 0], [1, 1], [0, 0]], [[0.3, 0.4], [0.2, 0.6], [0.1, 0.5]]
    >>> best_thresholds(Y, scores, metric="micro_f1")
    array([0.2, 0.6])
    """
    function, is_better = _find_metric(metric)
    cells = read_scored(Y_true, Y_score, sample_weight, has_empty_rows=True)
    maximize = _EXACTLY.get(function)
    if maximize is not None:
        return maximize(cells, default)
    return _Search(cells, function, is_better).run(default)


def _find_metric(metric: Any) -> tuple[Callable[..., float], int]:
    """Find the function of a metric, and whether more of it is better (1) or less (-1)."""
    known = {name: record for name, record in METRICS.items() if record.response == "predict"}
    if isinstance(metric, str) and metric in known:
        return known[metric].function, 1 if known[metric].higher_is_better else -1
    if not callable(metric):
        raise ValueError(
            f"metric must be one of {', '.join(known)}, or a function of true and predicted "
            f"labels, got {metric!r}."
        )
    records = {record.function: record for record in known.values()}
    is_loss = metric in records and not records[metric].higher_is_better
    return metric, -1 if is_loss else 1


class _Cuts(NamedTuple):
    """Thresholds of one label from the highest on, and what is predicted at each, by weight."""

    thresholds: Floats
    """The first is above all scores."""
    hits: Floats
    """True positives."""
    marked: Floats
    """Predicted positives."""

    def find_best(self, gain: float, cost: float) -> int:
        """Find where gain * hits - cost * marked is largest, the highest of equal ones."""
        return int((gain * self.hits - cost * self.marked).argmax())


def _list_cuts(cells: Cells, default: float) -> list[_Cuts]:
    weight = cells.weigh_cells()
    listed = []
    for label in range(weight.shape[1]):
        counted = np.flatnonzero(weight[:, label] > 0)
        scores = cells.answer[counted, label].astype(np.float64)
        order = np.argsort(-scores, kind="stable")
        scores, counted = scores[order], counted[order]
        marked = weight[counted, label].cumsum()
        hits = (weight[counted, label] * cells.relevant[counted, label]).cumsum()
        # Of equal scores all are predicted, or none.
        ends = np.flatnonzero(scores != np.append(scores[1:], np.nan))
        none = _above(scores[:1], default)
        listed.append(
            _Cuts(np.r_[none, scores[ends]], np.r_[0.0, hits[ends]], np.r_[0.0, marked[ends]])
        )
    return listed


def _above(highest: Floats, default: float) -> float:
    """Threshold at which nothing is predicted: ``default`` if no score reaches it."""
    return max([default, *np.nextafter(highest, np.inf)])


def _maximize_each_f1(cells: Cells, default: float) -> Floats:
    thresholds = np.full(cells.relevant.shape[1], default, dtype=np.float64)
    for label, cuts in enumerate(_list_cuts(cells, default)):
        positive = cuts.hits[-1]
        if positive > 0:
            # Divided once, what is equal stays so.
            f1 = 2 * cuts.hits / (positive + cuts.marked)
            thresholds[label] = cuts.thresholds[f1.argmax()]
    return thresholds


def _minimize_hamming_loss(cells: Cells, default: float) -> Floats:
    """What is predicted rightly gains as much as wrongly it costs."""
    cuts = _list_cuts(cells, default)
    return np.array([label.thresholds[label.find_best(2, 1)] for label in cuts])


def _maximize_micro_f1(cells: Cells, default: float) -> Floats:
    cuts = _list_cuts(cells, default)
    positive = (cells.weigh_cells() * cells.relevant).sum()
    best, rate = [0] * len(cuts), 0.0
    # The rate as a fraction, whose quotient is rounded: equal cuts would differ by it.
    gain, cost = 1.0, 0.0
    while positive > 0:
        chosen = [label.find_best(gain, cost) for label in cuts]
        hits = sum(label.hits[i] for label, i in zip(cuts, chosen, strict=True))
        marked = sum(label.marked[i] for label, i in zip(cuts, chosen, strict=True))
        gain, cost = positive + marked, hits
        before, rate = rate, 2 * hits / gain
        # Those chosen at the best rate itself are the highest that have it.
        if rate >= before:
            best = chosen
        if not rate > before:
            break
    return np.array([label.thresholds[i] for label, i in zip(cuts, best, strict=True)])


_EXACTLY: dict[Any, Callable[[Cells, float], Floats]] = {
    METRICS["macro_f1"].function: _maximize_each_f1,
    METRICS["micro_f1"].function: _maximize_micro_f1,
    METRICS["hamming_loss"].function: _minimize_hamming_loss,
}


class _Search:
    """A search by coordinates for thresholds that make a metric best."""

    def __init__(self, cells: Cells, function: Callable[..., float], sign: int) -> None:
        self.function, self.sign = function, sign
        self.counted = cells.weigh_cells() > 0
        rows = self.counted.any(axis=1)
        self.counted, self.scores = self.counted[rows], cells.answer[rows].astype(np.float64)
        self.truth = np.where(self.counted, cells.relevant[rows], np.nan)
        weight = _simplify(cells.weigh_cells()[rows])
        self.weight = {} if weight is None else {"sample_weight": weight}

    def run(self, default: float) -> Floats:
        n_labels = self.truth.shape[1]
        grids = [
            self._list_candidates(self.scores[self.counted[:, label], label], default)
            for label in range(n_labels)
        ]
        shared = self._list_candidates(self.scores[self.counted], default)
        if not len(self.truth):
            return np.full(n_labels, default)
        values = [self._measure(self.scores >= threshold) for threshold in shared]
        thresholds = np.full(n_labels, shared[int(np.argmax(values))])
        predicted, best = self.scores >= thresholds, max(values)
        for _ in range(_MAX_ROUNDS):
            before = best
            for label, grid in enumerate(grids):
                best = self._improve(label, grid, thresholds, predicted, best)
            if not best > before:
                break
        return thresholds

    def _improve(
        self, label: int, grid: Floats, thresholds: Floats, predicted: NDArray, best: float
    ) -> float:
        """Change one label's threshold and predictions if the metric gains by it."""
        for threshold in grid:
            kept = predicted[:, label].copy()
            predicted[:, label] = self.scores[:, label] >= threshold
            # The metric is dear, and many candidates predict the same.
            value = best if (predicted[:, label] == kept).all() else self._measure(predicted)
            if value > best:
                best, thresholds[label] = value, threshold
            else:
                predicted[:, label] = kept
        return best

    def _measure(self, predicted: NDArray) -> float:
        truth, answer = self.truth, predicted.astype(np.int64)
        if truth.shape[1] == 1:
            truth, answer = truth[:, 0], answer[:, 0]
        value = self.sign * float(self.function(truth, answer, **self.weight))
        return -np.inf if np.isnan(value) else value

    @staticmethod
    def _list_candidates(scores: Floats, default: float) -> Floats:
        """List the default, none at all, and scores from the highest on."""
        distinct = np.unique(scores)[::-1]
        if len(distinct) > _MAX_CANDIDATES:
            levels = np.linspace(1, 0, _MAX_CANDIDATES)
            distinct = np.unique(np.quantile(scores, levels, method="higher"))[::-1]
        return np.r_[default, _above(distinct[:1], default), distinct]


def _simplify(weight: Floats) -> Floats | None:
    """Weights as simple as they can be told: None, of instances, or of cells; 0 has no say."""
    high = weight.max(axis=1, initial=0)
    low = weight.min(axis=1, where=weight > 0, initial=np.inf)
    if (high > low).any():
        return weight
    return None if len(high) == 0 or (high == high[0]).all() else high

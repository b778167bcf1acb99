"""Predictions of training rows by members of an ensemble that did not see them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from skorch.callbacks import Callback

from skd2ace._modules import unwrap_compiled
from skd2ace.metrics import macro_auc, roc_auc_per_label

from ._batches import BatchIterator

# Each member predicts a part of them, and should have enough to do.
_ROWS_AT_ONCE = 1024


class HeldOut(NamedTuple):
    """Labels of instances, and their prediction by a network that was not trained on them.

    Attributes
    ----------
    Y : ndarray of shape (n, q), float32
        NaN where a label is not known.
    proba : ndarray of shape (n, q), float64
        NaN in rows without a prediction.
    weight : ndarray of shape (n,) or (n, q), float64, or None
        On any scale.
    """

    Y: NDArray[np.float32]
    proba: NDArray[np.float64]
    weight: NDArray[np.float64] | None

    def score(self) -> float:
        """Macro-AUC over the rows that have a prediction; NaN where no label has both values."""
        rows = ~np.isnan(self.proba).any(axis=1)
        if not rows.any():
            return float("nan")
        weight = None if self.weight is None else self.weight[rows]
        return float(macro_auc(self.Y[rows], self.proba[rows], sample_weight=weight))


def has_out_of_bag(net: Any) -> bool:
    """Whether a net gives out-of-bag predictions.

    Its module does, and all its training was on the same rows in the same order: of others those
    that are blind to a position may have seen the row that stands there now.
    """
    gives = bool(getattr(unwrap_compiled(net.module_), "has_out_of_bag", False))
    return gives and len(getattr(net, "_trained_on", ())) < 2


def predict_out_of_bag(net: Any, dataset: Any) -> HeldOut:
    """Predict each row of the training part by the members that are blind to it.

    Parameters
    ----------
    net : skorch.NeuralNet
        Its module has ``out_of_bag_logits(X, index)``, (b, q), and ``has_out_of_bag``.
    dataset : Dataset
        The training part.

    Returns
    -------
    HeldOut
        Rows of NaN where every member sees them.
    """
    module = unwrap_compiled(net.module_)
    rows = BatchIterator(dataset, batch_size=_ROWS_AT_ONCE, device=net.device)
    with _predicting(module):
        parts = [module.out_of_bag_logits(batch[0], batch.instances) for batch in rows]
    weight = rows.cell_weight()
    return HeldOut(
        rows.labels().cpu().numpy(),
        expit(torch.cat(parts).cpu().numpy().astype(np.float64)),
        None if weight is None else weight.double().cpu().numpy(),
    )


@contextmanager
def _predicting(module: Any) -> Iterator[None]:
    """Have a module in evaluation mode, and then as it was."""
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        module.train(was_training)


def measure_pooling(net: Any, dataset: Any) -> float:
    """What an out-of-bag Macro-AUC loses by comparing predictions of members that differ.

    A member that has not seen a positive row takes the label for a little rarer than the others
    do, and so predicts just this row a little lower than they predict the rest: over all rows,
    rare labels come out worse than they are. Within the rows that one member does not see there
    is no such thing. The difference of the two, of single members, is what the mean of several
    lacks too.

    Parameters
    ----------
    net, dataset
        As for :func:`predict_out_of_bag`; the module has ``blind_member_logits(X, index)`` too.

    Returns
    -------
    float
        To be added to the Macro-AUC; the mean over labels, 0 of those that no member can rank.
    """
    rows = BatchIterator(dataset, batch_size=_ROWS_AT_ONCE, device=net.device)
    Y, weight = rows.labels().cpu().numpy(), rows.cell_weight()
    cell_weight = np.ones(len(Y)) if weight is None else weight.double().cpu().numpy()
    proba, blind = _predict_by_members(unwrap_compiled(net.module_), rows)

    def auc(chosen: NDArray[np.int64], member: NDArray[np.int64]) -> NDArray[np.float64]:
        found = np.full(Y.shape[1], np.nan)
        if len(chosen):
            weights = cell_weight[chosen]
            found = roc_auc_per_label(Y[chosen], proba[chosen, member], sample_weight=weights)
        return found

    within, pairs = [], []
    for m in range(blind.shape[1]):
        unseen = np.flatnonzero(blind[:, m])
        within.append(auc(unseen, np.full(len(unseen), m)))
        pairs.append((Y[unseen] == 1).sum(0) * (Y[unseen] == 0).sum(0))
    # The first of the members that are blind to a row, the second, and so on, each over all rows.
    order = np.argsort(~blind, axis=1, kind="stable")
    counts = blind.sum(1)
    pooled = [
        auc(np.flatnonzero(counts > j), order[counts > j, j]) for j in range(int(counts.max()))
    ]
    lost = _average(within, pairs) - _average(pooled, [np.ones(Y.shape[1])] * len(pooled))
    ranked = ~np.isnan(pooled).all(axis=0) if pooled else np.zeros(0, dtype=bool)
    return float(np.nan_to_num(lost)[ranked].mean()) if ranked.any() else 0.0


def _predict_by_members(
    module: Any, rows: BatchIterator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Probabilities (n, k, q) of members, of which those of rows that they see mean nothing."""
    with _predicting(module):
        parts = [module.blind_member_logits(batch[0], batch.instances) for batch in rows]
    logits, blind = (torch.cat(tensors).cpu().numpy() for tensors in zip(*parts, strict=True))
    return expit(logits), blind


def _average(values: list[NDArray], weights: list[NDArray]) -> NDArray[np.float64]:
    """Mean (q,) of values (q,), without those that are NaN; NaN where all are."""
    known = ~np.isnan(values) & (np.asarray(weights) > 0)
    total = np.where(known, weights, 0).sum(0)
    summed = np.where(known, np.nan_to_num(values) * np.asarray(weights), 0).sum(0)
    return np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)


class OutOfBagScore(Callback):
    """Score each epoch by the out-of-bag predictions of the rows that it is trained on.

    Writes ``oob_macro_auc`` to the history, by which :class:`~skd2ace.training.BestEpoch` finds
    the best: no rows are held out for it. Does nothing with a network that has no such
    predictions: those have ``out_of_bag_logits(X, index)`` and a true ``has_out_of_bag``.

    Examples
    --------
    >>> from skd2ace import MultiLabelNetClassifier
    >>> from skd2ace.networks import TabM
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = MultiLabelNetClassifier(
    ...     TabM, train_split=None, max_epochs=3, random_state=0, verbose=0
    ... )
    >>> len(est.fit(X, Y).history[:, "oob_macro_auc"])
    3
    """

    def on_epoch_end(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Write the Macro-AUC to the history."""
        if has_out_of_bag(net):
            net.history.record("oob_macro_auc", predict_out_of_bag(net, dataset_train).score())

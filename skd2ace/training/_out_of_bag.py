"""Predictions of training rows by members of an ensemble that did not see them."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from skorch.callbacks import Callback

from skd2ace._modules import unwrap_compiled
from skd2ace.metrics import macro_auc

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


def has_out_of_bag(module: Any) -> bool:
    """Whether a module gives out-of-bag predictions."""
    return bool(getattr(unwrap_compiled(module), "has_out_of_bag", False))


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
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            parts = [module.out_of_bag_logits(batch[0], batch.instances) for batch in rows]
    finally:
        module.train(was_training)
    weight = rows.cell_weight()
    return HeldOut(
        rows.labels().cpu().numpy(),
        expit(torch.cat(parts).cpu().numpy().astype(np.float64)),
        None if weight is None else weight.double().cpu().numpy(),
    )


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
        if has_out_of_bag(net.module_):
            net.history.record("oob_macro_auc", predict_out_of_bag(net, dataset_train).score())

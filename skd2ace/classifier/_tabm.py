"""TabMClassifier."""

from typing import Any

import torch

from skd2ace.networks import TabM
from skd2ace.training import WeightAverage

from ._fixed import FixedNetClassifier
from ._net import MultiLabelNetClassifier
from ._signature import takes_parameters_of


class TabMClassifier(FixedNetClassifier):
    """Ensemble of multi-layer perceptrons in one network, for tables of any kind.

    The one to begin with. Its input is prepared (``preprocessor="auto"``): numbers, categories,
    missing values, sparse counts may come as they are. No rows are given up for validation: each
    of the ensemble's members is blind to a part of them, and by the predictions of those that
    did not see a row (out of bag, as in a random forest) the best epoch is chosen. AdamW at a
    constant learning rate, with an exponential moving average of the weights, which makes any
    epoch a good end. A positive counts as four negatives (``pos_weight=4.0``), so that labels
    are predicted from about one chance in five on, as F1 wants it; odds are four times too high
    for it, and ``calibration="sigmoid"`` brings them back. Of a one-dimensional y the second class
    is the positive one: give ``pos_weight=None`` where neither is. The network's own settings are
    ``module__k``, ``module__width``, ``module__n_blocks``, ``module__dropout``,
    ``module__n_parts``, ``module__sharing`` and ``module__embedding_size``, with the defaults of
    :class:`~skd2ace.networks.TabM`; ``module__k=1`` is a plain multi-layer perceptron, which has
    nothing out of bag.

    All defaults were chosen on four data sets (emotions, yeast, enron, rcv1subset1), by other
    folds than those of docs/benchmark.md.

    Parameters
    ----------
    optimizer, optimizer__weight_decay, lr, max_epochs, batch_size, preprocessor, train_split, \
pos_weight
        Settings of its own.
    batch_selector, threshold, threshold_metric, calibration, label_weight, random_state, \
iterator_train, iterator_valid, dataset, callbacks, warm_start, verbose, device, compile, \
use_caching, torch_load_kwargs
        As for :class:`MultiLabelNetClassifier`. The default callbacks have ``weight_average``
        besides, a :class:`~skd2ace.training.WeightAverage`.
    **kwargs
        ``module__...``, ``optimizer__...``, ``callbacks__...`` and so on.

    Attributes
    ----------
    oob_proba_ : ndarray of shape (n, q), float64
        Probabilities of each row of X by the members that did not see it; NaN where none is
        blind to it.
    oob_score_ : float
        Macro-AUC of these predictions over labels with both values, corrected for what comparing
        members that differ costs (rare labels come out too low), at most 1: on average it was from
        .010 below to .024 above the score on new rows, on eleven sets, and .06 too high where the
        features of few rows tell nothing (docs/validation.md). ``history[:, "oob_macro_auc"]`` has
        the scores of epochs without the correction, which is much the same for all of them.
    classes_, n_features_in_, n_labels_, module_, batch_size_, batch_selector_, best_epoch_, \
thresholds_, temperature_, intercept_, pos_weight_, history
        As for :class:`MultiLabelNetClassifier`.

    See Also
    --------
    CLIFClassifier, DELAClassifier, PACAClassifier : Networks that model relations of labels.

    References
    ----------
    .. [1] Gorishniy, Kotelnikov and Babenko (2025). TabM: Advancing Tabular Deep Learning with
       Parameter-Efficient Ensembling. ICLR.

    Examples
    --------
    >>> from skd2ace import TabMClassifier
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = TabMClassifier(max_epochs=5, random_state=0, verbose=0).fit(X, Y)
    >>> est.predict_proba(X).shape, est.oob_proba_.shape
    ((60, 5), (60, 5))
    """

    _network = TabM

    @takes_parameters_of(
        MultiLabelNetClassifier.__init__,
        "criterion",
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=1e-2,
        lr=3e-3,
        max_epochs=30,
        batch_size="auto",
        preprocessor="auto",
        train_split=None,
        optimizer__fused=True,
        pos_weight=4.0,
    )
    def __init__(self, **parameters: Any) -> None:
        super().__init__(self._network, **parameters)

    def _make_default_callbacks(self) -> list[tuple[str, Any]]:
        """Those of every network, and the average of the weights."""
        return [("weight_average", WeightAverage()), *super()._make_default_callbacks()]

"""PACAClassifier."""

from skd2ace.networks import PACA

from ._recommended import RecommendedNetClassifier


class PACAClassifier(RecommendedNetClassifier):
    """The network PACA with the settings of the D2ACE paper (appendix D.2).

    Adam with learning rate 1e-4 and weight decay 1e-4, batches of 128, 100 epochs, of which the
    first 10 warm the learning rate up linearly, step by step; the epoch with the best Macro-AUC
    on a held-out tenth is kept. The network's own settings are ``module__latent_size``,
    ``module__hidden_sizes``, ``module__hidden_units``, ``module__classification_weight``,
    ``module__regularization_weight`` and ``module__dropout``, with the defaults of
    :class:`~skd2ace.networks.PACA`. Scale the features to [0, 1] first, for example with
    ``make_pipeline(MinMaxScaler(), PACAClassifier())``: the network reconstructs them through a
    sigmoid. Search over the two weights: with the default ``module__regularization_weight`` it
    may fall behind a linear model, see docs/networks.md.

    Parameters
    ----------
    optimizer, optimizer__weight_decay, lr, max_epochs, batch_size
        The paper's settings.
    batch_selector, preprocessor, threshold, threshold_metric, calibration, random_state, \
train_split, iterator_train, iterator_valid, dataset, callbacks, warm_start, verbose, device, \
compile, use_caching, torch_load_kwargs
        As for :class:`MultiLabelNetClassifier`. The default callbacks have ``lr_warmup``
        besides, a :class:`~skd2ace.training.LinearWarmup`.
    **kwargs
        ``module__...``, ``optimizer__...``, ``callbacks__...`` and so on.

    Attributes
    ----------
    classes_, n_features_in_, n_labels_, module_, batch_selector_, best_epoch_, thresholds_, \
temperature_, intercept_, pos_weight_, history
        As for :class:`MultiLabelNetClassifier`.

    See Also
    --------
    CLIFClassifier, DELAClassifier : The other networks of the D2ACE comparison.
    MultiLabelNetClassifier : The same for any network.

    References
    ----------
    .. [1] Hang et al. (2022). End-to-End Probabilistic Label-Specific Feature Learning for
       Multi-Label Classification. AAAI.
    .. [2] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI.

    Examples
    --------
    >>> from skd2ace import PACAClassifier
    >>> from skd2ace.selection import D2ACE
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = PACAClassifier(batch_selector=D2ACE(), max_epochs=12, random_state=0, verbose=0)
    >>> make_pipeline(MinMaxScaler(), est).fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _network = PACA

"""C2AEClassifier."""

from typing import Any

from skd2ace.networks import C2AE

from ._published import PublishedNetClassifier, takes_published_parameters


class C2AEClassifier(PublishedNetClassifier):
    """The network C2AE with the settings of the published comparisons.

    Adam with weight decay 1e-4 and batches of 128, as the Hard-Imb paper has it; learning rate
    1e-3, as the network's code in PyTorch; and 100 epochs, of which the first 10 warm the learning
    rate up linearly, step by step, as the D2ACE paper has it. The epoch with the best Macro-AUC on
    a held-out tenth is kept. The network's own settings are
    ``module__latent_size``, ``module__hidden_size``, ``module__orthogonality_weight``,
    ``module__ranking_weight``, ``module__l2_weight``, ``module__signed_labels`` and
    ``module__variant``, with the defaults of :class:`~skd2ace.networks.C2AE`:
    ``module__variant="pytorch"`` is what the Hard-Imb paper may have used. Scale the features
    first, for example with ``make_pipeline(MinMaxScaler(), C2AEClassifier())``.

    Parameters
    ----------
    optimizer, optimizer__weight_decay, lr, max_epochs, batch_size
        The papers' settings. The authors' own training, with learning rate 1e-4 and momentum
        0.99 on gradients over their root mean square, is not Adam.
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
    MPVAEClassifier : The other network that Hard-Imb was compared on and D2ACE was not.
    MultiLabelNetClassifier : The same for any network.

    References
    ----------
    .. [1] Yeh, Wu, Ko and Wang (2017). Learning Deep Latent Spaces for Multi-Label
       Classification. AAAI.
    .. [2] Zhou et al. (2024). Multi-Label Adaptive Batch Selection by Highlighting Hard and
       Imbalanced Samples. ECML PKDD.

    Examples
    --------
    >>> from skd2ace import C2AEClassifier
    >>> from skd2ace.selection import HardImb
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = C2AEClassifier(batch_selector=HardImb(), max_epochs=12, random_state=0, verbose=0)
    >>> make_pipeline(MinMaxScaler(), est).fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _network = C2AE

    @takes_published_parameters(lr=1e-3)
    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

"""MPVAEClassifier."""

from typing import Any

from skd2ace.networks import MPVAE

from ._published import PublishedNetClassifier, takes_published_parameters


class MPVAEClassifier(PublishedNetClassifier):
    """The network MPVAE with the settings of the published comparisons.

    Adam with weight decay 1e-4 and batches of 128, as the Hard-Imb paper has it; learning rate
    1e-3, as the network's own code; and 100 epochs, of which the first 10 warm the learning rate
    up linearly, step by step, as the D2ACE paper has it. The epoch with the best Macro-AUC on a
    held-out tenth is kept. The network's own settings are
    ``module__latent_size``, ``module__residual_rank``, ``module__hidden_sizes``,
    ``module__n_samples``, ``module__nll_weight``, ``module__ranking_weight``,
    ``module__kl_weight``, ``module__l2_weight`` and ``module__dropout``, with the defaults of
    :class:`~skd2ace.networks.MPVAE`. Scale the features first, for example with
    ``make_pipeline(MinMaxScaler(), MPVAEClassifier())``.

    Parameters
    ----------
    optimizer, optimizer__weight_decay, lr, max_epochs, batch_size
        The papers' settings.
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
    C2AEClassifier : The other network that Hard-Imb was compared on and D2ACE was not.
    MultiLabelNetClassifier : The same for any network.

    References
    ----------
    .. [1] Bai, Kong and Gomes (2020). Disentangled Variational Autoencoder based Multi-Label
       Classification with Covariance-Aware Multivariate Probit Model. IJCAI.
    .. [2] Zhou et al. (2024). Multi-Label Adaptive Batch Selection by Highlighting Hard and
       Imbalanced Samples. ECML PKDD.

    Examples
    --------
    >>> from skd2ace import MPVAEClassifier
    >>> from skd2ace.selection import HardImb
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = MPVAEClassifier(batch_selector=HardImb(), max_epochs=12, random_state=0, verbose=0)
    >>> make_pipeline(MinMaxScaler(), est).fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _network = MPVAE

    @takes_published_parameters(lr=1e-3)
    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

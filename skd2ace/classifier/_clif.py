"""CLIFClassifier."""

from typing import Any, ClassVar

import torch

from skd2ace._seeding import RandomState
from skd2ace.networks import CLIF
from skd2ace.selection import BatchSelector
from skd2ace.training import BatchIterator, LinearWarmup, TensorDataset

from ._net import MultiLabelNetClassifier


class CLIFClassifier(MultiLabelNetClassifier):
    """The network CLIF with the settings of the D2ACE paper (appendix D.2).

    Adam with learning rate 1e-4 and weight decay 1e-4, batches of 128, 100 epochs, of which the
    first 10 warm the learning rate up linearly, step by step; the epoch with the best Macro-AUC
    on a held-out tenth is kept. The network's own settings are ``module__embedding_size``,
    ``module__hidden_size``, ``module__link_weight`` and ``module__dropout``, with the defaults
    of :class:`~skd2ace.networks.CLIF`. Scale the features first, for example with
    ``make_pipeline(MinMaxScaler(), CLIFClassifier())``.

    Parameters
    ----------
    optimizer, optimizer__weight_decay, lr, max_epochs, batch_size
        The paper's settings.
    batch_selector, threshold, random_state, train_split, iterator_train, iterator_valid, \
dataset, callbacks, warm_start, verbose, device, compile, use_caching, torch_load_kwargs
        As for :class:`MultiLabelNetClassifier`. The default callbacks have ``lr_warmup``
        besides, a :class:`~skd2ace.training.LinearWarmup`.
    **kwargs
        ``module__...``, ``optimizer__...``, ``callbacks__...`` and so on.

    Attributes
    ----------
    classes_, n_features_in_, n_labels_, module_, batch_selector_, best_epoch_, thresholds_, \
history
        As for :class:`MultiLabelNetClassifier`.

    See Also
    --------
    MultiLabelNetClassifier : The same for any network.

    References
    ----------
    .. [1] Hang and Zhang (2021). Collaborative Learning of Label Semantics and Deep
       Label-Specific Features for Multi-Label Classification. IEEE TPAMI.
    .. [2] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.selection import D2ACE
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = CLIFClassifier(batch_selector=D2ACE(), max_epochs=12, random_state=0, verbose=0)
    >>> make_pipeline(MinMaxScaler(), est).fit(X, Y).predict_proba(X).shape
    (60, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: constraint
        for name, constraint in MultiLabelNetClassifier._parameter_constraints.items()
        if name not in ("module", "criterion")
    }
    _fixed_parameters: ClassVar[frozenset[str]] = MultiLabelNetClassifier._fixed_parameters | {
        "module",
        "criterion",
    }

    def __init__(
        self,
        *,
        optimizer: Any = torch.optim.Adam,
        optimizer__weight_decay: float = 1e-4,
        lr: float = 1e-4,
        max_epochs: int = 100,
        batch_size: int = 128,
        batch_selector: BatchSelector | None = None,
        threshold: Any = 0.5,
        random_state: RandomState = None,
        train_split: Any = 0.1,
        iterator_train: Any = BatchIterator,
        iterator_valid: Any = BatchIterator,
        dataset: Any = TensorDataset,
        callbacks: Any = None,
        warm_start: bool = False,
        verbose: int = 1,
        device: str | torch.device | None = "cpu",
        compile: bool = False,
        use_caching: Any = "auto",
        torch_load_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            CLIF,
            optimizer=optimizer,
            optimizer__weight_decay=optimizer__weight_decay,
            lr=lr,
            max_epochs=max_epochs,
            batch_size=batch_size,
            batch_selector=batch_selector,
            threshold=threshold,
            random_state=random_state,
            train_split=train_split,
            iterator_train=iterator_train,
            iterator_valid=iterator_valid,
            dataset=dataset,
            callbacks=callbacks,
            warm_start=warm_start,
            verbose=verbose,
            device=device,
            compile=compile,
            use_caching=use_caching,
            torch_load_kwargs=torch_load_kwargs,
            **kwargs,
        )

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [("lr_warmup", LinearWarmup()), *super()._default_callbacks]

"""What the classifiers of published networks share: the settings of the D2ACE paper."""

from typing import Any, ClassVar

import torch

from skd2ace._seeding import RandomState
from skd2ace.selection import BatchSelector
from skd2ace.training import BatchIterator, LinearWarmup, TensorDataset

from ._net import MultiLabelNetClassifier


class PublishedNetClassifier(MultiLabelNetClassifier):
    """A classifier whose network is fixed, trained as in appendix D.2 of the D2ACE paper."""

    _network: ClassVar[type[torch.nn.Module]]

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
            self._network,
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

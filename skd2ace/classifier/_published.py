"""What the classifiers of published networks share: the settings of the D2ACE paper."""

from collections.abc import Callable
from typing import Any

from skd2ace.training import LinearWarmup

from ._fixed import FixedNetClassifier
from ._net import MultiLabelNetClassifier
from ._signature import takes_parameters_of


def takes_published_parameters(lr: float) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Say of a constructor that it takes every classifier's parameters, with the papers' defaults.

    Parameters
    ----------
    lr : float
        The default of the learning rate.
    """
    return takes_parameters_of(
        MultiLabelNetClassifier.__init__, "criterion", lr=lr, optimizer__weight_decay=1e-4
    )


class PublishedNetClassifier(FixedNetClassifier):
    """A classifier whose network is fixed, trained as in appendix D.2 of the D2ACE paper."""

    @takes_published_parameters(lr=1e-4)
    def __init__(self, **parameters: Any) -> None:
        super().__init__(self._network, **parameters)

    def _make_default_callbacks(self) -> list[tuple[str, Any]]:
        """Those of every network, and a warm-up of the learning rate."""
        return [("lr_warmup", LinearWarmup()), *super()._make_default_callbacks()]

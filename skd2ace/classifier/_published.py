"""What the classifiers of published networks share: the settings of the D2ACE paper."""

from typing import Any

from typing_extensions import Self

from skd2ace.training import LinearWarmup

from ._fixed import FixedNetClassifier
from ._net import MultiLabelNetClassifier
from ._signature import takes_parameters_of


class PublishedNetClassifier(FixedNetClassifier):
    """A classifier whose network is fixed, trained as in appendix D.2 of the D2ACE paper."""

    @takes_parameters_of(
        MultiLabelNetClassifier.__init__, "criterion", lr=1e-4, optimizer__weight_decay=1e-4
    )
    def __init__(self, **parameters: Any) -> None:
        super().__init__(self._network, **parameters)

    @classmethod
    def recommended(cls, **parameters: Any) -> Self:
        """Make one that is trained as was better for predictions than the papers' settings.

        Features are prepared (``preprocessor="auto"``), batches are small (``batch_size="auto"``)
        and steps three times as large, in 60 epochs. docs/networks.md says on which data sets
        that was chosen and what it changes.

        Parameters
        ----------
        **parameters
            Any of the constructor's, which come before these settings.

        Returns
        -------
        estimator
            Not fitted.

        Examples
        --------
        >>> from skd2ace import CLIFClassifier
        >>> est = CLIFClassifier.recommended(random_state=0)
        >>> est.lr, est.max_epochs, est.batch_size
        (0.0003, 60, 'auto')
        """
        settings = {
            "preprocessor": "auto", "batch_size": "auto", "lr": 3e-4, "max_epochs": 60
        }  # fmt: skip
        return cls(**{**settings, **parameters})

    def _make_default_callbacks(self) -> list[tuple[str, Any]]:
        """Those of every network, and a warm-up of the learning rate."""
        return [("lr_warmup", LinearWarmup()), *super()._make_default_callbacks()]

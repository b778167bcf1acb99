"""Published networks for which there are better settings than the papers'."""

from typing import Any

from typing_extensions import Self

from skd2ace.training import WeightAverage

from ._published import PublishedNetClassifier


class RecommendedNetClassifier(PublishedNetClassifier):
    """A classifier with the papers' settings, and others to make one with."""

    @classmethod
    def recommended(cls, **parameters: Any) -> Self:
        """Make one that is trained as was better for predictions than the papers' settings.

        Features are prepared (``preprocessor="auto"``), batches are small (``batch_size="auto"``)
        and steps three times as large, in 60 epochs; weights are averaged
        (:class:`~skd2ace.training.WeightAverage`). docs/networks.md says on which data sets that
        was chosen and what it changes.

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
            "preprocessor": "auto", "batch_size": "auto", "lr": 3e-4, "max_epochs": 60,
            "callbacks": [("weight_average", WeightAverage())],
        }  # fmt: skip
        return cls(**{**settings, **parameters})

"""Linear warm-up of the learning rate."""

from numbers import Integral
from typing import Any

from sklearn.utils import check_scalar

from ._counting import count_selected
from ._rates import RateSchedule


class LinearWarmup(RateSchedule):
    """Raise the learning rate linearly, step by step, from 0 to its full value.

    Step k of the warm-up's K steps uses k / K of each parameter group's learning rate; after
    them the rates are left alone. Where a batch selector gives epochs of different lengths, all
    count as long as the one that is under way.

    Parameters
    ----------
    epochs : int, default=10
        Length of the warm-up; 0 for none.

    Examples
    --------
    The published classifiers have it; any other net takes it among its callbacks:

    >>> import torch
    >>> from skd2ace import MultiLabelNetClassifier
    >>> from skd2ace.training import LinearWarmup
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, n_features=4, n_classes=3)
    >>> def network(n_features, n_labels):
    ...     return torch.nn.Linear(n_features, n_labels)
    >>> est = MultiLabelNetClassifier(
    ...     network, callbacks=[LinearWarmup(epochs=4)], lr=0.1, max_epochs=2, verbose=0
    ... )
    >>> est.fit(X, Y).optimizer_.param_groups[0]["lr"]
    0.05
    """

    def __init__(self, epochs: int = 10) -> None:
        self.epochs = epochs

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Check the parameter, and note the full rates."""
        check_scalar(self.epochs, "epochs", Integral, min_val=0)
        super().on_train_begin(net, **kwargs)

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Count the steps of the epoch, as long as no selector has been asked."""
        self.n_batches_ = len(net.get_iterator(dataset_train, training=True))
        self.step_of_epoch_ = 0

    def on_batch_begin(
        self, net: Any, batch: Any = None, training: bool | None = None, **kwargs: Any
    ) -> None:
        """Set the rates of the step."""
        n_done = len(net.history) - 1
        if not training or n_done >= self.epochs:
            return
        n_batches = count_selected(net) or self.n_batches_
        self.step_of_epoch_ += 1
        share = (n_done * n_batches + self.step_of_epoch_) / (self.epochs * n_batches)
        self.set_share(net, share)

"""Linear decay of the learning rate."""

from typing import Any

from ._rates import RateSchedule


class LinearDecay(RateSchedule):
    """Lower the learning rate linearly, epoch by epoch, so that it would be 0 after the last.

    Epoch e = 0, 1, ... of E uses 1 - e / E of each parameter group's learning rate. After such a
    training the last epoch is a good one: none need be chosen. Where training goes on, so does the
    line, to the end that the run then has; full rates are those set by the user last.

    Attributes
    ----------
    n_epochs_ : int
        E: epochs of the whole run, those of earlier calls included.

    Raises
    ------
    RuntimeError
        In training, if a plain skorch net is trained for more epochs than ``max_epochs`` at once.

    Examples
    --------
    >>> import torch
    >>> from skd2ace import MultiLabelNetClassifier
    >>> from skd2ace.training import LinearDecay
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, n_features=4, n_classes=3)
    >>> def network(n_features, n_labels):
    ...     return torch.nn.Linear(n_features, n_labels)
    >>> est = MultiLabelNetClassifier(
    ...     network, callbacks=[LinearDecay()], lr=0.1, max_epochs=4, verbose=0
    ... )
    >>> round(est.fit(X, Y).optimizer_.param_groups[0]["lr"], 4)
    0.025
    """

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Note the full rates."""
        super().on_train_begin(net, **kwargs)
        self.n_epochs_: int | None = None

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Set the rates of the epoch."""
        n_done = len(net.history) - 1
        if self.n_epochs_ is None:
            # Only now: what was done before may have been loaded when training began.
            self.n_epochs_ = int(getattr(net, "last_epoch_", n_done + int(net.max_epochs)))
        if n_done >= self.n_epochs_:
            raise RuntimeError(
                f"LinearDecay: epoch {n_done + 1} of a run of {self.n_epochs_}, after which the "
                "rate is 0. Set max_epochs, which is what it goes by, not epochs= of fit."
            )
        self.set_share(net, 1 - n_done / self.n_epochs_)

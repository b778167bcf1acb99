"""Averaging the weights of the last steps."""

from numbers import Real
from typing import Any

import torch
from sklearn.utils import check_scalar
from skorch.callbacks import Callback
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from skd2ace._modules import unwrap_compiled

from ._counting import count_selected
from ._host import bring_to_host

Weights = dict[str, Tensor]


class WeightAverage(Callback):
    """Predict with an exponential moving average of the weights that training steps make.

    Whatever the learning rate, an average lies nearer to where the steps lead than the last of
    them: any epoch is a good end, as after a learning rate that has decayed to zero [1]_. From
    the first validation batch of an epoch, or its end, to the beginning of the next the net has
    the averaged weights: what scores epochs and keeps the best sees those. Buffers, such as the
    statistics of BatchNorm, are not averaged. In a plain skorch net, call :meth:`initialize` after
    ``load_params``, as of :class:`BestEpoch`.

    Parameters
    ----------
    epochs : float, default=4
        Over how many epochs of steps the average reaches back, more than 0: a step that lies so
        far back counts 1/e of the last one. The first steps, which lead away from chance, are
        forgotten sooner.

    References
    ----------
    .. [1] Izmailov et al. (2018). Averaging Weights Leads to Wider Optima and Better
       Generalization. UAI.

    Examples
    --------
    >>> import torch
    >>> from skd2ace import MultiLabelNetClassifier
    >>> from skd2ace.training import WeightAverage
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, n_features=4, n_classes=3)
    >>> def network(n_features, n_labels):
    ...     return torch.nn.Linear(n_features, n_labels)
    >>> average = WeightAverage(epochs=2)
    >>> est = MultiLabelNetClassifier(network, callbacks=[average], max_epochs=5, verbose=0)
    >>> est.fit(X, Y).predict_proba(X).shape
    (60, 3)
    """

    def __init__(self, epochs: float = 4) -> None:
        self.epochs = epochs

    def initialize(self) -> "WeightAverage":
        """Forget all steps."""
        self.n_steps_ = 0
        self.average_: Weights | None = None
        # Those of the last step, while the net has the averaged ones.
        self.last_: Weights | None = None
        return self

    def continue_from(self, other: "WeightAverage") -> None:
        """Take over the weights of a callback that this one replaces between trainings."""
        self.n_steps_, self.average_, self.last_ = other.n_steps_, other.average_, other.last_

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Check the parameter."""
        check_scalar(self.epochs, "epochs", Real, min_val=0, include_boundaries="neither")

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Give the net the weights of the last step again, for the next."""
        self.n_batches_ = len(net.get_iterator(dataset_train, training=True))
        if self.last_ is not None:
            _set_weights(net, self.last_)
            self.last_ = None

    def on_batch_begin(self, net: Any, training: bool | None = None, **kwargs: Any) -> None:
        """Give the net the averaged weights, for validation."""
        if not training:
            self._set_average(net)

    def on_batch_end(self, net: Any, training: bool | None = None, **kwargs: Any) -> None:
        """Take in the weights that a step made."""
        if not training:
            return
        weights = _weights(net)
        if self.average_ is None:
            self.average_ = {name: weight.clone() for name, weight in weights.items()}
        average = self.average_
        if next(iter(average.values())).device != next(iter(weights.values())).device:
            average = {name: average[name].to(weight) for name, weight in weights.items()}
            self.average_ = average
        self.n_steps_ += 1
        reach = max(self.epochs * (count_selected(net) or self.n_batches_), 1.0)
        # As long as few steps were made, over a tenth of them.
        decay = min(1 - 1 / reach, self.n_steps_ / (self.n_steps_ + 9))
        update: Any = get_ema_multi_avg_fn(decay)
        update(list(average.values()), list(weights.values()), None)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Give the net the averaged weights."""
        self._set_average(net)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Give the net the averaged weights, also where training was interrupted."""
        self._set_average(net)

    def _set_average(self, net: Any) -> None:
        if self.last_ is None and self.average_ is not None:
            self.last_ = {name: weight.clone() for name, weight in _weights(net).items()}
            _set_weights(net, self.average_)

    def __getstate__(self) -> dict[str, Any]:
        return bring_to_host(vars(self), "average_", "last_")


def _weights(net: Any) -> Weights:
    return {
        name: parameter.detach()
        for name, parameter in unwrap_compiled(net.module_).named_parameters()
    }


def _set_weights(net: Any, weights: Weights) -> None:
    with torch.no_grad():
        for name, weight in _weights(net).items():
            weight.copy_(weights[name])

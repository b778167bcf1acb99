"""What becomes of each label of each training instance from epoch to epoch."""

from numbers import Integral
from typing import Any

import torch
from sklearn.utils import check_scalar
from skorch.callbacks import Callback
from torch import Tensor

from skd2ace._seeding import host_rngs

from ._batches import BatchIterator
from ._host import bring_to_host
from ._logits import find_logit_shift, first_output, refuse_probabilities
from ._state import keep_modes

_ROWS_AT_ONCE = 1024
# The rest of training, whose mean prediction stands for that of the fit.
_LATE = 0.8


class TrainingDynamics(Callback):
    """Follow the prediction of every label of every training instance over the epochs.

    After an epoch the training part is predicted once in evaluation mode: each instance counts
    once, however often a selector drew it. Running moments are kept, no histories: 24 bytes a
    cell (instance and label) on the device. A pass costs what predicting the training part
    costs. The fit itself stays the same to the bit. Training that goes on with the same labels
    (``partial_fit``) adds passes; with other ones the passes begin anew.

    Parameters
    ----------
    every : int, default=1
        Epochs from one pass to the next, at least 1.

    Attributes
    ----------
    n_passes_ : int
        Passes so far.
    moments_ : dict of Tensor of shape (n, q)
        Rows are those of the training part. ``margin``, float32, is the mean of (2y - 1) z, z the
        logit: the area under the margin (AUM) of [1]_ for sigmoid outputs. ``mean``, float32, is
        the mean probability of the observed value (confidence in [2]_), ``squares``, float32, the
        sum of its squared deviations, ``on_side``, int32, the passes that predicted the observed
        value (at p >= 0.5 for it), ``forgotten``, int16, how often such a pass was followed by
        one that did not [3]_, ``was_on_side``, bool, whether the last one did, ``observed``, bool,
        whether the value is 1. ``late``, float32, is the mean probability of the value 1 in the
        passes after the first four fifths of ``max_epochs``, or that of the last pass where
        training ended before. Cells that are not known count as observed 0 and mean nothing.

    Notes
    -----
    Where positives have a weight (``pos_weight`` of the estimator, or of its criterion) and the
    loss of a label is a cross-entropy, z is the logit less the logarithm of the weight: with what
    that adds, ones would pass for learnt and zeros for doubtful.

    All predictions are in-sample: a network that fits wrong labels by heart has high margins for
    them at the end, which is why the means go over all epochs.

    References
    ----------
    .. [1] Pleiss et al. (2020). Identifying Mislabeled Data using the Area Under the Margin
       Ranking. NeurIPS. Eq. 1-2.
    .. [2] Swayamdipta et al. (2020). Dataset Cartography: Mapping and Diagnosing Datasets with
       Training Dynamics. EMNLP. Section 2.
    .. [3] Toneva et al. (2019). An Empirical Study of Example Forgetting during Deep Neural
       Network Learning. ICLR. Section 3.

    Examples
    --------
    >>> from skd2ace import TabMClassifier
    >>> from skd2ace.training import TrainingDynamics
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> dynamics = TrainingDynamics()
    >>> est = TabMClassifier(callbacks=[dynamics], max_epochs=5, random_state=0, verbose=0)
    >>> seen = dict(est.fit(X, Y).callbacks_)["TrainingDynamics"]
    >>> seen.n_passes_, tuple(seen.moments_["margin"].shape)
    (5, (60, 5))
    """

    def __init__(self, every: int = 1) -> None:
        self.every = every

    def initialize(self) -> "TrainingDynamics":
        """Forget all passes."""
        self.n_passes_, self.n_late_ = 0, 0
        self.moments_: dict[str, Tensor] = {}
        return self

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Check the parameter."""
        check_scalar(self.every, "every", Integral, min_val=1)
        refuse_probabilities(net.criterion_)

    def on_epoch_end(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Predict the training part, and take the predictions in."""
        epoch = len(net.history)
        if epoch % self.every:
            return
        rows = _make_iterator(net, dataset_train)
        shift = find_logit_shift(net).to(net.device)
        self._begin_pass(rows.labels() == 1, is_late=epoch > _LATE * net.max_epochs)
        # Items may draw, as images that are augmented do, and criteria have a mode too.
        with host_rngs(0), keep_modes(net):
            for batch in rows:
                with torch.no_grad():
                    logits = first_output(net.evaluation_step(batch, training=False)).float()
                self._take_in(batch.instances, logits - shift)

    def _begin_pass(self, observed: Tensor, *, is_late: bool) -> None:
        self.moments_ = {name: t.to(observed.device) for name, t in self.moments_.items()}
        if not self.moments_ or not torch.equal(self.moments_["observed"], observed):
            self.initialize()
            self.moments_ = _make_moments(observed)
        self.n_passes_ += 1
        self.n_late_ += is_late

    def _take_in(self, index: Tensor, logits: Tensor) -> None:
        """Update the moments of some rows (b,) by their logits (b, q)."""
        now = self.moments_
        margin = torch.where(now["observed"][index], logits, -logits)
        proba = margin.sigmoid()
        mean = now["mean"][index]
        # Welford's update: sums of squares would lose the small spreads.
        new_mean = mean + (proba - mean) / self.n_passes_
        now["squares"][index] += (proba - mean) * (proba - new_mean)
        now["mean"][index] = new_mean
        now["margin"][index] += (margin - now["margin"][index]) / self.n_passes_
        late = now["late"][index]
        now["late"][index] = late + (logits.sigmoid() - late) / max(self.n_late_, 1)
        on_side = margin >= 0
        now["on_side"][index] += on_side.int()
        now["forgotten"][index] += (now["was_on_side"][index] & ~on_side).short()
        now["was_on_side"][index] = on_side

    def __getstate__(self) -> dict[str, Any]:
        return bring_to_host(vars(self), "moments_")


def _make_iterator(net: Any, dataset: Any) -> BatchIterator:
    """Many rows of a table at once; of anything larger as many as the net's own passes have."""
    rows = BatchIterator(dataset, batch_size=_ROWS_AT_ONCE, device=net.device)
    if len(rows.instance_shape()) == 1:
        return rows
    usual = net.get_iterator(dataset, training=False)
    return usual if isinstance(usual, BatchIterator) else rows


def _make_moments(observed: Tensor) -> dict[str, Tensor]:
    names = ("margin", "mean", "squares", "late")
    moments = {name: torch.zeros_like(observed, dtype=torch.float32) for name in names}
    moments["on_side"] = torch.zeros_like(observed, dtype=torch.int32)
    moments["forgotten"] = torch.zeros_like(observed, dtype=torch.int16)
    moments["was_on_side"] = torch.zeros_like(observed)
    return moments | {"observed": observed}

"""Keeping the weights of the best epoch."""

import math
from typing import Any

from skorch.callbacks import Callback
from torch import Tensor

from skd2ace._modules import unwrap_compiled

from ._host import bring_to_host


class BestEpoch(Callback):
    """Restore the weights of the best epoch at the end of training, from memory.

    Sets ``net.best_epoch_``, counted from 1: the epoch whose weights the net ends up with, which
    is the last one where nothing was monitored. When training goes on (``partial_fit``,
    ``warm_start``) it does so from the last weights, not from the best: training in two parts
    gives what training in one gives. Where it goes on with other rows, estimators of this library
    forget earlier epochs, whose scores say nothing of the new ones (:meth:`forget_best`).

    In a plain skorch net, which tells its callbacks nothing of ``load_params``, call
    :meth:`initialize` after it: training would go on from the weights before.

    Parameters
    ----------
    monitor : str, default="auto"
        Entry of the history to compare epochs by; NaN is never the best. "auto" is
        ``oob_macro_auc`` where an epoch has it, as with networks whose members predict rows that
        they do not see, and ``valid_macro_auc`` elsewhere. A ranking of few instances may be
        perfect long before the network is: of equal ones that with the lowest ``valid_loss``
        counts, where that is equal too the earliest, and where there is none the latest.
    lower_is_better : bool, default=False

    Raises
    ------
    ValueError
        At the end of the first validated epoch that has no such entry: ``monitor`` is misspelt,
        or the callback that makes the entry is missing or comes later. Without validation data
        there is nothing to monitor, and no error.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.training import BestEpoch
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> best = BestEpoch("valid_loss", lower_is_better=True)
    >>> est = CLIFClassifier(callbacks__best_epoch=best, max_epochs=3, random_state=0, verbose=0)
    >>> est = est.fit(X, Y)
    >>> losses = est.history[:, "valid_loss"]
    >>> est.best_epoch_ == 1 + losses.index(min(losses))
    True
    """

    def __init__(self, monitor: str = "auto", lower_is_better: bool = False) -> None:
        self.monitor = monitor
        self.lower_is_better = lower_is_better

    def initialize(self) -> "BestEpoch":
        """Forget all epochs."""
        self.last_weights_: dict[str, Tensor] | None = None
        self.forget_best()
        return self

    def forget_best(self) -> None:
        """Forget the best epoch, but not where training goes on from."""
        self.best_score_: float | None = None
        self.best_loss_ = math.inf
        self.best_epoch_: int | None = None
        self.best_weights_: dict[str, Tensor] | None = None

    def continue_from(self, other: "BestEpoch") -> None:
        """Take over from a callback that this one replaces between trainings.

        The last weights in any case, the best epoch only if it was found by the same score.
        """
        self.last_weights_ = other.last_weights_
        if (self.monitor, self.lower_is_better) == (other.monitor, other.lower_is_better):
            self.best_score_, self.best_loss_ = other.best_score_, other.best_loss_
            self.best_epoch_, self.best_weights_ = other.best_epoch_, other.best_weights_

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Take up the last weights again, if training goes on."""
        if self.last_weights_ is not None:
            self.best_weights_ = _copy_weights(net) if self.best_epoch_ is not None else None
            unwrap_compiled(net.module_).load_state_dict(self.last_weights_)
            self.last_weights_ = None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Copy the weights of an epoch that is better than all before it."""
        row = net.history[-1]
        monitor = self._find_monitor(row)
        if monitor not in row and "valid_batch_count" in row:
            entries = sorted(name for name in row if name not in ("batches", "epoch"))
            raise ValueError(
                f"BestEpoch: epoch {row['epoch']} has no {monitor!r} to compare by; when "
                f"BestEpoch looks, its history has {', '.join(entries)}. Set monitor to one of "
                "them, or leave BestEpoch out: callbacks__best_epoch=None."
            )
        score = row.get(monitor)
        loss = row.get("valid_loss", math.nan)
        if score is not None and self._is_better(score, loss):
            self.best_score_, self.best_epoch_ = score, row["epoch"]
            self.best_loss_ = math.inf if math.isnan(loss) else loss
            self.best_weights_ = _copy_weights(net)

    def _find_monitor(self, row: dict[str, Any]) -> str:
        if self.monitor != "auto":
            return self.monitor
        return "oob_macro_auc" if "oob_macro_auc" in row else "valid_macro_auc"

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Restore the best weights, and remember the last ones."""
        last_epoch = net.history[-1]["epoch"] if net.history else 0
        net.best_epoch_ = last_epoch if self.best_epoch_ is None else self.best_epoch_
        if self.best_weights_ is not None and self.best_epoch_ != last_epoch:
            self.last_weights_ = _copy_weights(net)
            unwrap_compiled(net.module_).load_state_dict(self.best_weights_)
            # From here on the net itself holds them.
            self.best_weights_ = None

    def __getstate__(self) -> dict[str, Any]:
        return bring_to_host(vars(self), "best_weights_", "last_weights_")

    def _is_better(self, score: float, loss: float) -> bool:
        if self.best_score_ is None:
            return score == score
        if score == self.best_score_:
            # Without any loss there is nothing but the longer training to tell them apart.
            return loss < self.best_loss_ or (math.isnan(loss) and math.isinf(self.best_loss_))
        return score < self.best_score_ if self.lower_is_better else score > self.best_score_


def _copy_weights(net: Any) -> dict[str, Tensor]:
    return {
        name: value.clone() for name, value in unwrap_compiled(net.module_).state_dict().items()
    }

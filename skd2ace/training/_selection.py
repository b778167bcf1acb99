"""The bridge between a batch selector and skorch."""

import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from sklearn.base import clone
from skorch.callbacks import Callback
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from skd2ace._devices import full_device
from skd2ace._seeding import RandomState
from skd2ace.selection import BatchSelector, RandomBatches

from ._batches import BatchIterator
from ._logits import first_output, refuse_probabilities
from ._selected_batches import SelectedBatches, claim_batches, find_unclaimed


class BatchSelection(Callback):
    """Let a batch selector choose what goes into each training batch of a skorch net.

    At the first epoch a copy of the selector is started on the training part of the data and
    becomes ``net.batch_selector_``; each epoch the training's :class:`SelectedBatches` are told
    to serve its batches; after each step it is told the predictions, if it goes by them. When
    training goes on (``partial_fit``, ``warm_start``) so does the selector.

    Parameters
    ----------
    selector : BatchSelector or None, default=None
        None takes the net's own ``batch_selector``, and shuffles if that is None or missing.
    random_state : int, RandomState or None, default=None
        Seed of the selector; None takes the net's own ``selector_seed_``, if it has one.

    Raises
    ------
    TypeError
        In training, if the net's iterator cannot be told what to serve, or the selector weights
        the loss and the net does not (``applies_loss_weights``).
    ValueError
        In training, if the net gives probabilities (``BCELoss``) where logits are due, the
        iterator's batches are on another device than the net, or training goes on with another
        number of instances or labels, for selectors that keep a state of them.
    RuntimeError
        If a training step is given a batch that was not selected: where nets of one's own loop
        over another iterator than skorch does.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skorch import NeuralNet
    >>> from skd2ace.selection import D2ACE
    >>> from skd2ace.training import BatchIterator, BatchSelection, SelectedBatches, TensorDataset
    >>> net = NeuralNet(
    ...     torch.nn.LazyLinear,
    ...     module__out_features=3,
    ...     criterion=torch.nn.BCEWithLogitsLoss,
    ...     callbacks=[BatchSelection(D2ACE(warmup_epochs=1), random_state=0)],
    ...     dataset=TensorDataset,
    ...     iterator_train=SelectedBatches,
    ...     iterator_valid=BatchIterator,
    ...     train_split=None,
    ...     max_epochs=3,
    ...     verbose=0,
    ... )
    >>> X, Y = np.random.rand(50, 4), np.random.randint(2, size=(50, 3))
    >>> net.fit(X, Y).batch_selector_
    D2ACE(warmup_epochs=1)
    """

    def __init__(
        self, selector: BatchSelector | None = None, random_state: RandomState = None
    ) -> None:
        self.selector = selector
        self.random_state = random_state

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Note that the selector must be started on the data to come."""
        if net.iterator_train is BatchIterator:
            warnings.warn(
                "iterator_train=BatchIterator serves no selected batches any more: SelectedBatches "
                "takes its place here, and must be given from version 0.3 on.",
                FutureWarning,
                stacklevel=2,
            )
            net.iterator_train = SelectedBatches
        self._trainings[net] = _Training(find_unclaimed())

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Have the epoch's batches served to the training loop."""
        epoch = len(net.history) - 1
        # One that nobody said begins has no earlier iterators to mind.
        training = self._trainings.setdefault(net, _Training(weakref.WeakSet()))
        batches = training.batches()
        if batches is None:
            batches = _training_batches(net, dataset_train, training.earlier)
            training.batches = weakref.ref(batches)
            self._start(net, batches, epoch)
        self._select(batches, net.batch_selector_, epoch)

    def _select(self, batches: SelectedBatches, selector: BatchSelector, epoch: int) -> None:
        batches.select(selector, epoch)

    def on_batch_begin(
        self, net: Any, batch: Any = None, training: bool | None = None, **kwargs: Any
    ) -> None:
        """Refuse batches that were not selected, and loss weights that nobody would apply."""
        if not training:
            return
        if getattr(batch, "epoch", None) != len(net.history) - 1:
            raise RuntimeError(
                f"Epoch {len(net.history)} trains on a batch that was not selected for it: the "
                "loop goes through another iterator than the first that was made of its data, or "
                "through it a second time."
            )
        if batch.weights is not None and not getattr(net, "applies_loss_weights", False):
            raise TypeError(
                f"{type(net.batch_selector_).__name__} weights the loss, which "
                f"{type(net).__name__} does not apply; MultiLabelNetClassifier does."
            )

    def on_batch_end(
        self,
        net: Any,
        batch: Any = None,
        training: bool | None = None,
        y_pred: Any = None,
        label_losses: Tensor | None = None,
        **kwargs: Any,
    ) -> None:
        """Tell the selector what the step saw, if it has a use for that."""
        if not training:
            return
        selector = net.batch_selector_
        if selector.refresh == "visit" and selector._listens():
            self._update(net, batch, y_pred, label_losses)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Pass over all instances for a selector that wants one prediction of each an epoch."""
        batches = self._trainings[net].batches()
        if net.batch_selector_.refresh == "epoch" and batches is not None:
            # They were served: what comes now is all instances, in order.
            for batch in batches:
                step = net.validation_step(batch)
                self._update(net, batch, step["y_pred"], step.get("label_losses"))

    @property
    def _trainings(self) -> "weakref.WeakKeyDictionary[Any, _Training]":
        """The trainings under way: one callback may be of several nets."""
        return vars(self).setdefault("trainings_", weakref.WeakKeyDictionary())

    def _start(self, net: Any, batches: SelectedBatches, n_done: int) -> None:
        refuse_probabilities(net.criterion_)
        seed = self.random_state
        if seed is None:
            seed = getattr(net, "selector_seed_", None)
        selector = clone(self._wanted(net))
        cell_weight = batches.cell_weight()
        if cell_weight is not None and not getattr(net, "applies_loss_weights", False):
            raise TypeError(
                f"The data have weights or unknown labels, which {type(net).__name__} does not "
                "mind; MultiLabelNetClassifier does."
            )
        neighbor_features = batches.neighbor_features()
        # Beyond memory there may be many: only what neighbours are found on is read as a whole.
        wants_features = selector._wants_features() and neighbor_features is None
        whole = batches.is_whole or wants_features
        features = batches.whole()[0] if whole else batches.dataset
        selector.start(
            features,
            batches.labels(),
            n_epochs=getattr(net, "last_epoch_", n_done + int(net.max_epochs)),
            batch_size=batches.batch_size,
            random_state=seed,
            cell_weight=cell_weight,
            neighbor_features=neighbor_features,
        )
        previous = getattr(net, "batch_selector_", None)
        if n_done and previous is not None and type(previous) is type(selector):
            selector.load_state_dict(previous.state_dict())
        net.batch_selector_ = selector

    def selector_state(self, net: Any) -> dict[str, Any] | None:
        """What the next training's selector takes over, of which kind, or None."""
        selector = getattr(net, "batch_selector_", None)
        if selector is None:
            return None
        return {"kind": type(selector).__name__, "state": selector.state_dict()}

    def suspend(self, net: Any, state: dict[str, Any] | None) -> None:
        """Give the net a selector with a state and no data yet, from which the next takes over."""
        selector = clone(self._wanted(net))
        if state is not None and state["kind"] == type(selector).__name__:
            selector.suspend(state["state"])
            net.batch_selector_ = selector

    def _wanted(self, net: Any) -> BatchSelector:
        return self.selector or getattr(net, "batch_selector", None) or RandomBatches()

    def __getstate__(self) -> dict[str, Any]:
        # Each training starts a selector on its own data.
        return {k: v for k, v in vars(self).items() if k != "trainings_"}

    def _update(self, net: Any, batch: Any, output: Any, losses: Tensor | None) -> None:
        logits = first_output(output).detach()
        if losses is None:
            truth = batch[1].reshape(logits.shape)
            losses = binary_cross_entropy_with_logits(logits, truth, reduction="none")
        learning_rate = net.optimizer_.param_groups[0]["lr"]
        net.batch_selector_.update(
            batch.instances, torch.sigmoid(logits), losses, learning_rate=learning_rate
        )


@dataclass(eq=False)
class _Training:
    """What is known of a training: iterators older than it, and the one that it goes through."""

    earlier: "weakref.WeakSet[SelectedBatches]"
    batches: Callable[[], SelectedBatches | None] = lambda: None


def _training_batches(
    net: Any, dataset_train: Any, earlier: "weakref.WeakSet[SelectedBatches]"
) -> SelectedBatches:
    """Claim the iterator that the net's training loop goes through."""
    batches = claim_batches(dataset_train, earlier)
    if batches is None:
        kind = net.iterator_train
        raise TypeError(
            f"iterator_train={getattr(kind, '__name__', kind)} made no iterator over the training "
            "data that can be told what to serve: batch selection needs "
            "skd2ace.training.SelectedBatches or a subclass, and one BatchSelection."
        )
    if batches.device != full_device(net.device):
        raise ValueError(
            f"The net trains on {net.device} and iterator_train gives batches on "
            f"{batches.device}: set iterator_train__device."
        )
    return batches

"""The algorithm that all batch selectors share; a strategy overrides one or two short hooks."""

import math
import warnings
from collections.abc import Iterator
from numbers import Real
from typing import Any, ClassVar, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor

from skd2ace._constraints import check_parameters
from skd2ace._labels import keep_known
from skd2ace._seeding import RandomState, derive_seed, draw_seeds
from skd2ace._sklearn import Interval

from . import functional as F
from ._checks import (
    RUN_CONSTRAINTS,
    check_finite,
    check_proba_range,
    check_update,
    read_features,
    read_labels,
)
from ._drawing import draw_with_replacement, draw_without_replacement
from ._resume import Resumable
from ._schedules import EPOCHS, count_epochs, warn_of_misfits


class BatchSelector(Resumable):
    """Base class of all batch selectors: plain shuffled batches unless a hook says otherwise.

    A selector is a scikit-learn estimator (``get_params``, ``set_params``, ``clone``, ``repr``,
    pickle) that needs no network of ours: whoever trains calls :meth:`start` once, loops over
    :meth:`batches` each epoch, and tells :meth:`update` after each step what the network
    predicted.

    A strategy overrides

    - ``_start(X, Y)``: make the state, in attributes that end in an underscore. Labels that are
      not known are 0 in Y, as their losses are; ``known_`` says which those are, and
      ``_known_of(index)`` of a batch. X is looked at beforehand, flattened and refused where it
      is not finite, for a strategy that says so in ``_wants_features()``;
    - ``_update(index, proba, losses, learning_rate)``: take in what one step saw, in float32
      whatever the network computes in (``_update_dtype``);
    - ``_end_epoch()``: called before an epoch begins, with all updates of the last one made;
    - ``_weights()``: weights of shape (n,), larger for instances that are wanted more; they are
      quantised into probabilities under a falling pressure (Eq. 13, 14 and 21 of D2ACE [1]_);
    - ``_probabilities(epoch)``, in the place of ``_weights``: probabilities of shape (n,) made in
      another way; where both give None,
    - ``_order(epoch)``: indices of shape (m,) of the instances to serve, in their order, which
      may leave some out and repeat others; by default all of them, shuffled;

    and names in ``_state`` the tensors that :meth:`state_dict` carries.

    As long as :meth:`update` has never been called, sampling is uniform.

    Attributes
    ----------
    pressure : float, default=100.
        Largest ratio between two sampling probabilities at the first epoch after the warm-up,
        falling exponentially to 1 at the last.
    warmup_epochs : int or float, default=0
        Epochs of shuffled batches at the beginning; a float in [0, 1] is a share of the run,
        rounded half up, of at least one epoch where it is above 0.
    unbiased : bool, default=False
        Draw with replacement, and weight each loss by 1 / (n P(x)), for which Lemma 2 of the
        D2ACE paper holds: the expected gradient is that of shuffled batches.
    refresh : {"visit", "epoch"}
        Whether the selector is told the predictions of the training steps, or those of one pass
        over all instances in evaluation mode after each epoch. Read by whoever drives it.
    epoch_ : int
        The epoch being served, from 0; -1 before the first.
    probabilities_ : Tensor of shape (n,) or None
        Sampling probabilities of that epoch, float64; None where the batches are shuffled.
    warmup_epochs_ : int
        Epochs of shuffled batches in this run.
    known_ : Tensor of shape (n, q), bool, or None
        Cells that have a label and a weight, once started; None where all have.

    References
    ----------
    .. [1] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and
       Adaptive Correlation Enhancement. IJCAI-ECAI.

    Examples
    --------
    The whole of training with a selector, in plain PyTorch:

    >>> import torch
    >>> from torch.nn.functional import binary_cross_entropy_with_logits
    >>> from skd2ace.selection import D2ACE
    >>> X, Y = torch.randn(60, 5), torch.randint(2, (60, 3)).float()
    >>> network = torch.nn.Linear(5, 3)
    >>> optimizer = torch.optim.Adam(network.parameters())
    >>> selector = D2ACE(warmup_epochs=2)
    >>> selector = selector.start(X, Y, n_epochs=5, batch_size=16, random_state=0)
    >>> for epoch in range(5):
    ...     for index in selector.batches(epoch):
    ...         logits = network(X[index])
    ...         losses = binary_cross_entropy_with_logits(logits, Y[index], reduction="none")
    ...         optimizer.zero_grad()
    ...         losses.mean().backward()
    ...         optimizer.step()
    ...         selector.update(index, logits.sigmoid(), losses)
    """

    refresh: Literal["visit", "epoch"] = "visit"
    pressure: float = 100.0
    warmup_epochs: float = 0
    unbiased: bool = False
    known_: Tensor | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "pressure": [Interval(Real, 1, None, closed="left")],
        "warmup_epochs": EPOCHS,
        "unbiased": ["boolean"],
    }
    _update_dtype: ClassVar[torch.dtype] = torch.float32

    def start(
        self,
        X: Any,
        Y: Tensor | NDArray[Any],
        *,
        n_epochs: int,
        batch_size: int,
        random_state: RandomState = None,
        cell_weight: Tensor | NDArray[Any] | None = None,
        neighbor_features: Tensor | NDArray[Any] | None = None,
    ) -> "BatchSelector":
        """Begin a training run.

        Parameters of the selector that are numbers of numpy's become Python's.

        Parameters
        ----------
        X : Tensor or ndarray of shape (n, d) or (n, ...)
            Features of the training instances, dense or sparse CSR, on any device; of images and
            the like, flattened for the neighbours. Selectors without neighbours, or with
            ``neighbor_features``, look at its length only, and take anything that has one.
        Y : Tensor or ndarray of shape (n, q)
            Their labels, 0/1 in any dtype, on the device that trains; all state lives there (of
            an array, on the CPU). NaN is a label that is not known.
        n_epochs : int
            Epochs of the whole run, those already done included.
        batch_size : int
            Instances in a batch; the last batch of an epoch may be shorter.
        random_state : int, RandomState or None, default=None
            Seed of all that is drawn.
        cell_weight : Tensor or ndarray of shape (n,) or (n, q), optional
            Weights of the training loss, finite and not negative. Cells of weight 0 and those
            without a label are left out of all that the selector makes of its scores: sums,
            means, correlations, neighbourhoods. Weights do nothing else; an instance all of whose
            cells are left out is still drawn, as its probability says.
        neighbor_features : Tensor or ndarray of shape (n, m), optional
            What neighbours are found on in the place of X, dense or sparse CSR.

        Returns
        -------
        self

        Raises
        ------
        InvalidParameterError
            If a parameter, of the selector or of this method, is of a wrong type or out of range;
            a ValueError and a TypeError.
        ValueError
            If what is known of Y is not 0/1, weights or features do not fit it, or what is looked
            at of the features is not finite (n, d).
        TypeError
            If one is no such tensor or array.

        Warns
        -----
        UserWarning
            If a schedule given in epochs does not fit into the run.
        """
        name, parameters = type(self).__name__, self.get_params(deep=False)
        self.set_params(**check_parameters(self._parameter_constraints, parameters, name))
        run = check_parameters(
            RUN_CONSTRAINTS,
            {"n_epochs": n_epochs, "batch_size": batch_size, "random_state": random_state},
            f"{name}.start",
        )
        Y, self.known_ = read_labels(Y, cell_weight)
        X = read_features(X, neighbor_features, len(Y), wanted=self._wants_features())
        self.n_instances_, self.n_labels_ = Y.shape
        self.n_epochs_ = run["n_epochs"]
        warn_of_misfits(name, self.get_params(deep=False), self.n_epochs_)
        self.warmup_epochs_ = count_epochs(self.warmup_epochs, self.n_epochs_)
        self.batch_size_ = min(run["batch_size"], self.n_instances_)
        self.device_ = Y.device
        self._begin(draw_seeds(run["random_state"], 1)[0])
        # That of an earlier run.
        vars(self).pop("generator_", None)
        self.probabilities_: Tensor | None = None
        self._start(X, Y)
        return self

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """Serve one epoch.

        Parameters
        ----------
        epoch : int
            0, 1, 2, ...

        Yields
        ------
        Tensor of shape (b,), int64
            Indices of the next batch, distinct within it unless ``unbiased`` or over-sampled;
            there are :meth:`count_batches` of them, the last one short.

        Warns
        -----
        UserWarning
            If another epoch was served before and :meth:`update` has not been called since
            :meth:`start`, for selectors that have a use for it.

        Raises
        ------
        ValueError
            If the probabilities are not finite, or those that :meth:`update` was told of the last
            epoch were not in [0, 1]; the message says at which epoch.
        """
        self._check_started()
        if not (self.is_counted_ and self.epoch_ == epoch):
            self._open(epoch)
        self.is_counted_ = False
        yield from self._serve()

    def count_batches(self, epoch: int) -> int:
        """Number of batches that :meth:`batches` gives in an epoch.

        ceil(n / batch_size) for most selectors; fewer for those that leave instances out, more
        for those that repeat some. Of the next epoch it can be asked as soon as all updates of
        the one before have been made, and of the one that is being served.

        Parameters
        ----------
        epoch : int
            0, 1, 2, ...

        Returns
        -------
        int

        Raises
        ------
        RuntimeError
            If the selector has not been started.
        ValueError
            As :meth:`batches`, of which it takes the first step.
        """
        self._check_started()
        if self.epoch_ != epoch or self.n_batches_ is None:
            self._open(epoch)
            self.is_counted_ = True
        assert self.n_batches_ is not None
        return self.n_batches_

    def _open(self, epoch: int) -> None:
        """Close the last epoch, and decide what the next one serves."""
        self._warn_of_silence(epoch)
        check_proba_range(self.extremes_, type(self).__name__, self.epoch_)
        self.extremes_ = []
        self._end_epoch()
        self.epoch_ = epoch
        # Seeded anew from the epoch: nothing but the number of the epoch need be remembered.
        self.generator_ = torch.Generator(self.device_)
        self.generator_.manual_seed(derive_seed(self.seed_, epoch))
        # With many instances what the last epoch served by is felt beside what is made now.
        self.probabilities_ = None
        vars(self).pop("order_", None)
        self.probabilities_ = self._probabilities_at_any(epoch)
        n_served = self.n_instances_
        if self.probabilities_ is None:
            in_warmup = epoch < self.warmup_epochs_
            self.order_ = self._warmup_order() if in_warmup else self._order(epoch)
            n_served = len(self.order_)
        else:
            check_finite(self.probabilities_, type(self).__name__, self.epoch_)
        self.n_batches_ = math.ceil(n_served / self.batch_size_)

    def _serve(self) -> Iterator[Tensor]:
        """Serve the epoch that is open."""
        if self.probabilities_ is None:
            yield from self.order_.split(self.batch_size_)
        else:
            yield from self._draw(self.probabilities_)

    def update(
        self,
        index: Tensor,
        proba: Tensor,
        losses: Tensor,
        *,
        learning_rate: float | None = None,
    ) -> None:
        """Tell the selector what a training step saw.

        Parameters
        ----------
        index : Tensor of shape (b,), integer
            The instances of the batch. It and the others may be on any device.
        proba : Tensor of shape (b, q), of any floating type
            Their predicted probabilities, in [0, 1]; detached here.
        losses : Tensor of shape (b, q), of any floating type
            Their binary cross-entropy per label, unreduced and unweighted, in nats; anything for
            labels that are not known, where they count 0. Estimators with another ``criterion``
            give what that makes of each label.
        learning_rate : float, optional
            That of the step.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        self._check_started()
        check_update(index, proba, losses, self.n_labels_)
        index = index.to(self.device_, torch.int64)
        # In no less than single precision: of smaller types not all have the operations below.
        proba, losses = (_widen(told.detach().to(self.device_)) for told in (proba, losses))
        if self.unbiased:
            # Drawn with replacement: of an instance's copies in the batch the last one counts.
            latest = self._last_places(index)
            proba, losses = proba[latest], losses[latest]
        if proba.numel():
            self.extremes_ += proba.aminmax()
        self.seen_ = True
        self.is_counted_ = False
        losses = keep_known(losses, self._known_of(index))
        dtype = self._update_dtype
        self._update(index, proba.to(dtype), losses.to(dtype), learning_rate)

    def loss_weights(self, index: Tensor, Y: Tensor) -> Tensor | None:
        """Weights that the training loss of a batch should carry.

        Parameters
        ----------
        index : Tensor of shape (b,)
        Y : Tensor of shape (b, q)

        Returns
        -------
        Tensor of shape (b,) or (b, q), or None for no weights
            With ``unbiased``, 1 / (n P(x)) of Lemma 2 of the D2ACE paper.

        Raises
        ------
        RuntimeError
            If the selector has not been started.
        """
        self._check_started()
        return self._draw_weights(index)

    def _draw_weights(self, index: Tensor) -> Tensor | None:
        """Weights (b,) by the probabilities of the batch drawn last, None where all are 1."""
        if not self.unbiased or self.probabilities_ is None:
            return None
        return (1 / (self.n_instances_ * self.probabilities_[index])).to(torch.float32)

    def _wants_features(self) -> bool:
        """Whether ``_start`` looks at X, of which it then gets a finite matrix."""
        return False

    def _wants_updates(self) -> bool:
        """Whether :meth:`update` has a say in what is drawn."""
        return type(self)._update is not BatchSelector._update

    def _listens(self) -> bool:
        """Whether to call :meth:`update`: who goes by none wants to know of the first."""
        is_own = type(self).update is not BatchSelector.update
        return is_own or not self.seen_ or self._wants_updates()

    def _draws_by_updates(self) -> bool:
        """Whether a batch depends on updates of the same epoch."""
        return False

    def _was_told(self) -> bool:
        """Whether :meth:`update` was called since the epoch began."""
        return bool(self.extremes_)

    def _warn_of_silence(self, epoch: int) -> None:
        if self._wants_updates() and not self.seen_ and self.epoch_ not in (-1, epoch):
            warnings.warn(
                f"{type(self).__name__} has served epoch {self.epoch_ + 1} and has not been told "
                "what the network predicted: without update(index, proba, losses) after each step "
                "its batches stay those of chance.",
                stacklevel=4,
            )

    def _known_of(self, index: Tensor) -> Tensor | None:
        """Rows ``index`` of what is known, (b, q), or None where all is."""
        return None if self.known_ is None else self.known_[index]

    def _start(self, X: Tensor, Y: Tensor) -> None:
        """Make the state."""

    def _update(
        self, index: Tensor, proba: Tensor, losses: Tensor, learning_rate: float | None
    ) -> None:
        """Take in one step."""

    def _end_epoch(self) -> None:
        """Close the epoch that was served last."""

    def _weights(self) -> Tensor | None:
        """Weights of the instances, or None to shuffle."""
        return None

    def _probabilities(self, epoch: int) -> Tensor | None:
        """Sampling probabilities of an epoch after the warm-up, or None to shuffle."""
        weights = self._weights()
        return None if weights is None else F.sampling_probabilities(weights, self._pressure(epoch))

    def _pressure(self, epoch: int) -> float:
        """Selection pressure of an epoch; the paper counts from 1."""
        return F.selection_pressure(
            epoch + 1, self.warmup_epochs_ + 1, self.n_epochs_, self.pressure
        )

    def _probabilities_at_any(self, epoch: int) -> Tensor | None:
        """None during the warm-up, uniform as long as nothing has been seen."""
        probabilities = None if epoch < self.warmup_epochs_ else self._probabilities(epoch)
        if probabilities is None or self.seen_:
            return probabilities
        return torch.full_like(probabilities, 1 / self.n_instances_)

    def _order(self, epoch: int) -> Tensor:
        """Instances of an epoch after the warm-up that has no probabilities."""
        return self._warmup_order()

    def _warmup_order(self) -> Tensor:
        return torch.randperm(self.n_instances_, generator=self.generator_, device=self.device_)

    def _draw(self, probabilities: Tensor) -> Iterator[Tensor]:
        """All batches of an epoch from one set of probabilities."""
        n_batches = math.ceil(self.n_instances_ / self.batch_size_)
        draw = draw_with_replacement if self.unbiased else draw_without_replacement
        drawn = draw(probabilities, n_batches, self.batch_size_, self.generator_)
        yield from drawn[:-1]
        yield drawn[-1, : self.n_instances_ - (n_batches - 1) * self.batch_size_]

    def _last_places(self, index: Tensor) -> Tensor:
        """For each entry of the batch, the last place at which its instance stands."""
        places = torch.arange(len(index), device=index.device)
        last = places.new_zeros(self.n_instances_)
        return last.scatter_reduce_(0, index, places, "amax")[index]


def _widen(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.to(torch.float32)

"""How a batch selector drew over the epochs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skd2ace.training import SelectionEpoch, SelectionRecorder

from ._callbacks import list_callbacks
from ._looks import COLORS, SHADES, make_panels, place_legend_beside

_LEVELS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_DRAWN = ("never", "once", "twice", "3 times", "more often")


def find_recorder(estimator: Any) -> SelectionRecorder | None:
    """Find the recorder among a fitted estimator's callbacks, if it has seen an epoch."""
    recorders = list_callbacks(estimator, SelectionRecorder)
    return next((recorder for recorder in recorders if recorder.epochs_), None)


def read_recorder(estimator: Any) -> SelectionRecorder:
    """Find the recorder that an estimator was fitted with, or say what is missing."""
    recorder = find_recorder(estimator)
    if recorder is None:
        raise ValueError(
            f"{type(estimator).__name__} was not fitted with a recorder: give it "
            "callbacks=[SelectionRecorder()] of skd2ace.training, and fit it."
        )
    return recorder


class SelectionDisplay:
    """Sampling probabilities, draws and the mixture of a batch selector over the epochs.

    Made by :meth:`from_estimator` or :meth:`from_recorder`. It keeps numbers, and draws when
    :meth:`plot` is called.

    Parameters
    ----------
    epochs : ndarray of shape (e,)
        From 1.
    quantiles : ndarray of shape (e, 7)
        Of n times the sampling probability, which is 1 where all are equal: least, 10, 25, 50,
        75 and 90 percent, most.
    drawn : ndarray of shape (e, 5)
        Shares of the instances that were drawn never, once, twice, three times, more often.
    share : ndarray of shape (e,)
        Part of uncertainty in D2ACE's mixture; NaN where nothing is mixed.

    Attributes
    ----------
    axes_, figure_ : ndarray of Axes, and Figure
        After :meth:`plot`.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.inspection import SelectionDisplay
    >>> from skd2ace.selection import D2ACE
    >>> from skd2ace.training import SelectionRecorder
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = CLIFClassifier(
    ...     batch_selector=D2ACE(), callbacks=[SelectionRecorder()], max_epochs=10,
    ...     random_state=0, verbose=0,
    ... ).fit(X, Y)
    >>> display = SelectionDisplay.from_estimator(est)
    >>> display.quantiles.shape, display.drawn.sum(1).round(6).min()
    ((10, 7), np.float64(1.0))
    """

    def __init__(
        self,
        epochs: NDArray[np.int64],
        quantiles: NDArray[np.float64],
        drawn: NDArray[np.float64],
        share: NDArray[np.float64],
    ) -> None:
        self.epochs = epochs
        self.quantiles = quantiles
        self.drawn = drawn
        self.share = share

    @classmethod
    def from_estimator(cls, estimator: Any) -> "SelectionDisplay":
        """Compute what is shown of an estimator fitted with a recorder among its callbacks.

        Parameters
        ----------
        estimator : fitted estimator

        Returns
        -------
        SelectionDisplay

        Raises
        ------
        ValueError
            If no :class:`~skd2ace.training.SelectionRecorder` saw the fit.
        """
        return cls.from_recorder(read_recorder(estimator))

    @classmethod
    def from_recorder(cls, recorder: SelectionRecorder) -> "SelectionDisplay":
        """Compute what is shown of a recorder.

        Parameters
        ----------
        recorder : SelectionRecorder
            With at least one epoch.

        Returns
        -------
        SelectionDisplay
        """
        epochs: Sequence[SelectionEpoch] = recorder.epochs_
        return cls(
            np.array([epoch.epoch for epoch in epochs]),
            np.stack([_find_quantiles(epoch) for epoch in epochs]),
            np.stack([_share_by_draws(epoch.draws) for epoch in epochs]),
            np.array([epoch.share for epoch in epochs]),
        )

    def plot(self, axes: Any = None) -> "SelectionDisplay":
        """Draw: probabilities above, who was drawn how often below, and D2ACE's mixture last.

        Parameters
        ----------
        axes : array of Axes, optional
            Two, or three where something is mixed; by default those of a new figure.

        Returns
        -------
        SelectionDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        is_mixed = bool(np.isfinite(self.share).any())
        n = 3 if is_mixed else 2
        self.axes_ = make_panels(axes, n, 1, (6.4, 2.3 * n))
        self.figure_ = self.axes_[0].figure
        self._draw_probabilities(self.axes_[0])
        self._draw_draws(self.axes_[1])
        if is_mixed:
            self._draw_mixture(self.axes_[2])
        for ax in self.axes_:
            ax.set_xlim(self.epochs[0] - 0.5, self.epochs[-1] + 0.5)
        self.axes_[-1].set_xlabel("Epoch")
        return self

    def _draw_probabilities(self, ax: Any) -> None:
        for low, shade in enumerate(SHADES[:3]):
            high = len(_LEVELS) - 1 - low
            name = f"{_LEVELS[low]:.0%} to {_LEVELS[high]:.0%} of the instances"
            bounds = self.quantiles[:, low], self.quantiles[:, high]
            ax.fill_between(self.epochs, *bounds, color=shade, linewidth=0, label=name)
        ax.plot(self.epochs, self.quantiles[:, 3], color="black", linewidth=1.4, label="median")
        ax.set_yscale("log")
        ax.set_ylabel("n · probability")
        place_legend_beside(ax)

    def _draw_draws(self, ax: Any) -> None:
        ax.stackplot(self.epochs, self.drawn.T, colors=SHADES, step="mid", labels=_DRAWN)
        ax.set_ylim(0, 1)
        ax.set_ylabel("Drawn, share")
        place_legend_beside(ax, reverse=True)

    def _draw_mixture(self, ax: Any) -> None:
        ax.stackplot(
            self.epochs, self.share, 1 - self.share, colors=COLORS[:2],
            labels=("uncertainty", "hardness"),
        )  # fmt: skip
        ax.set_ylim(0, 1)
        ax.set_ylabel("Mixture (Eq. 17)")
        place_legend_beside(ax, reverse=True)


def _find_quantiles(epoch: SelectionEpoch) -> NDArray[np.float64]:
    if epoch.probabilities is None:
        return np.ones(len(_LEVELS))
    return np.quantile(epoch.probabilities * len(epoch.draws), _LEVELS)


def _share_by_draws(draws: NDArray[np.int32]) -> NDArray[np.float64]:
    counts = np.bincount(np.minimum(draws, len(_DRAWN) - 1), minlength=len(_DRAWN))
    return counts / max(len(draws), 1)

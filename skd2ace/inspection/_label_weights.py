"""How much each label counts for D2ACE, epoch by epoch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skd2ace.training import SelectionRecorder

from ._looks import draw_cells, make_panels, name_ticks
from ._predictions import name_labels
from ._selection import read_recorder


class LabelWeightsDisplay:
    """Label weights of D2ACE (Eq. 6-7) over the epochs, one panel for each of its two metrics.

    As Figure A6 of the D2ACE paper shows them for two labels. Made by :meth:`from_estimator` or
    :meth:`from_recorder`. What is drawn are weights over the mean of the epoch's, since only how
    they differ changes what is selected.

    Parameters
    ----------
    epochs : ndarray of shape (e,)
        Those that were not shuffled, from 1.
    weights : dict of str to ndarray of shape (e, q)
        "uncertainty", "hardness" or both; NaN in epochs in which that has no part.
    label_names : sequence of str, optional
        By default the numbers of the labels.

    Attributes
    ----------
    axes_, figure_ : ndarray of Axes, and Figure
        After :meth:`plot`.

    Examples
    --------
    >>> from skd2ace import MultiLabelNetClassifier
    >>> from skd2ace.inspection import LabelWeightsDisplay
    >>> from skd2ace.networks import MLP
    >>> from skd2ace.selection import D2ACE
    >>> from skd2ace.training import SelectionRecorder
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = MultiLabelNetClassifier(
    ...     MLP, batch_selector=D2ACE(), callbacks=[SelectionRecorder()], max_epochs=10,
    ...     random_state=0, verbose=0,
    ... ).fit(X, Y)
    >>> display = LabelWeightsDisplay.from_estimator(est)
    >>> {metric: weights.shape for metric, weights in display.weights.items()}
    {'uncertainty': (9, 5), 'hardness': (9, 5)}
    """

    def __init__(
        self,
        epochs: NDArray[np.int64],
        weights: dict[str, NDArray[np.float64]],
        label_names: Sequence[str] | None = None,
    ) -> None:
        self.epochs = epochs
        self.weights = weights
        self.label_names = name_labels(label_names, next(iter(weights.values())).shape[1])

    @classmethod
    def from_estimator(cls, estimator: Any) -> "LabelWeightsDisplay":
        """Read the weights of an estimator fitted with a recorder among its callbacks.

        Parameters
        ----------
        estimator : fitted estimator

        Returns
        -------
        LabelWeightsDisplay

        Raises
        ------
        ValueError
            If no :class:`~skd2ace.training.SelectionRecorder` saw the fit, and as
            :meth:`from_recorder`.
        """
        names = getattr(estimator, "label_names_in_", None)
        return cls.from_recorder(read_recorder(estimator), label_names=names)

    @classmethod
    def from_recorder(
        cls, recorder: SelectionRecorder, *, label_names: Sequence[str] | None = None
    ) -> "LabelWeightsDisplay":
        """Read the weights of a recorder.

        Parameters
        ----------
        recorder : SelectionRecorder
        label_names : sequence of str, optional
            By default the numbers of the labels.

        Returns
        -------
        LabelWeightsDisplay

        Raises
        ------
        ValueError
            If no epoch has label weights: only D2ACE has, after its warm-up.
        """
        epochs = [epoch for epoch in recorder.epochs_ if epoch.label_weights]
        if not epochs:
            raise ValueError(
                "No label weights were recorded: only D2ACE has some, in epochs after its warm-up."
            )
        known = {name: part for epoch in epochs for name, part in epoch.label_weights.items()}
        weights = {
            name: np.stack(
                [epoch.label_weights.get(name, np.full_like(part, np.nan)) for epoch in epochs]
            ).astype(float)
            for name, part in known.items()
        }
        return cls(np.array([epoch.epoch for epoch in epochs]), weights, label_names)

    def plot(self, axes: Any = None) -> "LabelWeightsDisplay":
        """Draw a row of colours for each label, those with the greatest mean weights on top.

        Colours have a logarithmic scale.

        Parameters
        ----------
        axes : array of Axes, optional
            One for each metric; by default those of a new figure.

        Returns
        -------
        LabelWeightsDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        from matplotlib.colors import LogNorm

        n, q = len(self.weights), len(self.label_names)
        height = 1.0 + min(0.2 * q, 6.0)
        self.axes_ = make_panels(axes, 1, n, (1.6 + 3.2 * n, max(height, 2.2)), sharey=True)
        self.figure_ = self.axes_[0].figure
        shares = {
            name: weights / weights.mean(1, keepdims=True) for name, weights in self.weights.items()
        }
        every = np.concatenate(list(shares.values()))
        order = np.argsort(-np.nanmean(every, axis=0), kind="stable")
        scale = LogNorm(np.nanmin(every), np.nanmax(every))
        first, last = self.epochs[0] - 0.5, self.epochs[-1] + 0.5
        for ax, (name, share) in zip(self.axes_, shares.items(), strict=True):
            cells = draw_cells(
                ax, share[:, order].T, norm=scale, extent=(first, last, q - 0.5, -0.5)
            )
            ax.set_title(name, loc="left", fontsize=10)
            ax.set_xlabel("Epoch")
            ax.set_aspect("auto")
        name_ticks(self.axes_[0].yaxis, [self.label_names[j] for j in order])
        bar = self.figure_.colorbar(cells, ax=list(self.axes_), shrink=0.8)
        bar.set_label("label weight / mean")
        for set_formatter in (bar.ax.yaxis.set_major_formatter, bar.ax.yaxis.set_minor_formatter):
            set_formatter("{x:g}")
        return self

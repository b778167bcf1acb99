"""Which labels go together."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._looks import draw_cells, make_axes, name_ticks
from ._predictions import name_labels, read_labels


class LabelCorrelationDisplay:
    """Cosines between labels as a square of colours.

    Made by :meth:`from_labels`, of the labels themselves, or by :meth:`from_estimator`, of the
    scores by which D2ACE selects.

    Parameters
    ----------
    correlation : ndarray of shape (q, q)
        In [0, 1].
    label_names : sequence of str, optional
        By default the numbers of the labels.

    Attributes
    ----------
    ax_, figure_ : Axes and Figure
        After :meth:`plot`.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.inspection import LabelCorrelationDisplay
    >>> Y = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [1, 0, 1]])
    >>> LabelCorrelationDisplay.from_labels(Y).correlation.round(2)
    array([[1.  , 0.71, 0.5 ],
           [0.71, 1.  , 0.  ],
           [0.5 , 0.  , 1.  ]])
    """

    def __init__(
        self, correlation: NDArray[np.float64], label_names: Sequence[str] | None = None
    ) -> None:
        self.correlation = correlation
        self.label_names = name_labels(label_names, len(correlation))

    @classmethod
    def from_labels(
        cls, Y: ArrayLike, *, label_names: Sequence[str] | None = None
    ) -> "LabelCorrelationDisplay":
        """Compute cosines between the columns of labels.

        Parameters
        ----------
        Y : array-like or sparse of shape (n, q)
            0/1; NaN is not known, and counts as 0.
        label_names : sequence of str, optional
            By default the columns of Y, or their numbers.

        Returns
        -------
        LabelCorrelationDisplay
            A label without ones has 0 with all, itself included.

        Raises
        ------
        ValueError
            If Y has other values, or there are not as many names as labels.
        """
        truth, names = read_labels(Y, label_names)
        relevant = np.nan_to_num(truth)
        together, counts = relevant.T @ relevant, relevant.sum(0)
        lengths = np.sqrt(np.outer(counts, counts))
        cosine = np.divide(together, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        return cls(cosine, names)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, metric: Literal["uncertainty", "hardness"] = "hardness"
    ) -> "LabelCorrelationDisplay":
        """Read the correlations that D2ACE has at the end of a fit (Eq. 9 of its paper).

        Parameters
        ----------
        estimator : fitted estimator
            Whose ``batch_selector`` is :class:`~skd2ace.selection.D2ACE`.
        metric : {"uncertainty", "hardness"}, default="hardness"
            Cosines between labels are of these scores, on relevant instances.

        Returns
        -------
        LabelCorrelationDisplay

        Raises
        ------
        ValueError
            If the estimator has no such selector, or the metric is another.
        """
        if metric not in ("uncertainty", "hardness"):
            raise ValueError(f"metric must be 'uncertainty' or 'hardness', got {metric!r}.")
        selector: Any = getattr(estimator, "batch_selector_", None)
        if not hasattr(selector, "correlate_labels"):
            raise ValueError(
                f"Only D2ACE correlates labels; this {type(estimator).__name__} was "
                f"{'not fitted' if selector is None else f'fitted with {selector}'}."
            )
        correlation = selector.correlate_labels(metric).double().cpu().numpy()
        return cls(correlation, getattr(estimator, "label_names_in_", None))

    def plot(self, ax: Any = None) -> "LabelCorrelationDisplay":
        """Draw the square without its diagonal. Labels stay in their order.

        Parameters
        ----------
        ax : Axes, optional
            By default of a new figure.

        Returns
        -------
        LabelCorrelationDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        side = 2.2 + min(0.22 * len(self.correlation), 6.0)
        ax = make_axes(ax, (side + 0.8, side))
        between = np.where(np.eye(len(self.correlation), dtype=bool), np.nan, self.correlation)
        greatest = np.nanmax(between, initial=0, where=~np.isnan(between))
        cells = draw_cells(ax, between, vmin=0, vmax=greatest or 1)
        name_ticks(ax.xaxis, self.label_names, rotation=90)
        name_ticks(ax.yaxis, self.label_names)
        ax.figure.colorbar(cells, ax=ax, shrink=0.7).set_label("cosine")
        self.ax_, self.figure_ = ax, ax.figure
        return self

"""Whether of the cells given 0.3 three in ten are relevant."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.calibration import calibration_curve

from skd2ace._containers import refuse_other_names
from skd2ace.metrics import expected_calibration_error

from ._looks import COLORS, GREY, PALE, make_panels
from ._predictions import read_predictions


class ReliabilityDisplay:
    """Shares of relevant cells against predicted probabilities, over all labels.

    Made by :meth:`from_predictions` or :meth:`from_estimator`; the curve is scikit-learn's
    ``calibration_curve`` with bins of equal width, of all known cells together.

    Parameters
    ----------
    predicted, observed : ndarray of shape (b,)
        Of each bin with cells, the mean probability and the share of ones.
    histogram : ndarray of shape (n_bins,)
        Cells in each bin.
    error : float
        :func:`~skd2ace.metrics.expected_calibration_error`, the mean over labels.

    Attributes
    ----------
    axes_, figure_ : ndarray of Axes, and Figure
        After :meth:`plot`.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.inspection import ReliabilityDisplay
    >>> display = ReliabilityDisplay.from_predictions(
    ...     np.array([[0, 1], [1, 1]]), np.array([[0.2, 0.9], [0.2, 0.9]]), n_bins=2
    ... )
    >>> display.observed
    array([0.5, 1. ])
    """

    def __init__(
        self,
        predicted: NDArray[np.float64],
        observed: NDArray[np.float64],
        histogram: NDArray[np.int64],
        error: float,
    ) -> None:
        self.predicted = predicted
        self.observed = observed
        self.histogram = histogram
        self.error = error

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, Y: Any, *, n_bins: int = 10
    ) -> "ReliabilityDisplay":
        """Predict, and compute the curve.

        Parameters
        ----------
        estimator : fitted estimator
            With ``predict_proba`` that gives (n, q).
        X, Y
            Rows that it was not trained on.
        n_bins : int, default=10

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        ValueError
            If Y has other names than the labels that the estimator was fitted on, or in another
            order.
        """
        refuse_other_names(Y, getattr(estimator, "label_names_in_", None))
        return cls.from_predictions(Y, estimator.predict_proba(X), n_bins=n_bins)

    @classmethod
    def from_predictions(
        cls, Y: ArrayLike, proba: ArrayLike, *, n_bins: int = 10
    ) -> "ReliabilityDisplay":
        """Compute the curve of predictions.

        Parameters
        ----------
        Y : array-like of shape (n, q)
            0/1; NaN is not known, and left out.
        proba : array-like of shape (n, q)
            A row of NaN alone, an instance without a prediction, is left out.
        n_bins : int, default=10

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        ValueError
            If the shapes differ or nothing is known.
        """
        truth, scores, _ = read_predictions(Y, proba, None)
        known = ~np.isnan(truth)
        if not known.any():
            raise ValueError("Y holds no label that is known.")
        observed, predicted = calibration_curve(truth[known], scores[known], n_bins=n_bins)
        # Closed above, as the curve's; np.histogram's are closed below.
        bins = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], scores[known])
        histogram = np.bincount(bins, minlength=n_bins)
        error = expected_calibration_error(truth, scores)
        return cls(predicted, observed, histogram, float(error))

    def plot(self, axes: Any = None) -> "ReliabilityDisplay":
        """Draw the curve, and below it how many cells each bin has.

        Parameters
        ----------
        axes : array of Axes, optional
            Two; by default those of a new figure.

        Returns
        -------
        ReliabilityDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        self.axes_ = make_panels(axes, 2, 1, (4.6, 5.2), height_ratios=(3, 1), sharex=True)
        self.figure_ = self.axes_[0].figure
        above, below = self.axes_
        above.plot([0, 1], [0, 1], color=PALE, linewidth=1)
        above.plot(self.predicted, self.observed, "o-", color=COLORS[0], linewidth=1.8)
        above.set(xlim=(0, 1), ylim=(0, 1), ylabel="Share of relevant cells")
        above.set_title(f"Expected calibration error {self.error:.3f}", fontsize=10, loc="left")
        edges = np.linspace(0, 1, len(self.histogram) + 1)
        below.stairs(self.histogram, edges, fill=True, color=GREY)
        below.set_yscale("symlog", linthresh=1)
        below.set(xlabel="Predicted probability", ylabel="Cells")
        return self

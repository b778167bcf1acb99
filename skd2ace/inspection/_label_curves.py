"""A small ROC or precision-recall curve for each label."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from skd2ace._containers import refuse_other_names

from ._looks import COLORS, PALE, make_panels
from ._predictions import read_predictions

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
_COLUMNS = 5
_AXES = {
    "roc": ("False positive rate", "True positive rate"),
    "precision_recall": ("Recall", "Precision"),
}


class LabelCurvesDisplay:
    """ROC or precision-recall curves of the labels, a panel each.

    Made by :meth:`from_predictions` or :meth:`from_estimator`; curves and areas are scikit-learn's.

    Parameters
    ----------
    curves : list of (x, y)
        Of each label, arrays of the same length; None of a label with one value only.
    areas : ndarray of shape (q,)
        Area under the ROC curve, or average precision; NaN where there is no curve.
    prevalence : ndarray of shape (q,)
        Shares of ones among what is known: what precision is by chance.
    label_names : sequence of str
    kind : {"roc", "precision_recall"}

    Attributes
    ----------
    axes_, figure_ : ndarray of Axes, and Figure
        After :meth:`plot`.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.inspection import LabelCurvesDisplay
    >>> Y = np.array([[0, 1], [1, 0], [1, 1]])
    >>> proba = np.array([[0.1, 0.9], [0.8, 0.6], [0.9, 0.5]])
    >>> LabelCurvesDisplay.from_predictions(Y, proba).areas
    array([1. , 0.5])
    """

    def __init__(
        self,
        curves: Sequence[Curve | None],
        areas: NDArray[np.float64],
        prevalence: NDArray[np.float64],
        label_names: Sequence[str],
        kind: Literal["roc", "precision_recall"] = "roc",
    ) -> None:
        self.curves = list(curves)
        self.areas = areas
        self.prevalence = prevalence
        self.label_names = list(label_names)
        self.kind = kind

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, Y: Any, *, kind: Literal["roc", "precision_recall"] = "roc"
    ) -> "LabelCurvesDisplay":
        """Predict, and compute the curves.

        Parameters
        ----------
        estimator : fitted estimator
            With ``predict_proba`` that gives (n, q).
        X, Y
            Rows that it was not trained on.
        kind : {"roc", "precision_recall"}, default="roc"

        Returns
        -------
        LabelCurvesDisplay

        Raises
        ------
        ValueError
            If Y has other names than the labels that the estimator was fitted on, or in another
            order.
        """
        names = getattr(estimator, "label_names_in_", None)
        refuse_other_names(Y, names)
        return cls.from_predictions(Y, estimator.predict_proba(X), label_names=names, kind=kind)

    @classmethod
    def from_predictions(
        cls,
        Y: ArrayLike,
        proba: ArrayLike,
        *,
        label_names: Sequence[str] | None = None,
        kind: Literal["roc", "precision_recall"] = "roc",
    ) -> "LabelCurvesDisplay":
        """Compute the curves of predictions.

        Parameters
        ----------
        Y : array-like of shape (n, q)
            0/1; NaN is not known, and left out.
        proba : array-like of shape (n, q)
            Probabilities, or other scores. A row of NaN alone, an instance without a prediction,
            is left out.
        label_names : sequence of str, optional
            By default the columns of Y, or their numbers.
        kind : {"roc", "precision_recall"}, default="roc"

        Returns
        -------
        LabelCurvesDisplay

        Raises
        ------
        ValueError
            If the shapes differ, or the kind is another.
        """
        if kind not in _AXES:
            raise ValueError(f"kind must be one of {list(_AXES)}, got {kind!r}.")
        truth, scores, names = read_predictions(Y, proba, label_names)
        curves: list[Curve | None] = []
        areas = np.full(truth.shape[1], np.nan)
        for j, (of_label, score) in enumerate(zip(truth.T, scores.T, strict=True)):
            known = ~np.isnan(of_label)
            of_label, score = of_label[known], score[known]
            if len(np.unique(of_label)) < 2:
                curves.append(None)
            elif kind == "roc":
                curves.append(roc_curve(of_label, score)[:2])
                areas[j] = roc_auc_score(of_label, score)
            else:
                precision, recall, _ = precision_recall_curve(of_label, score)
                curves.append((recall, precision))
                areas[j] = average_precision_score(of_label, score)
        ones, counts = (truth == 1).sum(0), (~np.isnan(truth)).sum(0)
        prevalence = np.divide(ones, counts, out=np.full(len(counts), np.nan), where=counts > 0)
        return cls(curves, areas, prevalence, names, kind)

    def plot(self, axes: Any = None, *, max_labels: int = 20) -> "LabelCurvesDisplay":
        """Draw a panel for each label, the worst first.

        Parameters
        ----------
        axes : array of Axes, optional
            One for each label that is shown; by default those of a new figure.
        max_labels : int, default=20
            How many labels to show. Labels without a curve are not.

        Returns
        -------
        LabelCurvesDisplay
            Itself, with ``axes_`` and ``figure_``.

        Raises
        ------
        ValueError
            If no label has a curve.
        """
        order = [j for j in np.argsort(self.areas) if self.curves[j] is not None][:max_labels]
        if not order:
            raise ValueError("No label has both values: there is no curve to draw.")
        if axes is None:
            n_columns = min(_COLUMNS, len(order))
            n_rows = -(-len(order) // n_columns)
            axes = make_panels(None, n_rows, n_columns, (1.7 * n_columns + 0.4, 1.8 * n_rows + 0.4))
            for ax in axes[len(order) :]:
                ax.remove()
            axes = axes[: len(order)]
        self.axes_ = make_panels(axes, 1, len(order), (0, 0))
        self.figure_ = self.axes_[0].figure
        for ax, j in zip(self.axes_, order, strict=True):
            self._draw(ax, j)
        x, y = _AXES[self.kind]
        self.figure_.supxlabel(x, fontsize=10)
        self.figure_.supylabel(y, fontsize=10)
        return self

    def _draw(self, ax: Any, j: int) -> None:
        curve = self.curves[j]
        assert curve is not None
        chance = [0, 1] if self.kind == "roc" else [self.prevalence[j]] * 2
        ax.plot([0, 1], chance, color=PALE, linewidth=1)
        # Precision between two thresholds is not on the line that joins them.
        drawstyle = "default" if self.kind == "roc" else "steps-post"
        ax.plot(*curve, color=COLORS[0], linewidth=1.6, drawstyle=drawstyle)
        ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xticks=[0, 1], yticks=[0, 1])
        name = str(self.label_names[j])
        short = name if len(name) <= 20 else f"{name[:19]}…"
        ax.set_title(f"{short}\n{self.areas[j]:.3f}", fontsize=8, loc="left", parse_math=False)

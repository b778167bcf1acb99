"""LabelReport: which labels of the training data are probably wrong, by one fit."""

from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state

from skd2ace._containers import find_names, refuse_other_names
from skd2ace._targets import encode_targets
from skd2ace.training import TrainingDynamics

from ._callbacks import list_callbacks
from ._frequencies import find_frequencies
from ._label_quality import (
    pool_labels,
    rank_cells,
    score_cells,
    suspect_cells,
    wilson_interval,
)
from ._looks import make_axes
from ._neighbors import find_nearest, list_opposed
from ._selection import find_recorder
from ._stated_recall import find_thresholds, plant_errors

Floats = NDArray[np.float64]
# An ambiguous cell is on the side of its value in some epochs, but neither in most nor in few.
_FEW, _MOST = 0.2, 0.8
_DARK, _BAR = "#1f2933", "#8a97a6"
_SHOWN_IN_HTML = 1000


class LabelReport:
    """Which labels of the training data are probably wrong, as one fit has seen them.

    Made by :meth:`from_estimator`. It keeps arrays; frames need pandas, and pictures matplotlib.

    Parameters
    ----------
    Y : ndarray of shape (n, q), float
        Observed 0/1, NaN where not known.
    proba : ndarray of shape (n, q), float64
        Predictions of the value 1; NaN where there is none.
    label_names : array-like of shape (q,), optional
        By default the numbers of the columns.
    dynamics : dict of ndarray of shape (n, q), optional
        Columns ``margin``, ``confidence``, ``spread``, ``on_side`` and ``forgotten`` of
        :meth:`to_frame`.
    n_drawn : ndarray of shape (n,), float64, optional
        How often a batch selector drew each instance; NaN where held out.
    neighbors : ndarray of shape (n, k), int64, optional
        Rows of each instance's nearest neighbours, in the order of their distance.
    is_in_sample : bool, default=False
        Whether ``proba`` is by a network that was trained on these very labels.

    Attributes
    ----------
    score : ndarray of shape (n, q), float64
        One minus the probability of the observed value; 1 is surely wrong, NaN has no prediction.
    percentile : ndarray of shape (n, q), float64
        Of the score among the cells of the same label and value, in (0, 1].
    suspects : ndarray of shape (n, q), bool
        Cells that are probably of the other value, by the thresholds of confident learning [1]_.
        A second fit may leave them out: ``est.fit(X, np.where(report.suspects, np.nan, Y))``, or
        ``sample_weight=~report.suspects``. Try on clean labels whether that helps.
    thresholds : list of dict, or None
        Where the suspects are those of :meth:`with_recall`.
    ax_, figure_ : Axes and Figure
        After :meth:`plot`.

    References
    ----------
    .. [1] Northcutt, Jiang and Chuang (2021). Confident Learning: Estimating Uncertainty in
       Dataset Labels. JAIR 70.

    Examples
    --------
    A wrong label that was planted is the first to be found:

    >>> import numpy as np
    >>> from skd2ace import TabMClassifier
    >>> from skd2ace.inspection import LabelReport
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> Y = (X[:, :2] > 0).astype(int)
    >>> row = X[:, 0].argmax()
    >>> Y[row, 0] = 0
    >>> est = TabMClassifier(max_epochs=10, random_state=0, verbose=0).fit(X, Y)
    >>> report = LabelReport.from_estimator(est, X, Y)
    >>> worst = report.to_frame().iloc[0]
    >>> bool(worst["instance"] == row), worst["label"], worst["kind"]
    (True, 0, 'suspected missing')
    """

    def __init__(
        self,
        Y: Floats,
        proba: Floats,
        *,
        label_names: Any = None,
        dynamics: dict[str, Floats] | None = None,
        n_drawn: Floats | None = None,
        neighbors: NDArray[np.int64] | None = None,
        is_in_sample: bool = False,
    ) -> None:
        if Y.shape != proba.shape:
            raise ValueError(f"Y has shape {Y.shape}, but proba has {proba.shape}.")
        self.Y = Y
        self.proba = proba
        names = range(Y.shape[1]) if label_names is None else label_names
        self.label_names = np.asarray(names, dtype=object)
        self.dynamics = dynamics
        self.n_drawn = n_drawn
        self.neighbors = neighbors
        self.is_in_sample = is_in_sample
        self.score = score_cells(Y, proba)
        self.percentile = rank_cells(Y, self.score)
        self.suspects = suspect_cells(Y, proba)
        self.thresholds: list[dict[str, Any]] | None = None

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, Y: Any, *, n_neighbors: int = 10
    ) -> "LabelReport":
        """Read what a fit has seen of the labels that it was given.

        Parameters
        ----------
        estimator : MultiLabelNetClassifier
            Fitted with X and Y. It has out-of-bag predictions, as
            :class:`~skd2ace.TabMClassifier`, or was trained with
            ``callbacks=[TrainingDynamics()]``; with both, the report has both. With
            :class:`~skd2ace.training.SelectionRecorder` it also says how often each instance was
            drawn.
        X, Y
            The rows that it was fitted with, in the same order. NaN in Y is not known; so should
            be cells that had no weight.
        n_neighbors : int, default=10
            Among how many nearest neighbours, by the features as the network sees them, those are
            looked for that carry the other value of a label; 0 leaves that out. Images, and data
            sets that are read item by item, have none.

        Returns
        -------
        LabelReport
            By out-of-bag predictions, or else the mean ones of the last fifth of the epochs, which
            are in-sample. Rows that were held out have none. Where positives have a weight, as in
            TabM, odds are divided by it: ones would be too probable, and missing ones found before
            wrong ones.

        Raises
        ------
        ValueError
            If there is nothing to go by, or X or Y is not what the estimator was fitted with.
        """
        names = getattr(estimator, "label_names_in_", None)
        refuse_other_names(Y, names)
        targets = encode_targets(Y, estimator.classes_)
        observed = targets.Y.astype(np.float64)
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if n_rows != len(observed):
            raise ValueError(f"X has {n_rows} rows, but Y has {len(observed)}.")
        moments = _read_dynamics(estimator, observed.shape)
        late = None if moments is None else moments.pop("late")
        return cls(
            observed,
            _read_predictions(estimator, late, observed.shape),
            label_names=find_names(Y) if names is None else names,
            dynamics=moments,
            n_drawn=_read_draws(estimator, len(observed)),
            neighbors=find_nearest(estimator, X, n_neighbors),
            is_in_sample=not hasattr(estimator, "oob_proba_"),
        )

    def with_recall(
        self,
        estimator: Any,
        X: Any,
        recall: float = 0.8,
        *,
        share: float = 0.1,
        random_state: Any = None,
    ) -> "LabelReport":
        """Suspect as many cells as are needed to find a share of the wrong ones.

        Some cells are made wrong on purpose, as many ones as zeros of each label, and a clone of
        the estimator is fitted with these. For each observed value, the threshold is the
        percentile from which on that share of the planted cells lies in the second fit. By that
        fit the other cells are judged too: there, wrong ones differ from the planted ones in
        nothing. The planted cells themselves are judged by this report, and so are those that the
        second fit held out; cells without a prediction in this one are not judged. After the
        threshold samples of Pleiss et al. (2020), Identifying Mislabeled Data using the Area Under
        the Margin Ranking, NeurIPS.

        Parameters
        ----------
        estimator, X
            As of :meth:`from_estimator`.
        recall : float, default=0.8
            Share of the wrong cells that is to be found, above 0 and at most 1. It holds for errors
            that fall on cells as the planted ones do, by chance within label and value. Where many
            labels are wrong more are found: planting makes some of them right, which nobody finds.
        share : float, default=0.1
            Of each label's rarer value, how many cells are planted.
        random_state : int, RandomState or None, default=None
            Seed of the choice of cells.

        Returns
        -------
        LabelReport
            A copy with other ``suspects``, and with ``thresholds``: a list of a dict for each
            ``observed`` value, with ``threshold`` (a percentile), ``n_planted``, and ``flagged``,
            the share of the other cells that were flagged in the second fit: an upper bound of the
            share of false alarms among right cells, since some of them are wrong.

        Raises
        ------
        ValueError
            If a number is out of range, or no label has two cells of each value.
        """
        for name, value in {"recall": recall, "share": share}.items():
            if not 0 < value <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, got {value!r}.")
        rng = check_random_state(random_state)
        planted, is_planted = plant_errors(self.Y, share, rng)
        refitted = clone(estimator).fit(X, _name_labels(planted, estimator))
        second = type(self).from_estimator(refitted, X, planted, n_neighbors=0)
        report = copy(self)
        report.thresholds = find_thresholds(planted, second.percentile, is_planted, recall)
        limits = [row["threshold"] for row in report.thresholds]
        is_held_out = np.isnan(second.percentile)
        percentile = np.where(is_planted | is_held_out, self.percentile, second.percentile)
        suspects = np.nan_to_num(percentile) >= np.where(self.Y == 1, limits[1], limits[0])
        # Fits that hold rows out may hold out others each.
        report.suspects = suspects & ~np.isnan(self.score)
        return report

    @property
    def kind(self) -> NDArray[np.object_]:
        """What each cell (n, q) is.

        "suspected missing" (observed 0) and "suspected spurious" (observed 1) are the suspects.
        Of the others, with dynamics, "easy" ones were predicted as observed in at least four
        fifths of the passes, "hard" ones in at most a fifth, and "ambiguous" ones between; without,
        by the prediction, easy or hard. Cells without a prediction are "unknown".
        """
        if self.dynamics is None:
            share = (self.score <= 0.5).astype(float)
        else:
            share = self.dynamics["on_side"]
        kinds = np.select(
            [np.isnan(self.score), self.suspects & (self.Y == 0), self.suspects],
            ["unknown", "suspected missing", "suspected spurious"],
            np.select([share >= _MOST, share <= _FEW], ["easy", "hard"], "ambiguous"),
        )
        return kinds.astype(object)

    def to_frame(self, *, all: bool = False) -> Any:
        """Make a table of suspicious cells, the worst first.

        Parameters
        ----------
        all : bool, default=False
            Whether to list every cell that has a prediction.

        Returns
        -------
        DataFrame
            Columns ``instance`` (position of the row), ``label`` (its name, else its column),
            ``observed`` (0/1), ``proba`` of the value 1, ``score``, ``percentile``, ``kind``; and,
            of :class:`~skd2ace.training.TrainingDynamics` where there are, ``margin`` (mean of
            (2y - 1) z, AUM), ``confidence`` and ``spread`` (mean and standard deviation of the
            probability of the observed value over the passes), ``on_side`` (share of the passes
            that predicted it) and ``forgotten`` (how often a pass that did was followed by one
            that did not); and ``n_drawn``, where the selection was recorded: how often the
            instance was in a batch; and ``neighbors``, a tuple of those of the nearest instances
            that carry the other value of the label, the nearest first.
        """
        import pandas as pd

        chosen = ~np.isnan(self.score) if all else self.suspects
        rows, labels = np.nonzero(chosen)
        order = np.argsort(-self.score[rows, labels], kind="stable")
        rows, labels = rows[order], labels[order]
        columns: dict[str, Any] = {
            "instance": rows,
            "label": self.label_names[labels],
            "observed": self.Y[rows, labels].astype(int),
            "proba": self.proba[rows, labels],
            "score": self.score[rows, labels],
            "percentile": self.percentile[rows, labels],
            "kind": self.kind[rows, labels],
        }
        dynamics = self.dynamics or {}
        columns |= {name: values[rows, labels] for name, values in dynamics.items()}
        if self.n_drawn is not None:
            columns["n_drawn"] = self.n_drawn[rows]
        if self.neighbors is not None:
            columns["neighbors"] = list_opposed(self.neighbors, self.Y, rows, labels)
        return pd.DataFrame(columns)

    def instances(self) -> Any:
        """Make a table with a row for each instance, in their order.

        Returns
        -------
        DataFrame
            Columns ``instance``, ``score`` (one minus the soft minimum, at temperature 0.1, of the
            qualities 1 - score of its labels; NaN without a prediction) and ``n_suspects``.
        """
        import pandas as pd

        score = 1 - pool_labels(1 - self.score)
        n_suspects = self.suspects.sum(1)
        return pd.DataFrame(
            {"instance": np.arange(len(score)), "score": score, "n_suspects": n_suspects}
        )

    def labels(self) -> Any:
        """Make a table with a row for each label, in their order.

        Returns
        -------
        DataFrame
            Columns ``label``, ``n_cells`` (with a prediction), ``n_missing`` and ``n_spurious``
            (suspects that are observed 0 and 1), ``wrong`` (share of suspects among the cells: an
            estimate of the share of wrong ones), ``low`` and ``high`` (its 95 % interval by Wilson,
            of the counting alone; it knows nothing of how good the predictions are) and ``rank``
            (1 for the label with the least share).
        """
        import pandas as pd

        n_cells = (~np.isnan(self.score)).sum(0)
        count = self.suspects.sum(0)
        n_missing = (self.suspects & (self.Y == 0)).sum(0)
        low, high = wilson_interval(count.astype(float), n_cells.astype(float))
        wrong = np.divide(count, n_cells, out=np.full(len(count), np.nan), where=n_cells > 0)
        frame = pd.DataFrame({"label": self.label_names, "n_cells": n_cells})
        frame = frame.assign(n_missing=n_missing, n_spurious=count - n_missing)
        frame = frame.assign(wrong=wrong, low=low, high=high)
        return frame.assign(rank=frame["wrong"].rank(method="min"))

    def to_html(self, path: Any) -> None:
        """Write labels, and the worst 1000 instances and cells, as one page of tables.

        Parameters
        ----------
        path : str or path-like
            A file that is there is overwritten.
        """
        worst = self.instances().sort_values("score", ascending=False)
        tables = {
            "Labels": self.labels().sort_values("wrong", ascending=False),
            "Instances": worst.head(_SHOWN_IN_HTML),
            "Suspicious labels of instances": self.to_frame().head(_SHOWN_IN_HTML),
        }
        parts = ["<!doctype html><meta charset='utf-8'><title>Label report</title>"]
        parts += [f"<h1>Label report</h1><p>{self._basis()}</p>"]
        for title, table in tables.items():
            shown = table.to_html(index=False, float_format="%.3f", border=0)
            parts.append(f"<h2>{title}</h2>{shown}")
        Path(path).write_text("\n".join(parts), encoding="utf-8")

    def plot(self, ax: Any = None, *, max_labels: int = 30) -> "LabelReport":
        """Draw the share of labels that are probably wrong, with intervals, the largest on top.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default in a new figure of fitting height.
        max_labels : int, default=30
            How many labels to show.

        Returns
        -------
        LabelReport
            Itself, with ``ax_`` and ``figure_``.
        """
        wrong = self.labels().sort_values("wrong", ascending=False, kind="stable")
        shown = wrong.head(max_labels).iloc[::-1]
        ax = make_axes(ax, (6.0, 1.3 + 0.22 * len(shown)))
        value, places = 100 * shown["wrong"].to_numpy(), np.arange(len(shown))
        below = value - 100 * shown["low"].to_numpy()
        above = 100 * shown["high"].to_numpy() - value
        # Rounding may leave the ends of an interval at 0 or 1 on the wrong side of it.
        ends = np.maximum([below, above], 0)
        ax.barh(places, value, color=_BAR)
        ax.errorbar(value, places, xerr=ends, fmt="none", ecolor=_DARK, elinewidth=1, capsize=2)
        ax.set_yticks(places, [str(name) for name in shown["label"]], fontsize=9, parse_math=False)
        ax.set_ylim(-0.6, len(shown) - 0.4)
        ax.set_xlim(left=0)
        left_out = "" if len(shown) == len(wrong) else f" ({len(shown)} of {len(wrong)} labels)"
        ax.set_xlabel(f"suspected cells, %{left_out}")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _basis(self) -> str:
        if self.is_in_sample:
            return (
                "By mean predictions of the last fifth of the epochs, in-sample: the network was "
                "trained on these very labels, and may have learned wrong ones by heart."
            )
        return "By predictions of networks that were not trained on the instance."


def _read_predictions(estimator: Any, late: Floats | None, shape: tuple[int, ...]) -> Floats:
    """Probabilities (n, q) of ones: out of bag, or else the late ones of the dynamics."""
    proba = getattr(estimator, "oob_proba_", None)
    if proba is None:
        if late is not None:
            return late
        raise ValueError(
            "The estimator has neither out-of-bag predictions nor training dynamics; fit it "
            "with callbacks=[TrainingDynamics()] of skd2ace.training."
        )
    proba = proba if estimator.classes_.ndim == 2 else proba[:, 1:]
    if proba.shape != shape:
        raise _not_the_data(shape, proba.shape)
    return find_frequencies(estimator, proba)


def _read_dynamics(estimator: Any, shape: tuple[int, ...]) -> dict[str, Floats] | None:
    """Dynamics (n, q) of all rows that an estimator was fitted with; NaN where held out."""
    found = [seen for seen in list_callbacks(estimator, TrainingDynamics) if seen.n_passes_]
    if not found:
        return None
    n_passes, moments = found[0].n_passes_, found[0].moments_
    values = {name: tensor.cpu().numpy().astype(np.float64) for name, tensor in moments.items()}
    n_rows, fitted = shape[0], (estimator.n_samples_fit_, values["mean"].shape[1])
    if shape != fitted or not _are_of_all(estimator, values["mean"], n_rows):
        raise _not_the_data(shape, fitted)
    dynamics = {
        "margin": values["margin"],
        "confidence": values["mean"],
        "spread": np.sqrt(values["squares"].clip(min=0) / n_passes),
        "on_side": values["on_side"] / n_passes,
        "forgotten": values["forgotten"],
        "late": values["late"],
    }
    return {name: _spread_out(estimator, part, n_rows) for name, part in dynamics.items()}


def _name_labels(Y: Floats, estimator: Any) -> Any:
    """Labels as a frame where the estimator was fitted with names, which its settings may use."""
    names = getattr(estimator, "label_names_in_", None)
    if names is None:
        return Y
    import pandas as pd

    return pd.DataFrame(Y, columns=names)


def _read_draws(estimator: Any, n_rows: int) -> Floats | None:
    """How often each row (n,) was drawn; NaN where held out, None without a record."""
    recorder = find_recorder(estimator)
    if recorder is None:
        return None
    # Training may have begun anew with other rows.
    latest = [e.draws for e in recorder.epochs_ if len(e.draws) == len(recorder.epochs_[-1].draws)]
    draws = np.stack(latest).sum(0, dtype=np.float64)
    if not _are_of_all(estimator, draws, n_rows):
        return None
    return _spread_out(estimator, draws, n_rows)


def _are_of_all(estimator: Any, part: Any, n_rows: int) -> bool:
    """Whether values are those of the training part of the last fit, of so many rows."""
    rows = estimator.train_indices_
    n_train = n_rows if rows is None else len(rows)
    return n_rows == estimator.n_samples_fit_ and len(part) == n_train


def _spread_out(estimator: Any, part: Any, n_rows: int) -> Floats:
    """Values of all rows, by those of the training part; NaN where held out."""
    rows = estimator.train_indices_
    everything = np.full((n_rows, *part.shape[1:]), np.nan)
    everything[slice(None) if rows is None else rows] = part
    return everything


def _not_the_data(given: tuple[int, ...], fitted: tuple[int, ...]) -> ValueError:
    return ValueError(f"Y has shape {given}, but the estimator was fitted with {fitted}.")

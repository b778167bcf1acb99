"""Validation scores against epochs or seconds."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from ._lines import draw_lines
from ._looks import make_axes, open_frame
from ._metric import find_title


class TrainingCurvesDisplay:
    """Scores by epoch or second, a line for each method, with bands over its runs.

    Made by :meth:`from_results` or :meth:`from_estimators`. It keeps numbers, and draws when
    :meth:`plot` is called. Figure 3 of the D2ACE paper (Liu et al. 2026) is such a picture.

    Parameters
    ----------
    curves : dict of str to DataFrame
        By method; the index is the epoch, or seconds, columns are ``mean``, ``low``, ``high``.
    metric, unit : str
        What the axes are called.

    Attributes
    ----------
    ax_, figure_ : Axes and Figure
        After :meth:`plot`.

    Examples
    --------
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.inspection import TrainingCurvesDisplay
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> est = CLIFClassifier(max_epochs=3, random_state=0, verbose=0).fit(X, Y)
    >>> display = TrainingCurvesDisplay.from_estimators({"CLIF": est})
    >>> display.curves["CLIF"].index.tolist()
    [1, 2, 3]
    """

    def __init__(self, curves: Mapping[str, Any], metric: str, unit: str) -> None:
        self.curves = dict(curves)
        self.metric = metric
        self.unit = unit

    @classmethod
    def from_results(
        cls, results: Any, metric: str = "valid_macro_auc", *, dataset: str | None = None
    ) -> "TrainingCurvesDisplay":
        """Average the curves of the runs of each method.

        Parameters
        ----------
        results : DataFrame
            A row for each epoch of each run: columns ``dataset``, ``method``, ``epoch`` and the
            metric's, as ``Store.curves()`` of the benchmark gives them. By its column
            ``settings``, methods that were run with several are told apart.
        metric : str, default="valid_macro_auc"
        dataset : str, optional
            Not needed where there is only one.

        Returns
        -------
        TrainingCurvesDisplay
            Bands are from the least to the greatest value of the runs.

        Raises
        ------
        ValueError
            If a column is missing, or not one data set is meant.
        """
        from skd2ace._results import check_columns, tell_settings_apart

        check_columns("results", results, ["dataset", "method", "epoch", metric])
        results = tell_settings_apart(results)
        names = list(results["dataset"].unique())
        if dataset is None and len(names) != 1:
            raise ValueError(f"dataset must be given, one of {names}.")
        rows = results[results["dataset"] == (names[0] if dataset is None else dataset)]
        rows = rows.dropna(subset=[metric])
        if rows.empty:
            raise ValueError(f"dataset={dataset!r} has no curve; there are {names}.")
        return cls(average_curves(rows, metric), _name(metric), "Epoch")

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, Any],
        metric: str = "valid_macro_auc",
        *,
        against: Literal["epochs", "seconds"] = "epochs",
    ) -> "TrainingCurvesDisplay":
        """Read the curves out of fitted estimators' histories.

        Parameters
        ----------
        estimators : dict of str to estimator, or to a list of estimators
            By method; of several (of folds, say), mean and band are drawn. Against seconds, only
            single ones.
        metric : str, default="valid_macro_auc"
            Column of the history; ``"oob_macro_auc"`` with TabM.
        against : {"epochs", "seconds"}, default="epochs"
            Seconds of training, validation and selection included, as ``dur`` of the history.

        Returns
        -------
        TrainingCurvesDisplay

        Raises
        ------
        ValueError
            If a history lacks the metric, or several estimators are to be drawn by seconds.
        """
        import pandas as pd

        if against not in ("epochs", "seconds"):
            raise ValueError(f"against must be 'epochs' or 'seconds', got {against!r}.")
        curves = {}
        for name, given in estimators.items():
            fits = list(given) if isinstance(given, list | tuple) else [given]
            if against == "seconds" and len(fits) > 1:
                raise ValueError(f"{name}: several fits have no seconds in common.")
            runs = pd.concat([_read_history(fit, metric, name) for fit in fits], axis=1)
            index = runs.index if against == "epochs" else _add_up_seconds(fits[0])
            curves[name] = pd.DataFrame(
                {
                    "mean": runs.mean(axis=1).to_numpy(),
                    "low": runs.min(axis=1).to_numpy(),
                    "high": runs.max(axis=1).to_numpy(),
                },
                index=index,
            )
        return cls(curves, _name(metric), "Epoch" if against == "epochs" else "Seconds")

    def plot(self, ax: Any = None) -> "TrainingCurvesDisplay":
        """Draw a line for each method; of few methods, bands too.

        Parameters
        ----------
        ax : Axes, optional
            By default of a new figure.

        Returns
        -------
        TrainingCurvesDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        ax = make_axes(ax, (6.4, 3.6))
        open_frame(ax)
        draw_lines(ax, self.curves)
        ax.set(xlabel=self.unit, ylabel=self.metric)
        ax.legend(frameon=False, fontsize=9, handlelength=3)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def average_curves(runs: Any, metric: str) -> dict[str, Any]:
    """By method, the ``mean`` of its runs at each epoch, the least (``low``) and the greatest."""
    return {
        str(method): rows.groupby("epoch")[metric].agg(mean="mean", low="min", high="max")
        for method, rows in runs.groupby("method", sort=False)
    }


def _read_history(estimator: Any, metric: str, name: str) -> Any:
    import pandas as pd

    history = estimator.history
    if not history or metric not in history[-1]:
        raise ValueError(
            f"{name}: its history has no {metric!r}; {sorted(history[-1]) if history else 'empty'}."
        )
    return pd.Series(history[:, metric], index=range(1, len(history) + 1))


def _add_up_seconds(estimator: Any) -> Any:
    return np.cumsum(estimator.history[:, "dur"])


def _name(metric: str) -> str:
    for part, name in (("valid_", "Validation"), ("oob_", "Out-of-bag")):
        if metric.startswith(part):
            return f"{name} {find_title(metric.removeprefix(part))}"
    return find_title(metric)

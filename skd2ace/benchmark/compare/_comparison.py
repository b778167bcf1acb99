"""The comparison that statistics and reports read."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from skd2ace._results import (
    KEYS,
    arrange_runs,
    average_complete,
    check_columns,
    check_frame,
    find_setting,
    list_metrics,
    rank_methods,
)
from skd2ace.inspection import CriticalDifferenceDisplay
from skd2ace.inspection._metric import find_column, find_direction, find_title

from ._differences import find_test_shares, measure_differences
from ._fits import Fits
from ._reference import Reference, choose_reference, find_reference
from ._statistics import (
    FriedmanTest,
    average_over_datasets,
    run_friedman,
    run_wilcoxon,
    tabulate_means,
)

if TYPE_CHECKING:
    from ..run._store import Store

_CURVE = [*KEYS, "epoch", "valid_macro_auc"]


class Comparison:
    """Methods side by side on the same data sets, folds and seeds, by one metric.

    Made once of results or, with :meth:`from_store`, of what a store has. Runs are laid out and
    checked when it is made; means, ranks and tests are computed once, when they are first asked
    for.

    Parameters
    ----------
    results : DataFrame
        A run a row: columns ``dataset``, ``method``, ``fold``, ``seed`` and the metric's. Runs
        without a number (NaN) count as missing. Of the other columns that :meth:`Store.results`
        has, ``split`` is checked: methods must have had the same rows and seed in each fold.
    metric : str, default="macro_auc"
        Column.
    higher_is_better : bool, optional
        By default as the metric is known; metrics of one's own need it.
    reference : str, optional
        The method that the others are compared with. By default that of the best average rank,
        of several the first by name; where nothing can be ranked, that with the most runs.
    curves : DataFrame, optional
        Columns ``dataset``, ``method``, ``fold``, ``seed``, ``epoch`` and ``valid_macro_auc``.
    failures : DataFrame, optional
        Columns ``dataset``, ``method``, ``fold`` and ``seed`` of fits that failed.

    Attributes
    ----------
    results, failures, curves : DataFrame
        What is compared of those given.
    unpaired : DataFrame
        Rows of the results given that are left out, as their folds or seeds were other ones.
    metric, title : str
        The column, and the metric's name for readers.
    higher_is_better : bool
        The metric's direction.
    datasets, methods : list
        In the order of the results.
    runs : dict of str to DataFrame
        Numbers of each data set: a row for each (fold, seed), a column for each method, NaN where
        a method lacks a run.

    Raises
    ------
    TypeError
        If a table is no DataFrame.
    ValueError
        If a column is missing, there is no number, a run occurs twice, methods were fitted on
        different folds or with different seeds, the reference is none of the methods, or the
        direction is unknown.

    Notes
    -----
    Where results have ``settings``, the digest that a store keeps, a name may come with several:

    - Each setting is a method of its own, named by the first six characters of the digest too.
      Settings that do not measure the metric are left out.
    - A reference without a digest stands for the setting of that name with the most runs, of as
      many the newest.
    - Where methods had different folds or seeds on a data set, those stay that had the
      reference's, or else those of the most methods, of as many the newest; the others are
      ``unpaired``, on all data sets. Results without ``settings`` are refused there.

    Examples
    --------
    >>> import pandas as pd
    >>> from skd2ace.benchmark import Comparison
    >>> runs = {"dataset": "yeast", "fold": [0, 1], "seed": 0}
    >>> results = pd.concat([
    ...     pd.DataFrame({**runs, "method": "A", "macro_auc": [0.7, 0.8]}),
    ...     pd.DataFrame({**runs, "method": "B", "macro_auc": [0.6, 0.7]}),
    ... ])
    >>> comparison = Comparison(results)
    >>> comparison.average_ranks.to_dict(), comparison.reference
    ({'A': 1.0, 'B': 2.0}, 'A')
    >>> comparison.differences()["difference"].round(4).to_list()
    [0.1]
    """

    def __init__(
        self,
        results: Any,
        metric: str = "macro_auc",
        *,
        higher_is_better: bool | None = None,
        reference: str | None = None,
        curves: Any = None,
        failures: Any = None,
    ) -> None:
        check_frame("results", results)
        self.metric = metric = find_column(metric, results.columns)
        self.title = find_title(metric)
        self.higher_is_better = find_direction(metric, higher_is_better)
        check_columns("results", results, [*KEYS, metric])
        given = Fits(
            results, _checked("failures", failures, KEYS), _checked("curves", curves, _CURVE)
        )
        named = given.drop_unmeasured(metric).tell_settings_apart()
        first = None if reference is None else find_setting(reference, named.results, metric)
        fits, self.unpaired = named.drop_unpaired(metric, first)
        self.results, self.failures, self.curves = fits
        self.datasets = list(self.results["dataset"].unique())
        self.methods = list(self.results["method"].unique())
        self._reference = (
            None if reference is None else find_reference(reference, self.results, metric)
        )
        self.runs = arrange_runs(self.results, metric)

    @classmethod
    def from_store(
        cls,
        store: "Store",
        metric: str = "macro_auc",
        *,
        datasets: Sequence[str] | None = None,
        methods: Sequence[str] | None = None,
        higher_is_better: bool | None = None,
        reference: str | None = None,
    ) -> "Comparison":
        """Compare what a store has.

        Parameters
        ----------
        store : Store
            Of an experiment's results.
        metric : str, default="macro_auc"
            One that is stored.
        datasets : sequence of str, optional
            Only these, in capitals or not; by default all.
        methods : sequence of str, optional
            Only these; by default all. "clif d2ace" stands for all settings that were run by this
            name, "clif d2ace 0a1b2c" for those whose digest begins so.
        higher_is_better, reference
            As for the class.

        Returns
        -------
        Comparison
            With the store's curves and failures.

        Raises
        ------
        ValueError
            If the store has no such metric, data set or method, nothing of them has succeeded,
            and as the class.
        """
        fits = Fits(store.results(), store.failures(), store.curves()).choose_datasets(datasets)
        if not fits.results.empty:
            metric = _find_stored(fits.results, metric)
            fits = fits.drop_unmeasured(metric)
        fits = fits.tell_settings_apart().choose_methods(methods)
        if fits.results.empty:
            raise ValueError(f"no fit of these has succeeded; {len(fits.failures)} failed")
        return cls(
            fits.results,
            metric,
            higher_is_better=higher_is_better,
            reference=reference,
            curves=fits.curves,
            failures=fits.failures,
        )

    @cached_property
    def mean_table(self) -> Any:
        """Mean, standard deviation and number of runs, as of :func:`mean_table`."""
        return tabulate_means(self.runs)

    @cached_property
    def complete_means(self) -> Any:
        """Means on the data sets on which all methods have all runs: data sets x methods.

        ``attrs["left_out"]`` maps the other data sets to the methods that lack runs. A ValueError
        says that none is left, here and in what is made of these means.
        """
        return average_complete(self.runs, self.title)

    @cached_property
    def ranks(self) -> Any:
        """Rank of each method on each of these data sets, as of :func:`ranks`."""
        return rank_methods(self.complete_means, self.higher_is_better)

    @cached_property
    def average_ranks(self) -> Any:
        """Average rank of each method, as of :func:`average_ranks`."""
        return average_over_datasets(self.ranks)

    @cached_property
    def chosen_reference(self) -> Reference:
        """The method that the others are compared with, and why it is where that was not said."""
        if self._reference is not None:
            return self._reference
        try:
            average_ranks = self.average_ranks
        except ValueError:
            average_ranks = None
        return choose_reference(average_ranks, self.mean_table["n_runs"].sum())

    @property
    def reference(self) -> Any:
        """The method that the others are compared with."""
        return self.chosen_reference.method

    def friedman(self) -> FriedmanTest:
        """Test whether methods rank differently over data sets.

        Returns
        -------
        FriedmanTest
            As of :func:`skd2ace.benchmark.friedman`.

        Raises
        ------
        ValueError
            With fewer than three methods or two data sets of :attr:`complete_means`.
        """
        return run_friedman(self.ranks)

    def wilcoxon(self, *, correction: str | None = None) -> Any:
        """Test the reference against each other method over data sets.

        Parameters
        ----------
        correction : {None, "holm"}, default=None
            Whether p-values are adjusted for the number of comparisons.

        Returns
        -------
        DataFrame
            As of :func:`skd2ace.benchmark.wilcoxon_against`.

        Raises
        ------
        ValueError
            If there is no other method, the correction is unknown, or no data set is left.
        """
        return run_wilcoxon(self.complete_means, self.reference, self.higher_is_better, correction)

    def differences(self, *, confidence: float = 0.95) -> Any:
        """Measure by how much the reference is better on each data set, with intervals.

        Parameters
        ----------
        confidence : float, default=0.95
            Of the intervals, between 0 and 1.

        Returns
        -------
        DataFrame
            As of :func:`skd2ace.benchmark.differences`.

        Raises
        ------
        ValueError
            If there is no other method, or ``confidence`` is out of range.
        """
        shares = find_test_shares(self.results, self.runs)
        return measure_differences(
            self.runs, shares, self.reference, self.higher_is_better, confidence
        )

    def critical_difference(self, *, alpha: float = 0.05) -> CriticalDifferenceDisplay:
        """Compute which methods Nemenyi's test can tell apart, to be drawn.

        Parameters
        ----------
        alpha : float, default=0.05
            Level of significance.

        Returns
        -------
        CriticalDifferenceDisplay
            Of :attr:`complete_means`.

        Raises
        ------
        ValueError
            As :meth:`skd2ace.inspection.CriticalDifferenceDisplay.from_results`.
        """
        return CriticalDifferenceDisplay.from_results(
            self.complete_means, higher_is_better=self.higher_is_better, alpha=alpha
        )


def _checked(name: str, table: Any, columns: list[str]) -> Any:
    """Return a table that has these columns; an empty one where none is given."""
    if table is None or (name == "curves" and not len(table)):
        return pd.DataFrame(columns=columns)
    check_columns(name, table, columns)
    return table


def _find_stored(results: Any, metric: str) -> str:
    stored = list_metrics(results["described"].dropna().unique())
    column = find_column(metric, stored)
    if column not in stored:
        raise ValueError(f"the store has no metric {metric!r}, but {', '.join(stored)}")
    return column

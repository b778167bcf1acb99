"""Which fits are compared: of the data sets, methods, settings and folds that are meant."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pandas as pd

from skd2ace._results import (
    check_unique,
    find_given_names,
    find_unpaired,
    list_metrics,
    tell_settings_apart,
)


class Fits(NamedTuple):
    """Fits that succeeded, those that failed, and the validation curves of the former.

    Each step returns what is left, and leaves tables that lack the columns it goes by as they are.
    """

    results: Any
    failures: Any
    curves: Any

    def choose_datasets(self, names: Sequence[str] | None) -> "Fits":
        """Keep data sets by name, whatever the capitals; all of them where no names are given."""
        return self._choose("dataset", names, lambda rows: rows["dataset"].str.lower(), str.lower)

    def choose_methods(self, names: Sequence[str] | None) -> "Fits":
        """Keep methods by name; one without a digest stands for all its settings."""
        return self._choose("method", names, find_given_names, str)

    def drop_unmeasured(self, metric: str) -> "Fits":
        """Leave out settings that do not measure the metric, unless none does."""
        results = self.results
        if not {"settings", "described"} <= set(results):
            return self
        valueless = results.groupby("settings").filter(lambda rows: rows[metric].isna().all())
        lost = _find_unmeasured(valueless, metric)
        measured = list_metrics(results["described"].dropna().unique())
        if metric in measured and "described" in self.failures:
            # What failed before there were descriptions may have measured it.
            failures = self.failures.dropna(subset=["described"])
            never = failures[~failures["settings"].isin(results["settings"])]
            lost |= _find_unmeasured(never, metric)
        if set(results["settings"]) <= lost:
            return self
        return self._keep(lambda rows: ~rows["settings"].isin(lost))

    def tell_settings_apart(self) -> "Fits":
        """Name methods that were run with several settings by the digest of these too."""
        # Of those that failed too; a curve's are always among them.
        known = [table[["method", "settings"]] for table in self[:2] if "settings" in table]
        if not known:
            return self
        fits = pd.concat(known)
        return Fits(*(tell_settings_apart(table, fits) for table in self))

    def drop_unpaired(self, metric: str, first: str | None) -> tuple["Fits", Any]:
        """Leave out methods that had other folds or seeds than the rest on a data set.

        Returns
        -------
        tuple of Fits and DataFrame
            What is left, and the rows of results that are not.
        """
        results = self.results
        if not {"settings", "split"} <= set(results):
            return self, results.iloc[:0]
        check_unique(results)
        lost = set(find_unpaired(results.dropna(subset=[metric, "split"]), first))
        left = self._keep(lambda rows: ~rows["method"].isin(lost))
        return left, results[results["method"].isin(lost)]

    def _choose(
        self,
        column: str,
        names: Sequence[str] | None,
        find_aliases: Callable[[Any], Any],
        make_alias: Callable[[str], str],
    ) -> "Fits":
        if names is None:
            return self
        # Plain baselines have no curves, and what always failed has no results.
        known = [
            pair
            for table in self[:2]
            for pair in zip(table[column], find_aliases(table), strict=True)
        ]
        kept: set[str] = set()
        for name in names:
            meant = {
                stored for stored, alias in known if name == stored or make_alias(name) == alias
            }
            if not meant:
                others = ", ".join(sorted({stored for stored, _ in known}))
                raise ValueError(f"the store has no {column} {name!r}, but {others}")
            kept |= meant
        return Fits(*(table[table[column].isin(kept)] for table in self))

    def _keep(self, find_kept: Callable[[Any], Any]) -> "Fits":
        return Fits(*(rows[find_kept(rows)] if "settings" in rows else rows for rows in self))


def _find_unmeasured(table: Any, metric: str) -> set[str]:
    """Find the settings in a table whose descriptions do not name the metric."""
    described = table.groupby("settings")["described"]
    return {
        digest for digest, texts in described if metric not in list_metrics(texts.dropna().unique())
    }

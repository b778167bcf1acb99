"""Data sets of MULAN, as the benchmark takes them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skd2ace.datasets import (
    MulanSet,
    drop_rare_labels,
    drop_unlabelled,
    fetch_mulan,
    mulan_registry,
    select_top_features,
)
from skd2ace.datasets._mulan import is_here


@dataclass(frozen=True)
class MulanSource:
    """What loads a data set: the features that the papers keep, and labels frequent enough.

    Parameters
    ----------
    entry : MulanSet
    data_home : Path or None
        As for :func:`~skd2ace.datasets.fetch_mulan`.
    min_positives : int or None
        Instances that a label must have; None keeps all labels.
    """

    entry: MulanSet
    data_home: Path | None
    min_positives: int | None

    def __call__(self) -> tuple[Any, Any]:
        """Load X and Y."""
        X, Y = fetch_mulan(self.entry.name, data_home=self.data_home, return_X_y=True)
        # Some editions have no others.
        if self.entry.top_fraction and X.shape[1] > self.entry.n_features:
            X = select_top_features(X, self.entry.top_fraction)
        if self.min_positives is not None:
            X, Y = drop_unlabelled(X, drop_rare_labels(Y, self.min_positives))
        return X, Y


def find_mulan(
    names: Iterable[str], data_home: Path | None = None, min_positives: int | None = None
) -> dict[str, MulanSource]:
    """Find data sets by their names, in capitals or not, and name them as the registry does.

    Raises
    ------
    ValueError
        If there is none of a name.
    """
    known = {entry.name.lower(): entry for entry in mulan_registry().values()}
    if unknown := [name for name in names if name.lower() not in known]:
        raise ValueError(
            f"no data set {unknown[0]!r}; see `python -m skd2ace.benchmark list`, or "
            "skd2ace.datasets.mulan_registry()"
        )
    entries = [known[name.lower()] for name in names]
    return {entry.name: MulanSource(entry, data_home, min_positives) for entry in entries}


def fetch_missing(sources: Iterable[Any]) -> None:
    """Download MULAN's sets that are not on the disk, before anybody waits for fits on the others.

    Raises
    ------
    ValueError
        If a set cannot be had; the others that are missing are named too.
    """
    missing = [
        source
        for source in sources
        if isinstance(source, MulanSource) and not is_here(source.entry, source.data_home)
    ]
    # Those first that need no attempt to be told of.
    missing.sort(key=lambda source: source.entry.is_downloadable)
    for number, source in enumerate(missing):
        try:
            fetch_mulan(source.entry.name, data_home=source.data_home)
        except (OSError, ImportError) as error:
            told = [str(error)]
            if others := [other.entry.name for other in missing[number + 1 :]]:
                told.append(f"Not here either: {', '.join(others)}.")
            if source.data_home is None and not os.environ.get("SKD2ACE_DATA"):
                told.append("SKD2ACE_DATA is not set.")
            raise ValueError(" ".join(told)) from error

"""Data sets that the benchmark knows by name: MULAN's, one that is made up, and images."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skd2ace.datasets import drop_rare_labels, drop_unlabelled, make_mixed_table

from ._image_sources import IMAGE_SETS, ImageSource
from ._mulan import find_mulan

MIXED_TABLE = "mixed-table"
_SEED = 0


@dataclass(frozen=True)
class MixedTableSource:
    """What makes the table of :func:`~skd2ace.datasets.make_mixed_table`, always the same.

    Parameters
    ----------
    min_positives : int or None
        Instances that a label must have; None keeps all labels.
    """

    min_positives: int | None

    def __call__(self) -> tuple[Any, Any]:
        """Make X and Y."""
        X, Y = make_mixed_table(random_state=_SEED)
        if self.min_positives is not None:
            X, Y = drop_unlabelled(X, drop_rare_labels(Y, self.min_positives))
        return X, Y


def find_sources(
    names: Iterable[str], data_home: Path | None = None, min_positives: int | None = None
) -> dict[str, Callable[[], tuple[Any, Any]]]:
    """Find data sets by their names, as :func:`find_mulan` does.

    Raises
    ------
    ValueError
        If there is none of a name.
    """
    sources: dict[str, Callable[[], tuple[Any, Any]]] = {}
    for name in names:
        if name.lower() == MIXED_TABLE:
            sources[MIXED_TABLE] = MixedTableSource(min_positives)
        elif name.lower() in IMAGE_SETS:
            sources[name.lower()] = ImageSource(name.lower(), data_home)
        else:
            sources |= find_mulan([name], data_home, min_positives)
    return sources

"""Ranks of methods on datasets."""

from typing import Any

# Means that are equal on paper may differ by rounding: they must tie all the same.
DECIMALS = 12


def rank_methods(means: Any, higher_is_better: bool) -> Any:
    """Rank methods (columns) on each dataset (row); 1 is the best, ties share their average."""
    sign = -1 if higher_is_better else 1
    ranked = (sign * means.round(DECIMALS)).rank(axis=1, method="average")
    ranked.attrs = dict(means.attrs)
    return ranked

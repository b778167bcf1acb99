"""Frames of results, a fit a row: checked, settings told apart, laid out to be compared.

What displays and the benchmark both read, so it stands below both. Needs pandas.
"""

from ._columns import KEYS, check_columns, check_frame
from ._pairs import find_unpaired
from ._ranks import DECIMALS, rank_methods
from ._runs import (
    arrange_runs,
    average_complete,
    check_unique,
    is_table_of_means,
    list_lacking,
    read_means,
)
from ._settings import (
    find_given_names,
    find_selectors,
    find_setting,
    list_metrics,
    tell_how_they_differ,
    tell_settings_apart,
)

__all__ = [
    "DECIMALS",
    "KEYS",
    "arrange_runs",
    "average_complete",
    "check_columns",
    "check_frame",
    "check_unique",
    "find_given_names",
    "find_selectors",
    "find_setting",
    "find_unpaired",
    "is_table_of_means",
    "list_lacking",
    "list_metrics",
    "rank_methods",
    "read_means",
    "tell_how_they_differ",
    "tell_settings_apart",
]

"""What is known of metrics: which values are better, and what a reader calls them."""

from typing import Any

from skd2ace._renamed import warn_of_old_name
from skd2ace.metrics._records import METRICS, RENAMED, Metric

# What the columns begin with of metrics of labels at thresholds that were tuned.
_TUNED = "tuned_"


def find_title(metric: str | None) -> str:
    """Name of a metric for readers; that of a column, where no more is known."""
    known = _find_metric(metric)
    if known is None:
        return str(metric)
    return f"{known.title} at tuned thresholds" if _is_tuned(metric) else known.title


def find_direction(metric: str | None, higher_is_better: bool | None) -> bool:
    """Whether more is better: as told, or else as is known of the metric.

    Raises
    ------
    ValueError
        If neither says so.
    """
    if higher_is_better is not None:
        return higher_is_better
    known = _find_metric(metric)
    if known is None:
        raise ValueError(
            f"higher_is_better must be given for metric={metric!r}; known are "
            f"{', '.join(METRICS)}. (On the command line, say with --better which values of "
            f"{metric} are the better ones.)"
        )
    return known.higher_is_better


def find_column(metric: str, columns: Any) -> str:
    """Find the column of a metric: by its name, or by its new one where it is given the old."""
    new = find_new_name(metric)
    if metric in columns or new not in columns:
        return metric
    warn_of_old_name(metric, new)
    return new


def find_new_name(metric: str | None) -> str:
    """Find what a metric is called now; tables of version 0.1 have its names."""
    return RENAMED.get(str(metric), str(metric))


def _find_metric(metric: str | None) -> Metric | None:
    return METRICS.get(find_new_name(metric).removeprefix(_TUNED))


def _is_tuned(metric: str | None) -> bool:
    return str(metric).startswith(_TUNED)

"""Probabilities from which labels are predicted."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skd2ace._containers import order_by_names, read_container
from skd2ace.metrics import best_thresholds
from skd2ace.training._out_of_bag import HeldOut

# Of a label that a dict of thresholds does not name, or of which tuning learns nothing.
_DEFAULT = 0.5


def read_thresholds(est: Any, n_labels: int) -> NDArray[np.float64]:
    """Thresholds that labels are predicted by: one number (), or one for each label (q,).

    Raises
    ------
    ValueError
        If they are not in [0, 1], or not as many as labels; if some are of names that no label
        has, or a Series by names lacks some; or if they are to be tuned and were not.
    """
    threshold = est.threshold
    if isinstance(threshold, str):
        if not hasattr(est, "thresholds_"):
            raise ValueError('threshold="tune" must be set before fit.')
        tuned: NDArray[np.float64] = est.thresholds_
        return tuned
    if isinstance(threshold, Mapping):
        threshold = _by_name(threshold, getattr(est, "label_names_in_", None))
    else:
        threshold = read_by_label(est, "threshold")
    try:
        thresholds = np.asarray(read_container(threshold), dtype=np.float64)
    except (TypeError, ValueError):
        thresholds = np.array(np.nan)
    in_range = np.all((thresholds >= 0) & (thresholds <= 1))
    if thresholds.shape not in ((), (n_labels,)) or not in_range:
        raise ValueError(
            f"threshold must be in [0, 1], one number or one for each of the {n_labels} "
            f"labels, got {est.threshold!r}."
        )
    return thresholds


def read_by_label(est: Any, parameter: str) -> Any:
    """Value of a parameter, of which a Series by names is in the labels' order.

    Where labels have lost their names, in files and in copies that are fitted on arrays, it is to
    be given so.

    Raises
    ------
    ValueError
        If it is a Series by names other than those of all labels.
    """
    names = getattr(est, "label_names_in_", None)
    return order_by_names(getattr(est, parameter), names, parameter)


def check_thresholds(est: Any, n_labels: int) -> None:
    """Raise a ValueError unless they are to be tuned, or can be read."""
    if not isinstance(est.threshold, str):
        read_thresholds(est, n_labels)


def tune_thresholds(est: Any, seen: HeldOut) -> NDArray[np.float64]:
    """Find the thresholds (q,) that are best by the estimator's metric, counted by weight."""
    return best_thresholds(
        seen.Y,
        seen.proba,
        metric=est.threshold_metric,
        default=_DEFAULT,
        sample_weight=seen.weight,
    )


def _by_name(thresholds: Mapping[str, Any], names: NDArray | None) -> list[Any]:
    if names is None:
        raise ValueError(
            "threshold by names needs labels with names: give Y to fit as a DataFrame, or one "
            "threshold for each label."
        )
    unknown = [name for name in thresholds if name not in set(names)]
    if unknown:
        raise ValueError(
            f"threshold names {unknown[0]!r}, which is no label; those are "
            f"{', '.join(map(repr, names[:5]))}{', ...' if len(names) > 5 else ''}."
        )
    return [thresholds.get(name, _DEFAULT) for name in names]

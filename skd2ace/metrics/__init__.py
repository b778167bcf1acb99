"""Multi-label metrics and scorers: scikit-learn's own, by its names, wherever it has one.

All take labels out of any container, NaN where they are not known, and ``sample_weight`` (n,) or
(n, q). What has weight 0, or is not known, leaves everything, whatever it holds.

The ``*_scorer`` objects go into ``GridSearchCV(scoring=...)`` and skorch's ``EpochScoring``.
Under metadata routing a copy is asked for weights:
``copy(macro_auc_scorer).set_score_request(sample_weight=True)``.
"""

from typing import TYPE_CHECKING, Any

from skd2ace._renamed import warn_of_old_name

from ._calibration import expected_calibration_error
from ._f1 import macro_f1, micro_f1
from ._ranking import macro_auc, mean_average_precision, one_error, roc_auc_per_label
from ._records import RENAMED
from ._scikit_learn import (
    coverage_error,
    hamming_loss,
    label_ranking_average_precision_score,
    label_ranking_loss,
)
from ._scorers import (
    coverage_error_scorer,
    expected_calibration_error_scorer,
    hamming_loss_scorer,
    label_ranking_average_precision_score_scorer,
    label_ranking_loss_scorer,
    macro_auc_scorer,
    macro_f1_scorer,
    mean_average_precision_scorer,
    micro_f1_scorer,
    one_error_scorer,
)
from ._thresholds import best_f1_thresholds, best_thresholds

__all__ = [
    "best_f1_thresholds",
    "best_thresholds",
    "coverage_error",
    "coverage_error_scorer",
    "expected_calibration_error",
    "expected_calibration_error_scorer",
    "hamming_loss",
    "hamming_loss_scorer",
    "label_ranking_average_precision_score",
    "label_ranking_average_precision_score_scorer",
    "label_ranking_loss",
    "label_ranking_loss_scorer",
    "macro_auc",
    "macro_auc_scorer",
    "macro_f1",
    "macro_f1_scorer",
    "mean_average_precision",
    "mean_average_precision_scorer",
    "micro_f1",
    "micro_f1_scorer",
    "one_error",
    "one_error_scorer",
    "roc_auc_per_label",
]

# For mypy a module with such a function has every name that anybody misspells.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        stem, scorer = name.removesuffix("_scorer"), name.endswith("_scorer") * "_scorer"
        if stem not in RENAMED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        new = RENAMED[stem] + scorer
        warn_of_old_name(f"{__name__}.{name}", f"{__name__}.{new}")
        return globals()[new]

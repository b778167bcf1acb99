"""Multi-label metrics and scorers: scikit-learn's own wherever it has one.

The ``*_scorer`` objects go into ``GridSearchCV(scoring=...)`` and skorch's ``EpochScoring``.
"""

from sklearn.metrics import coverage_error as coverage
from sklearn.metrics import hamming_loss
from sklearn.metrics import label_ranking_average_precision_score as label_ranking_average_precision
from sklearn.metrics import label_ranking_loss as ranking_loss

from ._f1 import best_f1_thresholds, macro_f1, micro_f1
from ._ranking import macro_auc, one_error, roc_auc_per_label
from ._scorers import (
    coverage_scorer,
    hamming_loss_scorer,
    label_ranking_average_precision_scorer,
    macro_auc_scorer,
    macro_f1_scorer,
    micro_f1_scorer,
    one_error_scorer,
    ranking_loss_scorer,
)

__all__ = [
    "best_f1_thresholds",
    "coverage",
    "coverage_scorer",
    "hamming_loss",
    "hamming_loss_scorer",
    "label_ranking_average_precision",
    "label_ranking_average_precision_scorer",
    "macro_auc",
    "macro_auc_scorer",
    "macro_f1",
    "macro_f1_scorer",
    "micro_f1",
    "micro_f1_scorer",
    "one_error",
    "one_error_scorer",
    "ranking_loss",
    "ranking_loss_scorer",
    "roc_auc_per_label",
]

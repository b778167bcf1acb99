"""What is known of each metric: scorers, tables and the benchmark's command are made of this."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from sklearn.metrics import make_scorer

from ._calibration import expected_calibration_error
from ._f1 import macro_f1, micro_f1
from ._ranking import macro_auc, mean_average_precision, one_error
from ._scikit_learn import (
    coverage_error,
    hamming_loss,
    label_ranking_average_precision_score,
    label_ranking_loss,
)


class Metric(NamedTuple):
    """A metric and the facts about it."""

    function: Callable[..., float]
    """Of the true labels (n, q) and of what the response is."""
    response: Literal["predict_proba", "predict"]
    """The method of a classifier whose answer is measured."""
    higher_is_better: bool
    title: str
    """For readers."""
    is_default: bool = True
    """Whether experiments compute it that name no metrics. A metric added to these makes their
    settings others than those of the fits that are stored."""

    def scorer(self) -> Any:
        """Make the scorer for grid searches and callbacks; of a loss it gives the negative."""
        return make_scorer(
            self.function,
            response_method=self.response,
            greater_is_better=self.higher_is_better,
        )


METRICS = {
    metric.function.__name__: metric
    for metric in (
        Metric(macro_auc, "predict_proba", True, "Macro-AUC"),
        Metric(micro_f1, "predict", True, "Micro-F1"),
        Metric(macro_f1, "predict", True, "Macro-F1"),
        Metric(
            label_ranking_average_precision_score,
            "predict_proba",
            True,
            "Label ranking average precision",
        ),
        Metric(label_ranking_loss, "predict_proba", False, "Ranking loss"),
        Metric(hamming_loss, "predict", False, "Hamming loss"),
        Metric(one_error, "predict_proba", False, "One-error"),
        Metric(coverage_error, "predict_proba", False, "Coverage"),
        Metric(
            expected_calibration_error,
            "predict_proba",
            False,
            "Expected calibration error",
            is_default=False,
        ),
        Metric(
            mean_average_precision,
            "predict_proba",
            True,
            "Mean average precision",
            is_default=False,
        ),
    )
}
"""All metrics of one number, by name."""

RENAMED = {
    "coverage": "coverage_error",
    "ranking_loss": "label_ranking_loss",
    "label_ranking_average_precision": "label_ranking_average_precision_score",
}
"""What version 0.1 called them, and stored them as, and what they are called now."""

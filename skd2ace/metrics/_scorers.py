"""Scorers for grid searches and callbacks; of losses the negative, so that larger is better."""

from ._records import METRICS

macro_auc_scorer = METRICS["macro_auc"].scorer()
micro_f1_scorer = METRICS["micro_f1"].scorer()
macro_f1_scorer = METRICS["macro_f1"].scorer()
label_ranking_average_precision_score_scorer = METRICS[
    "label_ranking_average_precision_score"
].scorer()
label_ranking_loss_scorer = METRICS["label_ranking_loss"].scorer()
hamming_loss_scorer = METRICS["hamming_loss"].scorer()
one_error_scorer = METRICS["one_error"].scorer()
coverage_error_scorer = METRICS["coverage_error"].scorer()
expected_calibration_error_scorer = METRICS["expected_calibration_error"].scorer()
mean_average_precision_scorer = METRICS["mean_average_precision"].scorer()

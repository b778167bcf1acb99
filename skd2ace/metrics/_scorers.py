"""Scorers for grid searches and callbacks; of losses the negative, so that larger is better."""

from sklearn.metrics import (
    coverage_error,
    hamming_loss,
    label_ranking_average_precision_score,
    label_ranking_loss,
    make_scorer,
)

from ._f1 import macro_f1, micro_f1
from ._ranking import macro_auc, one_error

macro_auc_scorer = make_scorer(macro_auc, response_method="predict_proba")
label_ranking_average_precision_scorer = make_scorer(
    label_ranking_average_precision_score, response_method="predict_proba"
)
ranking_loss_scorer = make_scorer(
    label_ranking_loss, response_method="predict_proba", greater_is_better=False
)
coverage_scorer = make_scorer(
    coverage_error, response_method="predict_proba", greater_is_better=False
)
one_error_scorer = make_scorer(one_error, response_method="predict_proba", greater_is_better=False)
macro_f1_scorer = make_scorer(macro_f1)
micro_f1_scorer = make_scorer(micro_f1)
hamming_loss_scorer = make_scorer(hamming_loss, greater_is_better=False)

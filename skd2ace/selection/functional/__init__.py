"""The formulas of batch selection: pure functions on tensors, without state.

Throughout, n is the number of instances, q of labels and w of history entries. Every function
works on whole tensors, on the device of what it is given, and in its floating-point type unless it
says otherwise; ``balancing_weights`` draws from the generator that it is given. Where a function
takes ``known``, (n, q) of bool, sums, means and counts leave out the cells where it is False,
whatever they hold, and nothing is scaled in return; empty ones are 0; None: all is known. Numbers
of equations are those of the D2ACE paper [1]_ unless another source is named. Where a function
takes ``variant``, ``"paper"`` is what the equations say and ``"reference"`` what the authors'
published code computes.

References
----------
.. [1] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and Adaptive
   Correlation Enhancement. IJCAI-ECAI.
"""

from ._blocks import row_blocks
from ._held_out import clipped_cross_entropy, neighbor_frequencies
from ._imbalance import balancing_weights, closest_labels, imbalance_weights, local_imbalance
from ._information import mutual_information
from ._known import keep_known, known_mean
from ._neighbors import NeighborSearch, local_labels
from ._oversampling import copy_minorities, repeat_factors
from ._pruning import below_mean, percentile_chances
from ._sampling import (
    exp3_probabilities,
    loss_probabilities,
    mixing_coefficient,
    proportional_probabilities,
    rank_probabilities,
    sampling_probabilities,
    selection_pressure,
    softmax_probabilities,
)
from ._scores import (
    binary_entropy,
    fluctuation,
    prediction_deviation,
    uncertainty,
)
from ._variants import hardness, instance_weights, label_correlation, update_flip_rate
from ._weights import label_weights

__all__ = [
    "NeighborSearch",
    "balancing_weights",
    "below_mean",
    "binary_entropy",
    "clipped_cross_entropy",
    "closest_labels",
    "copy_minorities",
    "exp3_probabilities",
    "fluctuation",
    "hardness",
    "imbalance_weights",
    "instance_weights",
    "keep_known",
    "known_mean",
    "label_correlation",
    "label_weights",
    "local_imbalance",
    "local_labels",
    "loss_probabilities",
    "mixing_coefficient",
    "mutual_information",
    "neighbor_frequencies",
    "percentile_chances",
    "prediction_deviation",
    "proportional_probabilities",
    "rank_probabilities",
    "repeat_factors",
    "row_blocks",
    "sampling_probabilities",
    "selection_pressure",
    "softmax_probabilities",
    "uncertainty",
    "update_flip_rate",
]

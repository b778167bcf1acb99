"""The formulas of batch selection: pure functions on tensors, without state.

Throughout, n is the number of instances, q of labels and w of history entries. Every function
works on whole tensors, on the device and in the floating-point type of what it is given. Numbers
of equations are those of the D2ACE paper [1]_. Where a function takes ``variant``, ``"paper"``
is what the equations say and ``"reference"`` what the authors' published code computes.

References
----------
.. [1] Liu et al. (2026). D2ACE: Multi-Label Batch Selection Guided by Dual Dynamics and Adaptive
   Correlation Enhancement. IJCAI-ECAI.
"""

from ._neighbors import local_labels
from ._sampling import mixing_coefficient, sampling_probabilities, selection_pressure
from ._scores import binary_entropy, fluctuation, hardness, uncertainty, update_flip_rate
from ._weights import instance_weights, label_correlation, label_weights

__all__ = [
    "binary_entropy",
    "fluctuation",
    "hardness",
    "instance_weights",
    "label_correlation",
    "label_weights",
    "local_labels",
    "mixing_coefficient",
    "sampling_probabilities",
    "selection_pressure",
    "uncertainty",
    "update_flip_rate",
]

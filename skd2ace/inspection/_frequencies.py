"""Frequencies of labels, where positives count more than negatives in a loss."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from skd2ace.training._logits import find_logit_shift

Floats = NDArray[np.float64]


def find_frequencies(estimator: Any, proba: Floats) -> Floats:
    """Take back what weights of positives, and a calibration, have made of out-of-bag frequencies.

    Where there are no such weights, probabilities (n, q) stay as they are.
    """
    shift = find_logit_shift(estimator).double().numpy()
    temperature = getattr(estimator, "temperature_", 1.0)
    if not shift.any():
        return proba
    if hasattr(estimator, "intercept_"):
        # It has taken back what all labels have in common.
        return divide_odds(proba, np.exp((shift - shift.mean()) / temperature))
    # A temperature alone only makes up for the weights, as well as it can.
    return divide_odds(expit(logit(proba) * temperature), np.exp(shift))


def divide_odds(proba: Floats, factors: NDArray[np.floating]) -> Floats:
    """Probabilities whose odds are divided by a factor (q,) above 0 for each label.

    A loss that counts a positive as so many negatives is lowest where the odds are as many times
    those of the frequencies: Elkan (2001), The foundations of cost-sensitive learning, IJCAI.
    """
    divided: Floats = proba / (proba + factors * (1 - proba))
    return divided

"""The temperature at which probabilities are nearest to how often labels are relevant."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from skd2ace._weights import per_cell
from skd2ace.training._out_of_bag import HeldOut

# Where all instances are predicted rightly, or at random, there is no best one.
_RANGE = (0.05, 20.0)
# At probabilities of 0 and 1 logits are infinite.
_SMALLEST = 1e-12


def fit_temperature(seen: HeldOut) -> float:
    """Find the temperature with the lowest cross-entropy of known cells, by weight.

    The logits of all labels are divided by it (Guo et al., 2017), between 1/20 and 20; 1 where
    nothing counts.
    """
    known = ~(np.isnan(seen.Y) | np.isnan(seen.proba))
    weight = np.ones(seen.Y.shape)
    if seen.weight is not None:
        weight = np.broadcast_to(per_cell(seen.weight), seen.Y.shape)
    Y, logits, weight = seen.Y[known], _logits(seen.proba[known]), weight[known]
    if not weight.any():
        return 1.0

    def cross_entropy(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float(np.average(np.logaddexp(0, scaled) - Y * scaled, weights=weight))

    # Convex in 1 / T, and so of one minimum in log T.
    found = minimize_scalar(cross_entropy, bounds=np.log(_RANGE), method="bounded")
    return float(np.exp(found.x))


def read_temperature(est: Any) -> float:
    """Read the temperature that an estimator found.

    Raises
    ------
    ValueError
        If there is none, since ``calibration`` was set after the fit.
    """
    if not hasattr(est, "temperature_"):
        raise ValueError('calibration="temperature" must be set before fit.')
    temperature: float = est.temperature_
    return temperature


def scale_probabilities(proba: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities whose logits are divided by a temperature; NaN stays NaN."""
    scaled: NDArray[np.float64] = expit(_logits(proba) / temperature)
    return scaled


def _logits(proba: NDArray[np.float64]) -> NDArray[np.float64]:
    logits: NDArray[np.float64] = logit(proba.clip(_SMALLEST, 1 - _SMALLEST))
    return logits

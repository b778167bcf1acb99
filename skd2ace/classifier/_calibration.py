"""A line through all logits that brings probabilities near to how often labels are relevant."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logit

from skd2ace._weights import per_cell
from skd2ace.training._out_of_bag import HeldOut

Floats = NDArray[np.float64]

# Where all instances are predicted rightly, or at random, there is no best one.
_RANGE = (0.05, 20.0)
_FURTHEST = 20.0
# At probabilities of 0 and 1 logits are infinite.
_SMALLEST = 1e-12


def fit_temperature(seen: HeldOut) -> float:
    """Find the temperature with the lowest cross-entropy of known cells, by weight.

    The logits of all labels are divided by it (Guo et al., 2017), between 1/20 and 20; 1 where
    nothing counts.
    """
    Y, logits, weight = _find_cells(seen)
    if not weight.any():
        return 1.0

    def cross_entropy(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float(np.average(np.logaddexp(0, scaled) - Y * scaled, weights=weight))

    # Convex in 1 / T, and so of one minimum in log T.
    found = minimize_scalar(cross_entropy, bounds=np.log(_RANGE), method="bounded")
    return float(np.exp(found.x))


def fit_sigmoid(seen: HeldOut) -> tuple[float, float]:
    """Find the temperature and intercept with the lowest cross-entropy of known cells, by weight.

    Of all labels together (Platt, 1999): the logits are divided by the one, between 1/20 and 20,
    and added to the other, between -20 and 20; 1 and 0 where nothing counts.
    """
    Y, logits, weight = _find_cells(seen)
    if not weight.any():
        return 1.0, 0.0
    weight = weight / weight.sum()

    def cross_entropy(line: Floats) -> tuple[float, Floats]:
        scaled = line[0] * logits + line[1]
        residual = weight * (expit(scaled) - Y)
        loss = weight @ (np.logaddexp(0, scaled) - Y * scaled)
        return float(loss), np.array([residual @ logits, residual.sum()])

    # Convex in both. It ends by the gradient: where cells are nearly separable a step may gain
    # little and still be far from the end.
    slope, intercept = minimize(
        cross_entropy,
        [1.0, 0.0],
        jac=True,
        bounds=[(1 / _RANGE[1], 1 / _RANGE[0]), (-_FURTHEST, _FURTHEST)],
        method="L-BFGS-B",
        options={"ftol": 0, "gtol": 1e-10, "maxiter": 2000},
    ).x
    return float(1 / slope), float(intercept)


def read_calibration(est: Any) -> tuple[float, float]:
    """Read the temperature and the intercept that an estimator found.

    Raises
    ------
    ValueError
        If there are none, since ``calibration`` was set after the fit.
    """
    has_intercept = hasattr(est, "intercept_")
    if not hasattr(est, "temperature_") or has_intercept != (est.calibration == "sigmoid"):
        raise ValueError(f'calibration="{est.calibration}" must be set before fit.')
    return est.temperature_, est.intercept_ if has_intercept else 0.0


def calibrate_probabilities(proba: Floats, temperature: float, intercept: float) -> Floats:
    """Probabilities whose logits are moved along the line; NaN stays NaN."""
    moved: Floats = expit(_logits(proba) / temperature + intercept)
    return moved


def _find_cells(seen: HeldOut) -> tuple[Floats, Floats, Floats]:
    """Labels, logits and weights of the cells that are known and predicted."""
    known = ~(np.isnan(seen.Y) | np.isnan(seen.proba))
    weight = np.ones(seen.Y.shape)
    if seen.weight is not None:
        weight = np.broadcast_to(per_cell(seen.weight), seen.Y.shape)
    return seen.Y[known].astype(np.float64), _logits(seen.proba[known]), weight[known]


def _logits(proba: Floats) -> Floats:
    logits: Floats = logit(proba.clip(_SMALLEST, 1 - _SMALLEST))
    return logits

"""Methods of the presets that take D2ACE apart: its parts, and the values of its parameters."""

from typing import Any

from sklearn.base import BaseEstimator

from skd2ace import CLIFClassifier
from skd2ace.selection import D2ACE

# The bars of Figure 5 of the D2ACE paper.
D2ACE_VARIANTS: dict[str, dict[str, Any]] = {
    "d2ace": {},
    "hardness only": {"mix_start": 0.0, "mix_end": 0.0},
    "uncertainty only": {"mix_start": 1.0, "mix_end": 1.0},
    "fixed 0.3": {"mix_start": 0.3, "mix_end": 0.3},
    "fixed 0.5": {"mix_start": 0.5, "mix_end": 0.5},
    "fixed 0.7": {"mix_start": 0.7, "mix_end": 0.7},
    "no label weights": {"label_weight": None},
    "no correlation": {"correlation": None},
    "linear label weights": {"label_weight": "linear"},
    "exponential instance weights": {"instance_weight": "exp"},
    "exponential decay": {"mix_decay": "exponential"},
}
_NEIGHBORS = (0, 2, 4, 6, 8, 10)
_MIXTURES = ((0.9, 0.1), (0.8, 0.2), (0.7, 0.3), (0.6, 0.4), (0.5, 0.5), (0.3, 0.7))


def make_ablation_methods() -> dict[str, BaseEstimator]:
    """Make CLIF with D2ACE, and with each of its parts left out or changed."""
    return {name: _make(**settings) for name, settings in D2ACE_VARIANTS.items()}


def make_sensitivity_methods() -> dict[str, BaseEstimator]:
    """Make CLIF with D2ACE at each value of its neighbours and of its mixture."""
    neighbors = {f"n_neighbors={k}": _make(n_neighbors=k) for k in _NEIGHBORS}
    mixtures = {
        f"mixture={start:g} to {end:g}": _make(mix_start=start, mix_end=end)
        for start, end in _MIXTURES
    }
    return neighbors | mixtures


def _make(**settings: Any) -> BaseEstimator:
    return CLIFClassifier(batch_selector=D2ACE(**settings), verbose=0)

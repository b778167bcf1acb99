"""Scalings of numbers that bound what a single large value can do."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

# Of the spread of a column, by which ties are parted.
_NOISE = 1e-5
_BEND = 3.0
_LARGEST = 10.0


class SmoothClipScaler(RobustScaler):
    """Median and interquartile range to 0 and 1, then x / sqrt(1 + (x / 3)^2).

    As in RealMLP (Holzmüller et al., NeurIPS 2024): what is near the median keeps its distances,
    and nothing is beyond -3 and 3. A subclass of scikit-learn's
    :class:`~sklearn.preprocessing.RobustScaler`.
    """

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Scale numbers (n, d)."""
        scaled = super().transform(X)
        clipped: NDArray[np.float64] = scaled / np.hypot(1, scaled / _BEND)
        return clipped


class TiedQuantileTransformer(QuantileTransformer):
    """Quantiles to those of a normal distribution, a value that many rows share to their middle.

    The quantiles are those of the numbers with a little noise, always the same, as TabM's input
    is made (Gorishniy et al., ICLR 2025). Without it a column that is 0 in most rows has its
    lowest value there, and scikit-learn sends the lowest value to -5.2.
    """

    def fit(self, X: Any, y: Any = None) -> "TiedQuantileTransformer":
        """Find the quantiles of numbers (n, d)."""
        values = np.asarray(X, dtype=np.float64)
        noise = np.random.default_rng(0).normal(size=values.shape)
        super().fit(values + _NOISE * values.std(axis=0) * noise)
        return self


class BoundedScaler(StandardScaler):
    """Standardise, and bring what is then beyond -10 and 10 to there.

    For columns of two values and counts, of which a rare one would lie as far out as it is rare.
    """

    def transform(self, X: Any) -> Any:
        """Scale numbers (n, d), dense or sparse."""
        scaled = super().transform(X)
        if sp.issparse(scaled):
            np.clip(scaled.data, -_LARGEST, _LARGEST, out=scaled.data)
            return scaled
        return np.clip(scaled, -_LARGEST, _LARGEST)

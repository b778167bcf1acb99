"""Scalings of numbers that bound what a single large value can do."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

# The share at which normal quantiles end, as scikit-learn has it.
_EDGE = 1e-7
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

    scikit-learn does so with every value but the lowest and the highest, which it sends to -5.2
    and 5.2: of a column that is 0 in most rows, most of it.
    """

    quantiles_: NDArray[np.float64]
    references_: NDArray[np.float64]

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Map numbers (n, d)."""
        columns = zip(np.asarray(X, dtype=np.float64).T, self.quantiles_.T, strict=True)
        shares = np.column_stack([self._find_share(x, quantiles) for x, quantiles in columns])
        mapped: NDArray[np.float64] = norm.ppf(np.clip(shares, _EDGE, 1 - _EDGE))
        return mapped

    def _find_share(self, x: NDArray, quantiles: NDArray) -> NDArray[np.float64]:
        """Shares of the rows below values (n,), those that are equal counted half."""
        from_below = np.interp(x, quantiles, self.references_)
        from_above = np.interp(-x, -quantiles[::-1], -self.references_[::-1])
        share: NDArray[np.float64] = (from_below - from_above) / 2
        return share


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

"""Scalings of numbers that bound what a single large value can do."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler
from typing_extensions import Self

# The share at which normal quantiles end, as scikit-learn has it.
_EDGE = 1e-7
_BEND = 3.0
_LARGEST = 10.0
# Where numbers end before they are bent: of infinity it would be NaN.
_FARTHEST = 1e300


class SmoothClipScaler(RobustScaler):
    """Median and interquartile range to 0 and 1, then x / sqrt(1 + (x / 3)^2).

    As in RealMLP (Holzmüller et al., NeurIPS 2024): what is near the median keeps its distances,
    and nothing is beyond -3 and 3. A subclass of scikit-learn's
    :class:`~sklearn.preprocessing.RobustScaler`.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find medians and interquartile ranges of numbers (n, d)."""
        super().fit(X)
        # scikit-learn leaves ranges below 2e-15 as they are: rounding errors, or a large unit.
        small = np.flatnonzero(self.scale_ == 1)
        low, high = np.quantile(np.asarray(X)[:, small], [0.25, 0.75], axis=0)
        error = 10 * np.finfo(np.float64).eps * np.maximum(abs(low), abs(high))
        self.scale_[small] = np.where(high - low > error, high - low, 1)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Scale numbers (n, d)."""
        with np.errstate(over="ignore"):
            scaled = np.clip(super().transform(X), -_FARTHEST, _FARTHEST)
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
        from_below = _interpolate(x, quantiles, self.references_)
        from_above = _interpolate(-x, -quantiles[::-1], -self.references_[::-1])
        share: NDArray[np.float64] = (from_below - from_above) / 2
        return share


def _interpolate(x: NDArray, points: NDArray, values: NDArray) -> NDArray[np.float64]:
    """np.interp, also between points so close to one another that the slope is infinite."""
    found: NDArray[np.float64] = np.interp(x, points, values)
    steep = np.flatnonzero(~np.isfinite(found))
    after = np.searchsorted(points, x[steep])
    share = (x[steep] - points[after - 1]) / (points[after] - points[after - 1])
    found[steep] = values[after - 1] + share * (values[after] - values[after - 1])
    return found


class BoundedScaler(StandardScaler):
    """Standardise, and bring what is then beyond -10 and 10 to there.

    For columns of two values and counts, of which a rare one would lie as far out as it is rare.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find means and standard deviations of numbers (n, d), dense or sparse."""
        exponents = _find_exponents(X)
        if not exponents.any():
            return super().fit(X)
        super().fit(_shift(X, -exponents))
        self.mean_ = np.ldexp(self.mean_, exponents)
        # Of the smallest numbers there are, a deviation may be none.
        self.scale_ = np.maximum(np.ldexp(self.scale_, exponents), np.nextafter(0, 1))
        return self

    def transform(self, X: Any) -> Any:
        """Scale numbers (n, d), dense or sparse."""
        with np.errstate(over="ignore"):
            scaled = super().transform(X)
        if sp.issparse(scaled):
            np.clip(scaled.data, -_LARGEST, _LARGEST, out=scaled.data)
            return scaled
        return np.clip(scaled, -_LARGEST, _LARGEST)


def _find_exponents(X: Any) -> NDArray[np.int_]:
    """Powers of two by which columns (n, d) are divided, so that their squares can be added up.

    They are 0 where squares can be as it is, which keeps the bits of these columns.
    """
    largest = abs(X).max(axis=0)
    largest = largest.toarray().ravel() if sp.issparse(largest) else largest
    mantissas, exponents = np.frexp(largest)
    is_far = abs(exponents) > 0.3 * np.finfo(mantissas.dtype).maxexp
    return np.where(is_far, exponents, 0)


def _shift(X: Any, exponents: NDArray[np.int_]) -> Any:
    """Columns (n, d) times powers of two, dense or sparse."""
    if not sp.issparse(X):
        return np.ldexp(X, exponents)
    shifted = sp.csr_array(X, copy=True)
    shifted.data = np.ldexp(shifted.data, exponents[shifted.indices])
    return shifted

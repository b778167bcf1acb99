from typing import Any

from sklearn.base import BaseEstimator
from typing_extensions import Self

class _Scaler(BaseEstimator):
    def __init__(self, **params: Any) -> None: ...
    def fit(self, X: Any, y: Any = ...) -> Self: ...
    def transform(self, X: Any) -> Any: ...

class QuantileTransformer(_Scaler): ...

class RobustScaler(_Scaler):
    scale_: Any

class StandardScaler(_Scaler):
    mean_: Any
    scale_: Any

# All else is as untyped as before.
def __getattr__(name: str) -> Any: ...

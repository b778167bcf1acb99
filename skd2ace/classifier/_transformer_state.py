"""A fitted preprocessor in a file from which no code is run."""

import warnings
from typing import Any

import numpy as np
import sklearn
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from skd2ace._archive import encode
from skd2ace.preprocessing import TabularPreprocessor
from skd2ace.preprocessing._scaling import (
    BoundedScaler,
    SmoothClipScaler,
    TiedQuantileTransformer,
)

# All that a file may make: what a TabularPreprocessor is made of.
_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        TabularPreprocessor,
        SmoothClipScaler,
        TiedQuantileTransformer,
        BoundedScaler,
        SimpleImputer,
        MissingIndicator,
        OneHotEncoder,
        Pipeline,
    )
}


def describe_transformer(transformer: Any) -> dict[str, Any]:
    """Describe a fitted TabularPreprocessor by nested values.

    Raises
    ------
    TypeError
        If it is another transformer, or holds what is no value.
    """
    if not isinstance(transformer, TabularPreprocessor):
        raise TypeError(f"A {type(transformer).__name__} cannot be written.")
    return {"scikit-learn": sklearn.__version__, "state": _describe(transformer)}


def make_transformer(described: dict[str, Any]) -> Any:
    """Make the transformer that was described.

    Raises
    ------
    ValueError
        If the description names what it may not.

    Warns
    -----
    UserWarning
        If another version of scikit-learn wrote it.
    """
    if described["scikit-learn"] != sklearn.__version__:
        warnings.warn(
            f"The preprocessor was fitted with scikit-learn {described['scikit-learn']}; this is "
            f"{sklearn.__version__}, in which it may give other numbers or none.",
            stacklevel=5,
        )
    transformer = _make(described["state"])
    if not isinstance(transformer, TabularPreprocessor):
        raise ValueError("its preprocessor is no TabularPreprocessor.")
    return transformer


def _describe(value: Any) -> Any:
    if hasattr(value, "get_params"):
        if _KINDS.get(type(value).__name__) is not type(value):
            raise TypeError(f"A {type(value).__name__} cannot be written.")
        attributes = {name: _describe(item) for name, item in vars(value).items()}
        return {"kind": type(value).__name__, "attributes": attributes}
    if isinstance(value, (list, tuple)):
        return {"kind": type(value).__name__, "items": [_describe(item) for item in value]}
    if isinstance(value, type) and issubclass(value, np.generic):
        return {"kind": "dtype", "name": np.dtype(value).name}
    if isinstance(value, np.dtype):
        return {"kind": "dtype of numpy", "name": value.name}
    encode(value, {})
    return {"kind": "value", "value": value}


def _make(described: dict[str, Any]) -> Any:
    kind = described["kind"]
    if kind == "value":
        return described["value"]
    if kind in ("list", "tuple"):
        return {"list": list, "tuple": tuple}[kind](map(_make, described["items"]))
    if kind.startswith("dtype"):
        dtype = np.dtype(described["name"])
        return dtype.type if kind == "dtype" else dtype
    if kind not in _KINDS:
        raise ValueError(f"it names {kind}, which a file may not.")
    made = _KINDS[kind].__new__(_KINDS[kind])
    vars(made).update({name: _make(item) for name, item in described["attributes"].items()})
    return made

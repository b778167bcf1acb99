"""What a fit depends on beside its data: other settings are other fits."""

import re
from collections.abc import Callable, Mapping

import sklearn.metrics
from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator

from skd2ace._describe import describe, digest

_NAME = re.compile(r'(?<=\{"name": ")(?:skd2ace|sklearn)\.[^"]*')


def describe_settings(
    estimator: BaseEstimator,
    cv: BaseCrossValidator,
    random_state: int,
    metrics: Mapping[str, Callable[..., float]],
) -> str:
    """Describe a method, folds, seed and metrics by all that they are set to, as JSON.

    In what order the metrics are given does not matter.
    """
    return drop_private_modules(
        describe((estimator, cv, random_state, dict(sorted(metrics.items()))))
    )


def digest_settings(described: str) -> str:
    """Digest settings as they are described, for the key of a fit."""
    return digest(described)


def drop_private_modules(described: str) -> str:
    """Name functions and classes of skd2ace and scikit-learn as users import them.

    In which private file they stand is no matter of a fit: a new version may move them.
    """
    return _NAME.sub(_name_publicly, described)


def _name_publicly(found: re.Match[str]) -> str:
    *modules, name = found.group().split(".")
    public = [part for part in modules if not part.startswith("_")]
    # Stores know metrics of ours with scikit-learn's names, and its values, as scikit-learn's.
    if public == ["skd2ace", "metrics"] and name in sklearn.metrics.__all__:
        public = ["sklearn", "metrics"]
    return ".".join([*public, name])

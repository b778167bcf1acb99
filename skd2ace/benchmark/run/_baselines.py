"""Methods that the benchmark's tables have beside the networks."""

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module

from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier

from skd2ace.neighbors import MLkNN

from ._varying_labels import VaryingLabels

_N_TREES = 500


def _make_catboost() -> BaseEstimator:
    from catboost import CatBoostClassifier

    # It calls its seed so only where it is given by that name.
    boosted = CatBoostClassifier(
        loss_function="MultiLogloss",
        random_state=0,
        thread_count=1,
        verbose=False,
        allow_writing_files=False,
    )
    return VaryingLabels(boosted)


def _make_xgboost() -> BaseEstimator:
    from xgboost import XGBClassifier

    return XGBClassifier(n_jobs=1)


def _make_boomer() -> BaseEstimator:
    from mlrl.boosting import BoomerClassifier

    # Predicting is left to its threads: without them its version 0.12.3 corrupts memory.
    return BoomerClassifier(
        prediction_format="dense",
        parallel_rule_refinement="false",
        parallel_statistic_update="false",
    )


BASELINES: dict[str, Callable[[], BaseEstimator]] = {
    "logistic-regression": lambda: OneVsRestClassifier(LogisticRegression(max_iter=1000)),
    "mlknn": MLkNN,
    "random-forest": partial(RandomForestClassifier, n_estimators=_N_TREES),
    "extra-trees": partial(ExtraTreesClassifier, n_estimators=_N_TREES),
    "mlp": partial(MLPClassifier, hidden_layer_sizes=(256,), max_iter=100),
    "catboost": _make_catboost,
    "xgboost": _make_xgboost,
    "boomer": _make_boomer,
}
# What must be installed: a module, and how one comes by it.
_NEEDED = {
    "catboost": ("catboost", "skd2ace[baselines]"),
    "xgboost": ("xgboost", "skd2ace[baselines]"),
    "boomer": ("mlrl.boosting", "skd2ace[boomer]"),
}


def find_missing(names: Iterable[str]) -> dict[str, str]:
    """Find baselines that cannot be run here, each with the reason."""
    return {name: reason for name in names if (reason := _find_reason(name))}


def _find_reason(name: str) -> str | None:
    if name not in _NEEDED:
        return None
    module, extra = _NEEDED[name]
    try:
        import_module(module)
    except ImportError as error:
        return f"{error}: `pip install '{extra}'`"
    return None

"""Whole comparisons that the command line knows by name."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator

from ._baselines import BASELINES
from ._parts import make_ablation_methods, make_sensitivity_methods
from ._study import make_study_methods


@dataclass(frozen=True)
class Preset:
    """What a comparison is made of.

    Parameters
    ----------
    datasets, networks, selectors, baselines : tuple of str
        Names that the command takes.
    seeds : int, default=1
        Fits of each fold.
    slow : tuple of str
        Networks that large data sets have one fit of, as of ``Experiment``.
    time_limit : float, optional
        Seconds after which a fit is ended.
    make_methods : callable, optional
        Makes further methods, a dict of estimators by name.
    repeats : int, default=1
        How many times the folds are dealt.
    metrics : tuple of str
        Metrics beside the default ones.
    """

    datasets: tuple[str, ...]
    networks: tuple[str, ...]
    selectors: tuple[str, ...]
    baselines: tuple[str, ...] = ()
    seeds: int = 1
    slow: tuple[str, ...] = ()
    time_limit: float | None = None
    make_methods: Callable[[], dict[str, Any]] | None = None
    repeats: int = 1
    metrics: tuple[str, ...] = ()


def set_networks(
    methods: dict[str, BaseEstimator], *, max_epochs: int | None, device: str
) -> dict[str, BaseEstimator]:
    """Set epochs, where they are given, and device of methods that a preset has made.

    Raises
    ------
    ValueError
        If epochs are given, and the methods differ in theirs.
    """
    own = {value for method in methods.values() for value in _find(method, "max_epochs").values()}
    if max_epochs is not None:
        if len(own) > 1:
            raise ValueError("--epochs is not for methods of a preset that differ in their epochs")
        _set_all(methods, "max_epochs", max_epochs)
    _set_all(methods, "device", device)
    return methods


def _set_all(methods: dict[str, BaseEstimator], name: str, value: Any) -> None:
    for method in methods.values():
        method.set_params(**dict.fromkeys(_find(method, name), value))


def _find(method: BaseEstimator, name: str) -> dict[str, Any]:
    """Find a parameter of a network, which others may be wrapped around."""
    is_it = re.compile(rf"(estimator__)*{name}").fullmatch
    return {key: value for key, value in method.get_params().items() if is_it(key)}


PRESETS = {
    "d2ace-table3": Preset(
        datasets=(
            "cal500", "birds", "enron", "scene", "yeast", "Corel5k", "rcv1subset1", "rcv1subset2",
            "rcv1subset3", "bibtex", "yahoo-Arts", "yahoo-Business", "mediamill",
        ),
        networks=("clif", "dela", "paca"),
        selectors=(
            "random", "active", "recent", "dihcl", "balance", "hard-imb", "ml-unc", "d2ace",
        ),
    ),
    "d2ace-table5": Preset(
        datasets=("voc2007", "coco2014"),
        networks=("hst", "ml-gcn"),
        selectors=(
            "random", "active", "recent", "dihcl", "balance", "hard-imb", "ml-unc", "d2ace",
        ),
        metrics=("mean_average_precision",),
        seeds=5,
    ),
    "hard-imb-table2": Preset(
        datasets=(
            "Corel5k", "rcv1subset3", "rcv1subset1", "rcv1subset2", "yahoo-Arts", "cal500",
            "yahoo-Business", "tmc2007", "bibtex", "enron", "yeast", "LLOG-F", "scene",
        ),
        networks=("c2ae", "mpvae", "paca", "clif", "dela"),
        selectors=("random", "hard-imb"),
    ),
    "tables": Preset(
        # Small ones first: what is wrong shows early.
        datasets=(
            "flags", "emotions", "birds", "mixed-table", "cal500", "yeast", "scene", "enron",
            "LLOG-F", "yahoo-Arts-small", "rcv1subset1", "rcv1subset2", "bibtex", "Corel5k",
        ),
        networks=(
            "tabm", "clif", "dela", "paca",
            "clif-recommended", "dela-recommended", "paca-recommended",
        ),
        selectors=("random",),
        baselines=tuple(BASELINES),
        seeds=3,
        slow=(
            "clif", "dela", "paca", "clif-recommended", "dela-recommended", "paca-recommended",
        ),
        time_limit=1800,
    ),
    "selection-study": Preset(
        datasets=("flags", "emotions", "birds", "yeast"),
        networks=(),
        selectors=(),
        make_methods=make_study_methods,
        repeats=10,
    ),
    # Of a size meant for an hour on two cores.
    "ablation": Preset(
        datasets=("flags", "emotions", "yeast"),
        networks=(),
        selectors=(),
        make_methods=make_ablation_methods,
    ),
    "sensitivity": Preset(
        datasets=("flags", "emotions"),
        networks=(),
        selectors=(),
        make_methods=make_sensitivity_methods,
    ),
}  # fmt: skip

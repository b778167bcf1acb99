"""Methods that the command line knows by name."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from sklearn.base import BaseEstimator

from skd2ace import CLIFClassifier, DELAClassifier, PACAClassifier, selection
from skd2ace._describe import describe, describe_briefly

from ._baselines import BASELINES

MAX_EPOCHS = 100
NETWORKS: dict[str, Callable[..., Any]] = {
    "clif": CLIFClassifier,
    "dela": DELAClassifier,
    "paca": PACAClassifier,
}
SELECTORS: dict[str, Callable[[], selection.BatchSelector | None]] = {
    "random": lambda: None,
    "active": selection.ActiveBias,
    "recent": selection.RecencyBias,
    "dihcl": selection.DIHCL,
    # The comparison warms all methods up; this one has no warm-up by default.
    "balance": partial(selection.Balance, warmup_epochs=10),
    "online-batch": selection.OnlineBatch,
    "hard-imb": selection.HardImb,
    "ml-unc": selection.MLUnc,
    "d2ace": selection.D2ACE,
    "d2ace-reference": selection.D2ACE.reference,
}
PRESETS: dict[str, dict[str, list[str]]] = {
    "d2ace-table3": {
        "datasets": [
            "cal500", "birds", "enron", "scene", "yeast", "Corel5k", "rcv1subset1", "rcv1subset2",
            "rcv1subset3", "bibtex", "yahoo-Arts", "yahoo-Business", "mediamill",
        ],
        "networks": ["clif", "dela", "paca"],
        "selectors": [
            "random", "active", "recent", "dihcl", "balance", "hard-imb", "ml-unc", "d2ace",
        ],
    },
}  # fmt: skip


def make_methods(
    networks: Iterable[str],
    selectors: Iterable[str | selection.BatchSelector],
    baselines: Iterable[str] = (),
    *,
    max_epochs: int = MAX_EPOCHS,
    device: str = "cpu",
) -> dict[str, BaseEstimator]:
    """Make each network with each selector, and baselines.

    Parameters
    ----------
    networks, baselines : iterable of str
        Of ``NETWORKS`` and ``BASELINES``.
    selectors : iterable of str or BatchSelector
        Of ``SELECTORS``, or any others.
    max_epochs : int, default=100
        Of the networks.
    device : str, default="cpu"
        Of the networks.

    Returns
    -------
    dict of str to estimator
        Named "clif d2ace" and so on; with a selector that ``SELECTORS`` has no name for, "clif
        D2ACE(window=3)".

    Raises
    ------
    ImportError
        If a baseline is not installed.
    TypeError
        If a selector is none.
    ValueError
        If a name is unknown, or two selectors differ in something that their names do not show.

    Examples
    --------
    >>> from skd2ace.benchmark import make_methods
    >>> from skd2ace.selection import D2ACE
    >>> sorted(make_methods(["clif"], ["random", "d2ace", D2ACE(window=3)], ["mlknn"]))
    ['clif D2ACE(window=3)', 'clif d2ace', 'clif random', 'mlknn']
    """
    methods = {name: _find(name, BASELINES)() for name in baselines}
    makers = {name: _find(name, NETWORKS) for name in networks}
    named = _name_selectors(selectors)
    for network, make in makers.items():
        for name, selector in named.items():
            methods[f"{network} {name}"] = make(
                batch_selector=selector, max_epochs=max_epochs, device=device, verbose=0
            )
    return methods


def _name_selectors(
    selectors: Iterable[str | selection.BatchSelector],
) -> dict[str, selection.BatchSelector | None]:
    known = {describe(make()): name for name, make in SELECTORS.items()}
    named: dict[str, selection.BatchSelector | None] = {}
    for given in selectors:
        if not isinstance(given, (str, selection.BatchSelector)):
            raise TypeError(f"selectors must be names or selectors; got {given!r}.")
        selector = _find(given, SELECTORS)() if isinstance(given, str) else given
        name = known.get(describe(selector)) or describe_briefly(selector).removesuffix("()")
        if describe(named.setdefault(name, selector)) != describe(selector):
            raise ValueError(f"Two selectors that differ are both shown as {name}.")
    return named


def _find(name: str, known: Mapping[str, Callable[[], Any]]) -> Callable[..., Any]:
    if name not in known:
        raise ValueError(f"There is no {name!r}; known are {', '.join(known)}.")
    return known[name]

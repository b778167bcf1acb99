"""Methods that the command line knows by name."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from sklearn.base import BaseEstimator

from skd2ace import (
    C2AEClassifier,
    CLIFClassifier,
    DELAClassifier,
    MPVAEClassifier,
    PACAClassifier,
    TabMClassifier,
    selection,
)
from skd2ace._describe import describe, describe_briefly

from ._baselines import BASELINES
from ._image_methods import make_hst, make_ml_gcn, schedule_for_images

NETWORKS: dict[str, Callable[..., Any]] = {
    "clif": CLIFClassifier,
    "dela": DELAClassifier,
    "paca": PACAClassifier,
    "mpvae": MPVAEClassifier,
    "c2ae": C2AEClassifier,
    "tabm": TabMClassifier,
    "clif-recommended": CLIFClassifier.recommended,
    "dela-recommended": DELAClassifier.recommended,
    "paca-recommended": PACAClassifier.recommended,
    "ml-gcn": make_ml_gcn,
    "hst": make_hst,
}
_OF_IMAGES = {"ml-gcn", "hst"}
SELECTORS: dict[str, Callable[[], selection.BatchSelector | None]] = {
    "random": lambda: None,
    "active": selection.ActiveBias,
    "recent": selection.RecencyBias,
    "dihcl": selection.DIHCL,
    # The comparison warms all methods up; this one has no warm-up by default.
    "balance": partial(selection.Balance, warmup_epochs=0.1),
    "online-batch": selection.OnlineBatch,
    "hard-imb": selection.HardImb,
    "ml-unc": selection.MLUnc,
    "d2ace": selection.D2ACE,
    "d2ace-reference": selection.D2ACE.reference,
    "infobatch": selection.InfoBatch,
    "selective-backprop": selection.SelectiveBackprop,
    "reducible-loss": selection.ReducibleLoss,
    "gradient-norm": selection.GradientNorm,
    "repeat-factor": selection.RepeatFactor,
    "mlros": selection.MLROS,
    "random-subset": selection.RandomSubset,
}


def make_methods(
    networks: Iterable[str],
    selectors: Iterable[str | selection.BatchSelector],
    baselines: Iterable[str] = (),
    *,
    max_epochs: int | None = None,
    device: str = "cpu",
) -> dict[str, BaseEstimator]:
    """Make each network with each selector, and baselines.

    Parameters
    ----------
    networks, baselines : iterable of str
        Of ``NETWORKS`` and ``BASELINES``.
    selectors : iterable of str or BatchSelector
        Of ``SELECTORS``, or any others. With networks of images those of ``SELECTORS`` have the
        schedule that the D2ACE paper has for these.
    max_epochs : int, optional
        Of the networks; by default each one's own: in the D2ACE paper 100, of images 20.
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
    epochs = {} if max_epochs is None else {"max_epochs": max_epochs}
    for network, make in makers.items():
        for name, selector in named.items():
            if network in _OF_IMAGES and name in SELECTORS:
                selector = schedule_for_images(selector)
            methods[f"{network} {name}"] = make(
                batch_selector=selector, device=device, verbose=0, **epochs
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

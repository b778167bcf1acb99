"""Methods that the command line knows by name."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier

from skd2ace import CLIFClassifier, DELAClassifier, PACAClassifier, selection
from skd2ace.neighbors import MLkNN

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
BASELINES: dict[str, Callable[[], BaseEstimator]] = {
    "logistic-regression": lambda: OneVsRestClassifier(LogisticRegression(max_iter=1000)),
    "mlknn": MLkNN,
    "random-forest": partial(RandomForestClassifier, n_estimators=200),
    "mlp": partial(MLPClassifier, hidden_layer_sizes=(256,), max_iter=100),
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
    selectors: Iterable[str],
    baselines: Iterable[str] = (),
    *,
    max_epochs: int = MAX_EPOCHS,
    device: str = "cpu",
) -> dict[str, BaseEstimator]:
    """Make each network with each selector, and baselines, by name.

    Parameters
    ----------
    networks, selectors, baselines : iterable of str
        Of ``NETWORKS``, ``SELECTORS`` and ``BASELINES``.
    max_epochs : int, default=100
        Of the networks.
    device : str, default="cpu"
        Of the networks.

    Returns
    -------
    dict of str to estimator
        Named "clif d2ace" and so on.

    Raises
    ------
    ValueError
        If a name is unknown.

    Examples
    --------
    >>> from skd2ace.benchmark import make_methods
    >>> sorted(make_methods(["clif"], ["random", "d2ace"], ["mlknn"]))
    ['clif d2ace', 'clif random', 'mlknn']
    """
    networks, selectors, baselines = list(networks), list(selectors), list(baselines)
    for names, known in ((networks, NETWORKS), (selectors, SELECTORS), (baselines, BASELINES)):
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"There is no {unknown[0]!r}; known are {', '.join(known)}.")
    methods: dict[str, BaseEstimator] = {name: BASELINES[name]() for name in baselines}
    for network in networks:
        for selector in selectors:
            methods[f"{network} {selector}"] = NETWORKS[network](
                batch_selector=SELECTORS[selector](),
                max_epochs=max_epochs,
                device=device,
                verbose=0,
            )
    return methods

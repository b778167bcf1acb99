"""Methods that the command line has no name for: one's own, and known ones set otherwise."""

import importlib
from ast import literal_eval
from collections.abc import Sequence
from typing import Any

from sklearn.base import BaseEstimator

from ._baselines import BASELINES
from ._methods import make_methods


def make_own_method(
    words: Sequence[str], *, max_epochs: int | None = None, device: str = "cpu"
) -> tuple[str, BaseEstimator]:
    """Make a method from the words of ``--method``.

    Parameters
    ----------
    words : sequence of str
        "NAME=package.module:factory", something to call that returns an estimator, or
        "NAME=clif d2ace", a method that the command knows; then "parameter=value" any number of
        times, set by ``set_params``. Values are Python's literals, or else text.
    max_epochs : int, optional
        Of known networks, as for :func:`make_methods`.
    device : str, default="cpu"
        Of known networks.

    Returns
    -------
    tuple of str and estimator

    Raises
    ------
    ValueError
        If the words are not of that form, or name nothing that can be imported or is known, or a
        parameter that the method does not have.

    Examples
    --------
    >>> make_own_method(["wide=mlp", "hidden_layer_sizes=(512,)"])[1].hidden_layer_sizes
    (512,)
    >>> make_own_method(["five=skd2ace.neighbors:MLkNN", "n_neighbors=5"])
    ('five', MLkNN(n_neighbors=5))
    """
    name, source = _divide(words[0], "NAME=package.module:factory, or NAME=METHOD")
    parameters = dict(_divide(word, "PARAMETER=VALUE") for word in words[1:])
    method = _call_factory(source) if ":" in source else _make_known(source, max_epochs, device)
    if not hasattr(method, "fit"):
        raise ValueError(f"--method {name}: {source} gave no estimator, but {method!r}")
    try:
        method.set_params(**{key: _read(value) for key, value in parameters.items()})
    except (TypeError, ValueError) as error:
        raise ValueError(f"--method {name}: {error}") from error
    return name, method


def _divide(word: str, wanted: str) -> tuple[str, str]:
    name, sign, rest = word.partition("=")
    if not (name.strip() and sign and rest.strip()):
        raise ValueError(f"--method takes {wanted}; got {word!r}")
    return name.strip(), rest.strip()


def _call_factory(source: str) -> Any:
    module, _, path = source.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"--method: {source} cannot be imported: {error}") from error
    return found()


def _make_known(source: str, max_epochs: int | None, device: str) -> Any:
    if source in BASELINES:
        return make_methods([], [], [source])[source]
    network, _, selector = source.partition(" ")
    made = make_methods([network], [selector or "random"], max_epochs=max_epochs, device=device)
    return made[f"{network} {selector or 'random'}"]


def _read(value: str) -> Any:
    try:
        return literal_eval(value)
    except (ValueError, SyntaxError):
        return value

"""What a training needs to go on: taken from a skorch net, and put back into one."""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skorch.history import History
from torch import nn

from skd2ace._archive import encode
from skd2ace._modules import unwrap_compiled

from ._selection import BatchSelection

_SEEDS = ("torch_seed_", "split_seed_", "selector_seed_")


def training_state(net: Any) -> dict[str, Any]:
    """Collect all that the next epoch depends on, but for the generators of random numbers.

    Weights, criterion, optimizer, history, the seeds that were drawn, selector and callbacks, as
    nested values that :func:`~skd2ace._archive.write_archive` takes.
    """
    return {
        "components": {name: part.state_dict() for name, part in components(net).items()},
        "history": list(net.history),
        "seeds": drawn_seeds(net),
        "callbacks": {name: _callback_state(net, name, cb) for name, cb in net.callbacks_},
    }


def restore_training_state(net: Any, state: dict[str, Any], *, training: bool) -> None:
    """Put into an initialized net what :func:`training_state` took from one like it.

    ``training`` says whether the net is in a training, so that its callbacks have made what they
    make when one begins.

    Raises
    ------
    RuntimeError, ValueError
        If weights or optimizer have other shapes.
    """
    for name, part in components(net).items():
        part.load_state_dict(state["components"][name])
    net.history_ = History(state["history"])
    vars(net).update({name: state["seeds"][name] for name in _SEEDS if name in state["seeds"]})
    for name, callback in net.callbacks_:
        if name in state["callbacks"]:
            _restore_callback(net, name, callback, state["callbacks"][name], training)


def drawn_seeds(net: Any) -> dict[str, int]:
    """Give the seeds that a net has drawn from its ``random_state``, by name."""
    return {name: getattr(net, name) for name in _SEEDS if hasattr(net, name)}


def components(net: Any) -> dict[str, Any]:
    """Give all parts of a net that training changes, by name, and that have a state to keep.

    Modules, criteria and optimizers, those that a subclass adds among them.
    """
    parts = {name: unwrap_compiled(getattr(net, f"{name}_", None)) for name in net.prefixes_}
    return {name: part for name, part in parts.items() if hasattr(part, "load_state_dict")}


@contextmanager
def keep_modes(net: Any) -> Iterator[None]:
    """Have modules and criteria in the block's end in training or evaluation mode as before it."""
    parts = [part for part in components(net).values() if isinstance(part, nn.Module)]
    modes = [part.training for part in parts]
    try:
        yield
    finally:
        for part, was_training in zip(parts, modes, strict=True):
            part.train(was_training)


def _callback_state(net: Any, name: str, callback: Any) -> dict[str, Any]:
    """What a callback has come to know: what it would pickle, without its parameters.

    Of schedulers and the like their own state is taken. Code (functions, scorers) is left out:
    the callback gets it anew when training begins.
    """
    if isinstance(callback, BatchSelection):
        return {"selector": callback.selector_state(net)}
    values: dict[str, Any] = {}
    states: dict[str, Any] = {}
    # Before Python 3.11 objects have no __getstate__, and later ones give None for no state.
    getstate = getattr(callback, "__getstate__", lambda: vars(callback))
    kept = (getstate() or {}).keys() - _parameters(callback)
    # What it keeps is its choice; the values as they are now: EarlyStopping pickles no weights.
    for attribute, value in vars(callback).items():
        if attribute not in kept or _is_code(value):
            continue
        has_state = hasattr(value, "load_state_dict")
        state = value.state_dict() if has_state else value
        try:
            encode(state, {})
        except TypeError:
            _warn_of_loss(name, attribute, value)
            continue
        (states if has_state else values)[attribute] = state
    return {"values": values, "states": states}


def _restore_callback(
    net: Any, name: str, callback: Any, state: dict[str, Any], training: bool
) -> None:
    if isinstance(callback, BatchSelection):
        callback.suspend(net, state["selector"])
        return
    parameters = _parameters(callback)
    for attribute, value in state["values"].items():
        if attribute not in parameters and not _is_of_the_class(callback, attribute):
            setattr(callback, attribute, value)
    for attribute, value in state["states"].items():
        present = getattr(callback, attribute, None)
        if present is not None:
            present.load_state_dict(value)
        elif training:
            _warn_of_loss(name, attribute, value)


def _warn_of_loss(name: str, attribute: str, value: Any) -> None:
    warnings.warn(
        f"{attribute} of the callback {name} ({type(value).__name__}) does not go into a file and "
        "back: where training goes on from one, it begins anew.",
        stacklevel=2,
    )


def _parameters(callback: Any) -> set[str]:
    """Names of a callback's parameters; skorch takes all that has no underscore at its end."""
    declared = inspect.signature(type(callback)).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in declared.values()):
        return set(callback.get_params(deep=False))
    return set(declared)


def _is_of_the_class(callback: Any, attribute: str) -> bool:
    """Whether a value of that name would take the place of a method or property."""
    found = getattr(type(callback), attribute, None)
    return attribute.startswith("__") or callable(found) or hasattr(found, "__set__")


def _is_code(value: Any) -> bool:
    # A module can be called too, and has a state.
    return isinstance(value, type) or (callable(value) and not hasattr(value, "load_state_dict"))

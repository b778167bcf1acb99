"""What a training needs to go on: taken from a skorch net, and put back into one."""

import warnings
from typing import Any

import torch
from skorch.history import History
from torch import Tensor
from torch.nn import Module

from skd2ace._archive import encode
from skd2ace._devices import full_device

from ._selection import BatchSelection

_SEEDS = ("torch_seed_", "split_seed_", "selector_seed_")


def training_state(net: Any) -> dict[str, Any]:
    """Collect all that the next epoch depends on, but for the generators of random numbers.

    Weights, criterion, optimizer, history, the seeds that were drawn, selector and callbacks, as
    nested values that :func:`~skd2ace._archive.write_archive` takes.
    """
    return {
        "module": net.module_.state_dict(),
        "criterion": net.criterion_.state_dict() if isinstance(net.criterion_, Module) else {},
        "optimizer": net.optimizer_.state_dict(),
        "history": list(net.history),
        "seeds": {name: getattr(net, name) for name in _SEEDS if hasattr(net, name)},
        "callbacks": {name: _callback_state(net, name, cb) for name, cb in net.callbacks_},
    }


def restore_training_state(net: Any, state: dict[str, Any]) -> None:
    """Put into an initialized net what :func:`training_state` took from one like it.

    Raises
    ------
    RuntimeError, ValueError
        If weights or optimizer have other shapes.
    """
    net.module_.load_state_dict(state["module"])
    if isinstance(net.criterion_, Module):
        net.criterion_.load_state_dict(state["criterion"])
    net.optimizer_.load_state_dict(state["optimizer"])
    net.history_ = History(state["history"])
    vars(net).update({name: state["seeds"][name] for name in _SEEDS if name in state["seeds"]})
    for name, callback in net.callbacks_:
        if name in state["callbacks"]:
            _restore_callback(net, callback, state["callbacks"][name])


def generator_states(device: str | torch.device) -> dict[str, Tensor]:
    """States of torch's global generators, that of the device's own among them."""
    device = full_device(device)
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def set_generator_states(device: str | torch.device, states: dict[str, Tensor]) -> None:
    """Set torch's global generators; a GPU for which there is no state keeps its own."""
    device = full_device(device)
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


def _callback_state(net: Any, name: str, callback: Any) -> dict[str, Any]:
    """What a callback has come to know: what it would pickle, without its parameters.

    Of schedulers and the like their own state is taken. Code (functions, scorers) is left out:
    the callback gets it anew when training begins.
    """
    if isinstance(callback, BatchSelection):
        return {"selector": callback.selector_state(net)}
    values, states = {}, {}
    parameters = callback.get_params(deep=False)
    # Python before 3.11 has no __getstate__ of its own, and later ones give None for no state.
    pickled: dict[str, Any] = getattr(callback, "__getstate__", dict)() or vars(callback)
    for attribute, value in pickled.items():
        if attribute in parameters or _is_code(value):
            continue
        has_state = hasattr(value, "load_state_dict")
        try:
            encode(value.state_dict() if has_state else value, {})
        except TypeError:
            warnings.warn(
                f"{attribute} of the callback {name} is a {type(value).__name__}, which cannot be "
                "written: where training goes on from a file, it begins anew.",
                stacklevel=2,
            )
            continue
        if has_state:
            states[attribute] = value.state_dict()
        else:
            values[attribute] = value
    return {"values": values, "states": states}


def _restore_callback(net: Any, callback: Any, state: dict[str, Any]) -> None:
    if isinstance(callback, BatchSelection):
        callback.suspend(net, state["selector"])
        return
    parameters = callback.get_params(deep=False)
    for attribute, value in state["values"].items():
        if attribute not in parameters and not hasattr(type(callback), attribute):
            setattr(callback, attribute, value)
    for attribute, value in state["states"].items():
        # Before a training begins there may be none: it will begin anew in any case.
        present = getattr(callback, attribute, None)
        if present is not None:
            present.load_state_dict(value)


def _is_code(value: Any) -> bool:
    # A module can be called too, and has a state.
    return isinstance(value, type) or (callable(value) and not hasattr(value, "load_state_dict"))

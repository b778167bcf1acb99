"""Taking back what a failed training did to an estimator."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from copy import copy, deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from skd2ace.training._state import components

# In these a callback may gather what it sees. What it only refers to is put back as it is.
_CONTAINERS = (list, dict, set, deque, np.ndarray, Tensor)


@contextmanager
def all_or_nothing(net: Any) -> Iterator[None]:
    """Leave a net as it was where the block fails, and let the error pass.

    A first training makes new components and a new history, and putting the old attributes back
    would be enough. Training that goes on changes them in place, as it does callbacks, and a
    module that is not made anew may be trained twice: of all that a net has, what is within is
    kept too.
    """
    attributes, history = dict(vars(net)), net.history
    parts = list(components(net).values())
    # What a callback may refer to, and is not copied with it.
    shared = {id(thing): thing for thing in (net, *parts)}
    keepers = [
        *map(_keep_part, parts),
        *(_keep_callback(callback, shared) for _, callback in attributes.get("callbacks_", [])),
    ]
    n_epochs = len(history or [])
    try:
        yield
    except BaseException:
        vars(net).clear()
        vars(net).update(attributes)
        if history is not None:
            del history[n_epochs:]
        # Each by itself: what cannot be put back is no reason to leave the others.
        for put_back in keepers:
            with suppress(Exception):
                put_back()
        raise


def _keep_part(part: Any) -> Callable[[], None]:
    """Copy the state of a module or optimizer, and give what puts it back."""
    if isinstance(part, nn.Module):
        return _keep_module(part)
    state = deepcopy(part.state_dict())
    groups = [dict(group) for group in getattr(part, "param_groups", [])]

    def put_back() -> None:
        # A training may have added some.
        del part.param_groups[len(groups) :]
        for group, before in zip(part.param_groups, groups, strict=True):
            group.update(before)
        part.load_state_dict(state)

    return put_back


def _keep_module(module: nn.Module) -> Callable[[], None]:
    # Buffers that are not in its state change too, and so may counters and what is registered.
    tensors = [(tensor, tensor.detach().clone()) for tensor in _tensors(module)]
    learning = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    attributes = [(part, _copy_registries(vars(part))) for part in module.modules()]

    def put_back() -> None:
        for part, known in attributes:
            vars(part).clear()
            vars(part).update(known)
        with torch.no_grad():
            for tensor, before in tensors:
                tensor.copy_(before)
        for parameter, learns in learning:
            parameter.requires_grad_(learns)
            parameter.grad = None

    return put_back


def _copy_registries(attributes: dict[str, Any]) -> dict[str, Any]:
    """Copy a module's attributes, and the dictionaries in which it keeps tensors and parts."""
    return {
        name: copy(value) if isinstance(value, dict) else value
        for name, value in attributes.items()
    }


def _tensors(module: nn.Module) -> list[Tensor]:
    return [tensor for tensor in (*module.parameters(), *module.buffers()) if not is_lazy(tensor)]


def _keep_callback(callback: Any, shared: dict[int, Any]) -> Callable[[], None]:
    """Copy what a callback has come to know; its parameters are the user's."""
    parameters = callback.get_params(deep=False)
    attributes = {
        name: value if name in parameters else _copy_container(value, shared)
        for name, value in vars(callback).items()
    }
    keepers = []
    for name, value in attributes.items():
        if name not in parameters and _has_state(value):
            # Not every state can be had at any time.
            with suppress(Exception):
                keepers.append(_keep_part(value))

    def put_back() -> None:
        vars(callback).clear()
        vars(callback).update(attributes)
        with ExitStack() as each:
            for keeper in keepers:
                each.callback(keeper)

    return put_back


def _has_state(value: Any) -> bool:
    return hasattr(value, "load_state_dict") and not isinstance(value, type)


def _copy_container(value: Any, shared: dict[int, Any]) -> Any:
    if not isinstance(value, _CONTAINERS):
        return value
    try:
        return deepcopy(value, dict(shared))
    except Exception:
        return copy(value)

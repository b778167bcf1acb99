"""Taking back what a failed training did to an estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from skd2ace.training._state import components


@contextmanager
def all_or_nothing(net: Any, *, going_on: bool) -> Iterator[None]:
    """Leave a net as it was where the block fails.

    Training from scratch makes new components and a new history, and putting the old attributes
    back is enough. Training that goes on changes components and history in place, and callbacks
    change in place either way: of those copies are kept.
    """
    attributes = dict(vars(net))
    callbacks = [_Kept(callback) for _, callback in attributes.get("callbacks_", [])]
    n_epochs = len(net.history or [])
    parts = list(components(net).values()) if going_on else []
    states = [deepcopy(part.state_dict()) for part in parts]
    try:
        yield
    except BaseException:
        vars(net).clear()
        vars(net).update(attributes)
        for callback in callbacks:
            callback.put_back()
        for part, state in zip(parts, states, strict=True):
            part.load_state_dict(state)
        if going_on:
            del net.history[n_epochs:]
        raise


class _Kept:
    """A callback as it was: its attributes, and what is within those that change in place."""

    def __init__(self, callback: Any) -> None:
        self.callback = callback
        self.attributes = {name: _copy(value) for name, value in vars(callback).items()}
        self.states = {
            name: deepcopy(value.state_dict())
            for name, value in self.attributes.items()
            if hasattr(value, "load_state_dict") and not isinstance(value, type)
        }

    def put_back(self) -> None:
        vars(self.callback).clear()
        vars(self.callback).update(self.attributes)
        for name, state in self.states.items():
            self.attributes[name].load_state_dict(state)


def _copy(value: Any) -> Any:
    """Copy a container, in which a callback may gather what it sees; other values are replaced."""
    return type(value)(value) if type(value) in (list, dict, set) else value

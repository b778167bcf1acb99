"""Taking back what a failed training did to an estimator."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any


@contextmanager
def all_or_nothing(net: Any, *, going_on: bool) -> Iterator[None]:
    """Leave a net as it was where the block fails.

    Training from scratch makes a new network and history, and putting the old attributes back is
    enough. Training that goes on changes weights, optimizer and history in place, and callbacks
    change in place either way: of those copies are kept.
    """
    attributes = dict(net.__dict__)
    callbacks = [
        (callback, dict(vars(callback))) for _, callback in attributes.get("callbacks_", [])
    ]
    n_epochs = len(net.history or [])
    if going_on:
        weights = deepcopy(net.module_.state_dict())
        optimizer = deepcopy(net.optimizer_.state_dict())
    try:
        yield
    except BaseException:
        net.__dict__.clear()
        net.__dict__.update(attributes)
        for callback, state in callbacks:
            vars(callback).clear()
            vars(callback).update(state)
        if going_on:
            net.module_.load_state_dict(weights)
            net.optimizer_.load_state_dict(optimizer)
            del net.history[n_epochs:]
        raise

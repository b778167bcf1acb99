"""What the callbacks of a fitted estimator have seen."""

from collections.abc import Iterator
from typing import Any, TypeVar

C = TypeVar("C")


def list_callbacks(estimator: Any, kind: type[C]) -> Iterator[C]:
    """List the callbacks of a kind; none of an estimator that has no callbacks."""
    callbacks = (callback for _, callback in getattr(estimator, "callbacks_", ()))
    return (callback for callback in callbacks if isinstance(callback, kind))

"""What the functions that an object holds do, as text that is the same in every process."""

from collections.abc import Iterator, Mapping
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from ._describe import describe, describe_instructions, read_closure


def describe_code(thing: Any) -> list[str]:
    """Show the functions that an object is or holds: their code, defaults and closures.

    Names tell no lambda or inner function from the next, nor a function from what it was before
    it was edited. What a function reads from its module by name is not looked at.
    """
    return list(_walk(thing, set()))


def _walk(thing: Any, seen: set[int]) -> Iterator[str]:
    if id(thing) in seen or isinstance(thing, (type, str, bytes)):
        return
    seen.add(id(thing))
    if isinstance(thing, FunctionType):
        yield describe_instructions(thing.__code__)
        closure = list(read_closure(thing).values())
        yield describe(closure)
        yield describe([thing.__defaults__, thing.__kwdefaults__])
        parts: Any = closure
    elif isinstance(thing, MethodType):
        parts = [thing.__func__, thing.__self__]
    elif isinstance(thing, partial):
        parts = [thing.func, *thing.args, *thing.keywords.values()]
    elif isinstance(thing, Mapping):
        parts = thing.values()
    elif isinstance(thing, (list, tuple)):
        parts = thing
    else:
        parts = getattr(thing, "__dict__", {}).values()
    for part in parts:
        yield from _walk(part, seen)

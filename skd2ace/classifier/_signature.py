"""A constructor's parameters in one place, for its class and for those that pass them on."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

Parameters = ParamSpec("Parameters")


def takes_parameters_of(
    constructor: Callable[Concatenate[Any, Any, Parameters], None],
    *left_out: str,
    **defaults: Any,
) -> Callable[[Callable[..., None]], Callable[Concatenate[Any, Parameters], None]]:
    """Say of a constructor that its ``**parameters`` are those of another one behind its first.

    Those that it has written out itself come first. Type checkers, ``help`` and the ``repr`` of
    estimators then see them all, as if they were written out. The wrapped constructor is told the
    parameters that the user gives and, of the others, the ``defaults``.

    Parameters
    ----------
    constructor : function
        The ``__init__`` of the class that is built upon; its first parameter (``module``) is
        fixed by the one that passes the others on.
    *left_out : str
        Parameters without a meaning here, which are not shown.
    **defaults
        Those that are others here.
    """
    own, _, *passed_on, rest = inspect.signature(constructor).parameters.values()
    assert rest.kind is rest.VAR_KEYWORD
    assert {parameter.kind for parameter in passed_on} == {rest.KEYWORD_ONLY}
    assert set(left_out) <= {parameter.name for parameter in passed_on}
    shown = {parameter.name: parameter for parameter in passed_on if parameter.name not in left_out}
    for name, value in defaults.items():
        new = inspect.Parameter(name, rest.KEYWORD_ONLY, annotation=type(value))
        shown[name] = shown.get(name, new).replace(default=value)

    def decorate(init: Callable[..., None]) -> Callable[Concatenate[Any, Parameters], None]:
        @wraps(init)
        def construct(self: Any, *args: Any, **parameters: Any) -> None:
            init(self, *args, **{**defaults, **parameters})

        written_out = [*inspect.signature(init).parameters.values()][1:-1]
        vars(construct)["__signature__"] = inspect.Signature(
            [own, *written_out, *shown.values(), rest]
        )
        return construct

    return decorate

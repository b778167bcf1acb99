"""Parameters, checked by scikit-learn and turned into Python's own numbers."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from skd2ace._sklearn import Interval, Options, validate_parameter_constraints


def check_parameters(
    constraints: Mapping[str, list[Any]], parameters: Mapping[str, Any], name: str
) -> dict[str, Any]:
    """Refuse parameters that do not satisfy their constraints.

    Returns
    -------
    dict
        The parameters with Python's own numbers: numpy's round to their size, and wrap around.

    Raises
    ------
    InvalidParameterError
        Which is a ValueError and a TypeError; the message says what is wanted and what was given.
    """
    plain = {key: to_python(value) for key, value in parameters.items()}
    validate_parameter_constraints(constraints, plain, caller_name=name)
    # Scikit-learn takes True for the number 1, torch does not.
    numbers = {key for key in plain if "boolean" not in constraints.get(key, ())}
    return {
        key: int(value) if isinstance(value, bool) and key in numbers else value
        for key, value in plain.items()
    }


def to_python(value: Any) -> Any:
    """Turn a number, also within tuples and lists, into Python's own; leave others alone."""
    if type(value) in (tuple, list):
        return type(value)(to_python(part) for part in value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


class Pair(Options):
    """Two numbers, in a tuple or a list.

    Parameters
    ----------
    *each : Interval
        What either must be: in one of these.
    ascending : bool, default=False
        Whether the first must not be above the second, where both are integers or neither is.
    """

    def __init__(self, *each: Interval, ascending: bool = False) -> None:
        super().__init__(object, set())
        self.each = each
        self.ascending = ascending

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value is such a pair."""
        if not (isinstance(val, (tuple, list)) and len(val) == 2):
            return False
        if not all(any(one.is_satisfied_by(part) for one in self.each) for part in val):
            return False
        alike = isinstance(val[0], Integral) == isinstance(val[1], Integral)
        return not (self.ascending and alike) or val[0] <= val[1]

    def __str__(self) -> str:
        order = " with start <= end" if self.ascending else ""
        name = "a pair (start, end)" if self.ascending else "a pair"
        return f"{name} of which each is {' or '.join(map(str, self.each))}{order}"

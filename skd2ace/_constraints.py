"""Constraints of parameters that scikit-learn has no word for."""

from typing import Any

from skd2ace._sklearn import Interval, Options


class Pair(Options):
    """Two numbers, in a tuple or a list.

    Parameters
    ----------
    each : Interval
        What either must be.
    ascending : bool, default=False
        Whether the first must not be above the second.
    """

    def __init__(self, each: Interval, *, ascending: bool = False) -> None:
        super().__init__(object, set())
        self.each = each
        self.ascending = ascending

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value is such a pair."""
        if not (isinstance(val, (tuple, list)) and len(val) == 2):
            return False
        in_order = all(map(self.each.is_satisfied_by, val))
        return in_order and (not self.ascending or val[0] <= val[1])

    def __str__(self) -> str:
        order = " with start <= end" if self.ascending else ""
        name = "a pair (start, end)" if self.ascending else "a pair"
        return f"{name} of which each is {self.each}{order}"

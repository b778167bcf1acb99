"""Ways to split multi-label data."""

from ._iterative import IterativeStratifiedKFold
from ._repeated import RepeatedIterativeStratifiedKFold
from ._shuffle import IterativeStratifiedShuffleSplit

__all__ = [
    "IterativeStratifiedKFold",
    "IterativeStratifiedShuffleSplit",
    "RepeatedIterativeStratifiedKFold",
]

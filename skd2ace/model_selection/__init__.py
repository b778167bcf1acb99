"""Ways to split multi-label data."""

from ._iterative import IterativeStratifiedKFold

__all__ = ["IterativeStratifiedKFold"]

"""Multi-label data sets."""

from ._yeast import load_yeast

__all__ = ["load_yeast"]

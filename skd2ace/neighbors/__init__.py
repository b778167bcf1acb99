"""Nearest neighbours for multi-label classification."""

from ._mlknn import MLkNN

__all__ = ["MLkNN"]

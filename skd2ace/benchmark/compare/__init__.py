"""Comparing methods: one :class:`Comparison`, which statistics and reports read."""

from ._comparison import Comparison

__all__ = ["Comparison"]

"""Bringing tables into the form that networks learn from."""

from ._tabular import TabularPreprocessor

__all__ = ["TabularPreprocessor"]

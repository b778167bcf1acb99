"""Bringing tables and images into the form that networks learn from."""

from ._image_features import ImageFeatures
from ._tabular import TabularPreprocessor

__all__ = ["ImageFeatures", "TabularPreprocessor"]

"""Deep multi-label classifiers for scikit-learn that choose what goes into each mini-batch."""

from importlib.metadata import version

from skd2ace.classifier import (
    CLIFClassifier,
    DELAClassifier,
    MultiLabelNetClassifier,
    PACAClassifier,
)

__all__ = ["CLIFClassifier", "DELAClassifier", "MultiLabelNetClassifier", "PACAClassifier"]

__version__ = version("skd2ace")

"""Deep multi-label classifiers for scikit-learn that choose what goes into each mini-batch."""

from importlib.metadata import version

from skd2ace.classifier import (
    CLIFClassifier,
    DELAClassifier,
    MultiLabelNetClassifier,
    PACAClassifier,
    TabMClassifier,
)

__all__ = [
    "CLIFClassifier",
    "DELAClassifier",
    "MultiLabelNetClassifier",
    "PACAClassifier",
    "TabMClassifier",
]

__version__ = version("skd2ace")

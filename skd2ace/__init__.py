"""Deep multi-label classifiers for scikit-learn that choose what goes into each mini-batch."""

from importlib.metadata import version

from skd2ace.classifier import (
    C2AEClassifier,
    CLIFClassifier,
    DELAClassifier,
    ImageClassifier,
    MPVAEClassifier,
    MultiLabelNetClassifier,
    PACAClassifier,
    TabMClassifier,
)

__all__ = [
    "C2AEClassifier",
    "CLIFClassifier",
    "DELAClassifier",
    "ImageClassifier",
    "MPVAEClassifier",
    "MultiLabelNetClassifier",
    "PACAClassifier",
    "TabMClassifier",
]

__version__ = version("skd2ace")

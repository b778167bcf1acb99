"""Deep multi-label classifiers for scikit-learn, trained on batches that a selector may choose."""

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

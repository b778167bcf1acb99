"""Estimators: networks with everything that scikit-learn and skorch users expect."""

from ._clif import CLIFClassifier
from ._dela import DELAClassifier
from ._net import MultiLabelNetClassifier
from ._paca import PACAClassifier
from ._tabm import TabMClassifier

__all__ = [
    "CLIFClassifier",
    "DELAClassifier",
    "MultiLabelNetClassifier",
    "PACAClassifier",
    "TabMClassifier",
]

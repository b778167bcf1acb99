"""Estimators: networks with everything that scikit-learn and skorch users expect."""

from ._clif import CLIFClassifier
from ._net import MultiLabelNetClassifier

__all__ = ["CLIFClassifier", "MultiLabelNetClassifier"]

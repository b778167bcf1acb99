"""Estimators: networks with everything that scikit-learn and skorch users expect."""

from ._c2ae import C2AEClassifier
from ._clif import CLIFClassifier
from ._dela import DELAClassifier
from ._image import ImageClassifier
from ._mpvae import MPVAEClassifier
from ._net import MultiLabelNetClassifier
from ._paca import PACAClassifier
from ._tabm import TabMClassifier

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

"""What a fitted estimator or a table of results shows: displays, which draw when they are told to.

They keep numbers, as scikit-learn's do; drawing needs matplotlib, and results need pandas
(``pip install 'skd2ace[benchmark]'`` has both).
"""

from ._ablation import AblationDisplay
from ._critical_difference import CriticalDifferenceDisplay
from ._efficiency import EfficiencyDisplay
from ._label_correlation import LabelCorrelationDisplay
from ._label_curves import LabelCurvesDisplay
from ._label_embedding import LabelEmbeddingDisplay
from ._label_report import LabelReport
from ._label_weights import LabelWeightsDisplay
from ._reliability import ReliabilityDisplay
from ._selection import SelectionDisplay
from ._selection_deciles import SelectionDecilesDisplay
from ._sensitivity import SensitivityDisplay
from ._training_curves import TrainingCurvesDisplay

__all__ = [
    "AblationDisplay",
    "CriticalDifferenceDisplay",
    "EfficiencyDisplay",
    "LabelCorrelationDisplay",
    "LabelCurvesDisplay",
    "LabelEmbeddingDisplay",
    "LabelReport",
    "LabelWeightsDisplay",
    "ReliabilityDisplay",
    "SelectionDecilesDisplay",
    "SelectionDisplay",
    "SensitivityDisplay",
    "TrainingCurvesDisplay",
]

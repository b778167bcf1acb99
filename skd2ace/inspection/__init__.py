"""What a fitted estimator or a table of results shows: displays, which draw when they are told to.

They keep numbers, as scikit-learn's do; drawing needs matplotlib, and results need pandas
(``pip install 'skd2ace[benchmark]'`` has both).
"""

from ._ablation import AblationDisplay
from ._critical_difference import CriticalDifferenceDisplay
from ._efficiency import EfficiencyDisplay
from ._label_curves import LabelCurvesDisplay
from ._label_report import LabelReport
from ._reliability import ReliabilityDisplay
from ._selection import SelectionDisplay
from ._selection_deciles import SelectionDecilesDisplay
from ._sensitivity import SensitivityDisplay
from ._training_curves import TrainingCurvesDisplay

__all__ = [
    "AblationDisplay",
    "CriticalDifferenceDisplay",
    "EfficiencyDisplay",
    "LabelCurvesDisplay",
    "LabelReport",
    "ReliabilityDisplay",
    "SelectionDecilesDisplay",
    "SelectionDisplay",
    "SensitivityDisplay",
    "TrainingCurvesDisplay",
]

"""What a fitted estimator or a table of results shows: displays, which draw when they are told to.

They keep numbers, as scikit-learn's do; drawing needs matplotlib, and results need pandas
(``pip install 'skd2ace[benchmark]'`` has both).
"""

from ._critical_difference import CriticalDifferenceDisplay
from ._label_report import LabelReport

__all__ = ["CriticalDifferenceDisplay", "LabelReport"]

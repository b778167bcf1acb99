"""MULAN tables in one command: protocol, results, statistics, report.

``python -m skd2ace.benchmark --help`` says how; the same pieces serve scripts.
"""

from skd2ace.inspection import CriticalDifferenceDisplay

from ._mlknn import MLkNN
from .compare import Comparison
from .compare._functions import (
    average_ranks,
    critical_difference_diagram,
    differences,
    friedman,
    mean_table,
    ranks,
    wilcoxon_against,
)
from .compare._published import published
from .compare._statistics import FriedmanTest
from .report._means import format_means

# Over the package of the same name, which is at hand by its own modules only.
from .report._report import report
from .run._experiment import Experiment
from .run._methods import make_methods
from .run._store import Store

__all__ = [
    "Comparison",
    "CriticalDifferenceDisplay",
    "Experiment",
    "FriedmanTest",
    "MLkNN",
    "Store",
    "average_ranks",
    "critical_difference_diagram",
    "differences",
    "format_means",
    "friedman",
    "make_methods",
    "mean_table",
    "published",
    "ranks",
    "report",
    "wilcoxon_against",
]

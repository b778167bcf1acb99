"""MULAN tables in one command: protocol, results, statistics, report.

``python -m skd2ace.benchmark --help`` says how; the same pieces serve scripts.
"""

from ._diagram import CriticalDifferenceDisplay, critical_difference_diagram
from ._differences import differences
from ._experiment import Experiment
from ._means import format_means
from ._methods import make_methods
from ._mlknn import MLkNN
from ._published import published
from ._report import report
from ._statistics import FriedmanTest, average_ranks, friedman, mean_table, ranks, wilcoxon_against
from ._store import Store

__all__ = [
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

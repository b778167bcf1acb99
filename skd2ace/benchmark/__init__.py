"""MULAN tables in one command: protocol, results, statistics, report.

``python -m skd2ace.benchmark --help`` says how; the same pieces serve scripts.
"""

try:
    from ._diagram import CriticalDifferenceDisplay, critical_difference_diagram
    from ._mlknn import MLkNN
    from .compare._differences import differences
    from .compare._published import published
    from .compare._statistics import (
        FriedmanTest,
        average_ranks,
        friedman,
        mean_table,
        ranks,
        wilcoxon_against,
    )
    from .report._means import format_means
    from .report._report import report
    from .run._experiment import Experiment
    from .run._methods import make_methods
    from .run._store import Store
except ModuleNotFoundError as error:
    missing = str(error.name).partition(".")[0]
    if missing == "skd2ace":
        raise
    raise ImportError(
        f"skd2ace.benchmark needs {missing}: `pip install 'skd2ace[benchmark]'`."
    ) from error

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

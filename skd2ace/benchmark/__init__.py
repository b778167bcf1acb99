"""MULAN tables in one command: protocol, results, statistics, report.

``python -m skd2ace.benchmark --help`` says how; the same pieces serve scripts.
"""

from typing import TYPE_CHECKING, Any

from skd2ace._renamed import warn_of_old_name

try:
    from skd2ace.inspection import CriticalDifferenceDisplay

    from .compare import Comparison
    from .compare._functions import (
        average_ranks,
        count_best,
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
    from .report._report import report, write_report
    from .run._exchange import export_fits, import_fits
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
    "Comparison",
    "CriticalDifferenceDisplay",
    "Experiment",
    "FriedmanTest",
    "Store",
    "average_ranks",
    "count_best",
    "critical_difference_diagram",
    "differences",
    "export_fits",
    "format_means",
    "friedman",
    "import_fits",
    "make_methods",
    "mean_table",
    "published",
    "ranks",
    "report",
    "wilcoxon_against",
    "write_report",
]

# For mypy a module with such a function has every name that anybody misspells.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "MLkNN":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from skd2ace.neighbors import MLkNN

        warn_of_old_name("skd2ace.benchmark.MLkNN", "skd2ace.neighbors.MLkNN")
        return MLkNN

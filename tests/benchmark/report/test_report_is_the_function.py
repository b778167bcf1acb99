"""``skd2ace.benchmark.report`` is the function, whichever module is imported first."""

import subprocess
import sys

import pytest

import skd2ace.benchmark

ORDERS = {
    "a module of the package first": "import skd2ace.benchmark.report._means",
    "by importlib": "import importlib; importlib.import_module('skd2ace.benchmark.report._html')",
    "the wing below first": "import skd2ace.benchmark.compare._comparison",
}


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_report_is_the_function(order):
    script = f"""{ORDERS[order]}
from skd2ace.benchmark import report
import skd2ace.benchmark
import skd2ace.benchmark.report._latex
from skd2ace.benchmark.report._report import report as same
assert report is same is skd2ace.benchmark.report
assert callable(report)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_after_all_tests_were_collected():
    assert callable(skd2ace.benchmark.report)


def test_the_display_is_one():
    from skd2ace import inspection

    assert skd2ace.benchmark.CriticalDifferenceDisplay is inspection.CriticalDifferenceDisplay

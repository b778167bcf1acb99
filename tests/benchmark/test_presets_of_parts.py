"""The presets that take D2ACE apart hold what the paper's figures compare."""

import pytest

from skd2ace.benchmark.run._presets import PRESETS
from skd2ace.selection import D2ACE


@pytest.mark.parametrize("name", ["ablation", "sensitivity"])
def test_methods_differ_by_their_selectors_only(name):
    methods = PRESETS[name].make_methods()
    selectors = [
        repr(method.get_params(deep=False)["batch_selector"]) for method in methods.values()
    ]
    others = {
        repr({k: v for k, v in method.get_params(deep=False).items() if k != "batch_selector"})
        for method in methods.values()
    }
    assert len(others) == 1
    assert repr(D2ACE()) in selectors
    # The sensitivity has the default twice, as a value of each parameter.
    assert len(set(selectors)) == len(selectors) - (name == "sensitivity")

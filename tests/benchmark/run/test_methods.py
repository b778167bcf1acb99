"""Methods by name, and with selectors of one's own."""

import numpy as np
import pytest

from skd2ace.benchmark import Experiment, make_methods
from skd2ace.selection import D2ACE, BatchSelector, HardImb


class Fancy(BatchSelector):
    """A selector of one's own."""

    def __init__(self, warmup_epochs=1, weights=None):
        self.warmup_epochs = warmup_epochs
        self.weights = weights


def test_selectors_that_are_made_already():
    selectors = ["random", D2ACE(), D2ACE(n_neighbors=4, window=3), HardImb(), Fancy()]
    methods = make_methods(["clif", "dela"], selectors)
    names = ["random", "d2ace", "D2ACE(n_neighbors=4, window=3)", "hard-imb", "Fancy"]
    assert list(methods) == [f"{network} {name}" for network in ("clif", "dela") for name in names]
    assert methods["clif Fancy"].batch_selector is selectors[-1]
    assert methods["clif D2ACE(n_neighbors=4, window=3)"].batch_selector.window == 3


def test_an_experiment_with_one(data):
    methods = make_methods(["clif"], [D2ACE(warmup_epochs=1)], max_epochs=2)
    results = Experiment({"d": data}, methods, 2).run(progress=False)
    assert results["method"].unique().tolist() == ["clif D2ACE(warmup_epochs=1)"]


def test_what_is_no_selector():
    with pytest.raises(TypeError, match=r"selectors must be names or selectors; got <class"):
        make_methods(["clif"], [D2ACE])
    with pytest.raises(TypeError, match="got None"):
        make_methods(["clif"], [None])


def test_selectors_that_look_alike():
    """Long arrays are not shown whole: one name must not stand for two methods."""
    alike = [Fancy(weights=np.arange(2000) * factor) for factor in (1, 1.0)]
    alike[1].weights[1000] = -1
    alike[0].weights = alike[0].weights * 1.0
    with pytest.raises(ValueError, match="Two selectors that differ are both shown as Fancy"):
        make_methods(["clif"], alike)
    assert list(make_methods(["clif"], [alike[0], alike[0]])) == [
        f"clif {' '.join(repr(alike[0]).split())}"
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_names_that_are_not_known(place):
    parts = [["clif"], ["d2ace"], ["mlknn"]]
    known = parts[place].pop()
    parts[place].append("d3ace")
    with pytest.raises(ValueError, match=f"There is no 'd3ace'; known are .*{known}"):
        make_methods(*parts)
    with pytest.raises(ValueError, match="There is no 'd3ace'"):
        make_methods(["d3ace"], [])

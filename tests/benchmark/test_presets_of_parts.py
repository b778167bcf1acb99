"""The presets that take D2ACE apart hold what the paper's figures compare."""

import pytest

from skd2ace.benchmark import __main__ as command
from skd2ace.benchmark import make_methods
from skd2ace.benchmark._arguments import make_parser
from skd2ace.benchmark.run._presets import PRESETS, set_networks
from skd2ace.benchmark.run._settings import describe_settings
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


def find_network(method):
    while hasattr(method, "estimator"):
        method = method.estimator
    return method


@pytest.mark.parametrize("name", ["ablation", "sensitivity", "selection-study"])
def test_networks_are_on_the_device_given_and_otherwise_as_they_were(name):
    methods = set_networks(PRESETS[name].make_methods(), max_epochs=None, device="meta")
    assert {find_network(method).device for method in methods.values()} == {"meta"}
    for key, method in PRESETS[name].make_methods().items():
        shown = [describe_settings(made, 2, 0, {}) for made in (method, methods[key])]
        assert shown[0] == shown[1]


def test_epochs_are_those_given_unless_the_methods_differ_in_them(tmp_path, capsys):
    actions = dict.fromkeys(("run", "report", "listing", "export", "take"), print)
    options = ["--epochs", "2", "--store", str(tmp_path / "s")]
    given = make_parser(**actions).parse_args(["run", "--preset", "ablation", *options])
    command._fill_in(given)
    methods = command._make_methods(given)
    assert {method.max_epochs for method in methods.values()} == {2}
    plain = make_methods(["clif"], ["d2ace"], max_epochs=2)["clif d2ace"]
    shown = [describe_settings(made, 2, 0, {}) for made in (methods["d2ace"], plain)]
    assert shown[0] == shown[1]
    assert command.main(["run", "--preset", "selection-study", *options]) == 2
    assert "--epochs is not for methods of a preset that differ" in capsys.readouterr().err

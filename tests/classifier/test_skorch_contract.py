"""What the library takes skorch for: its private parts, each by name, and the typed stubs.

To be run against the oldest and the newest skorch and scikit-learn that pyproject.toml allows.
"""

import ast
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest
import skorch
import torch
from sklearn.base import BaseEstimator
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, PrintLog
from torch import nn

import skd2ace
from skd2ace.classifier._skorch import SkorchNet

ROOT = Path(skd2ace.__file__).parent
STUBS = ROOT.parent / "stubs" / "skorch"
HOME = ROOT / "classifier" / "_skorch.py"
PRIVATE = {
    "_default_callbacks",
    "_routing_method",
    "_trimmed_for_prediction",
    "_uniquely_named_callbacks",
}


def private_names_of_skorch():
    """Names with one underscore that skorch's net has, gives itself or takes as a parameter."""
    names = set(dir(NeuralNet))
    for node in ast.walk(ast.parse(inspect.getsource(inspect.getmodule(NeuralNet)))):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
    private = {name for name in names if name.startswith("_") and not name.startswith("__")}
    return {name for name in private if name.isidentifier()} - set(dir(BaseEstimator))


def names_used(path):
    """Attributes, methods, keywords and the names that attributes are looked up by."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ClassDef):
            yield from (member.name for member in node.body if isinstance(member, ast.FunctionDef))
        elif isinstance(node, ast.keyword):
            yield node.arg
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "setattr"):
            yield getattr(node.args[1], "value", None)


def test_private_names_stand_in_one_place():
    theirs = private_names_of_skorch()
    assert theirs & set(names_used(HOME)) == PRIVATE
    for package in ("classifier", "training", "benchmark"):
        for path in (ROOT / package).rglob("*.py"):
            if path != HOME:
                assert not theirs & set(names_used(path)), path


class Counts(Callback):
    pass


class WithCallbacks(SkorchNet):
    def _make_default_callbacks(self):
        return [*super()._make_default_callbacks(), ("mine", Counts())]

    def fit_loop(self, X, y=None, epochs=None, **kwargs):
        self.routed_as_ = kwargs.get("_routing_method")
        return super().fit_loop(X, y, epochs, **kwargs)


@pytest.fixture
def net():
    return WithCallbacks(
        nn.Linear,
        nn.MSELoss,
        module__in_features=3,
        module__out_features=1,
        train_split=None,
        max_epochs=1,
        verbose=0,
        callbacks=[Counts, ("last", Counts)],
    )


def test_default_callbacks_are_what_a_net_has_without_being_given_any(net):
    names = [name for name, _ in net._make_default_callbacks()]
    assert names[0] == "epoch_timer"
    assert names[-2:] == ["print_log", "mine"]
    assert isinstance(dict(net._make_default_callbacks())["epoch_timer"], EpochTimer)
    # The last is what prints a line of all that came before.
    *_, last = SkorchNet._make_default_callbacks(net)
    assert isinstance(last[1], PrintLog)
    assert "callbacks__mine" in net.get_params(deep=True)
    net.initialize()
    assert {"mine", "Counts", "last"} <= dict(net.callbacks_).keys()


def test_named_callbacks_are_those_of_the_net_under_their_names(net):
    named = net._named_callbacks()
    net.initialize()
    assert list(named) == [name for name, _ in net.callbacks_]
    assert named["last"] is Counts


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_is_routed_as_the_method_it_is_for(net, method):
    X, y = np.zeros((4, 3), dtype="float32"), np.zeros((4, 1), dtype="float32")
    assert net._run_training(X, y, method) is net
    assert net.routed_as_ == method
    assert len(net.history) == 1


def test_a_trimmed_net_says_so(net):
    X, y = np.zeros((4, 3), dtype="float32"), np.zeros((4, 1), dtype="float32")
    net.fit(X, y)
    assert not net._is_trimmed
    net.trim_for_prediction()
    assert net._is_trimmed


def test_prefixes_name_all_components_that_training_changes():
    class Two(NeuralNet):
        def initialize_module(self):
            super().initialize_module()
            self.second_ = nn.Linear(1, 1)
            return self

        def initialize_optimizer(self):
            super().initialize_optimizer()
            self.second_optimizer_ = torch.optim.SGD(self.second_.parameters(), lr=0.1)
            return self

    net = Two(nn.Linear, nn.MSELoss, module__in_features=1, module__out_features=1).initialize()
    assert {"module", "criterion", "optimizer", "second", "second_optimizer"} <= set(net.prefixes_)


def stubbed(path):
    """The classes and functions of a stub file: name, or class and name, and the definition."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield node.name, None
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    yield f"{node.name}.{member.name}", member


def module_of(path):
    parts = path.relative_to(STUBS.parent).with_suffix("").parts
    return importlib.import_module(".".join(parts).removesuffix(".__init__"))


STUBBED = [(path, *thing) for path in sorted(STUBS.rglob("*.pyi")) for thing in stubbed(path)]


@pytest.mark.parametrize(
    ("path", "name", "definition"),
    STUBBED,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_stubs_are_of_this_skorch(path, name, definition):
    assert skorch.__version__
    thing = module_of(path)
    for part in name.split("."):
        thing = inspect.getattr_static(thing, part, None) or getattr(thing, part)
    if definition is None or isinstance(thing, property):
        return
    taken = inspect.signature(thing).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    declared = definition.args
    for argument in (*declared.args, *declared.kwonlyargs):
        assert argument.arg in taken or takes_any, f"{name} takes no {argument.arg}"
    required = {
        p.name
        for p in taken.values()
        if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }
    assert required <= {argument.arg for argument in declared.args}, f"{name} wants more"

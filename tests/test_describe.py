"""What tells settings apart: exact, short, and the end of it is reached."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EarlyStopping

from skd2ace._describe import describe, describe_architecture, digest

DIFFERENT = [
    1, "1", True, 1.5, None, "None", "a", ["a"], [["a"]], ("a", ["b", "c"]), (["a", "b"], "c"),
    {"a": 1}, [["a", 1]], {1: "a"}, {"name": "json.dumps"}, json.dumps, {"json.dumps"}, set(),
    np.array([1, 2]), np.array([1, 2], np.int32), np.array([[1, 2]]), np.array([1, 3]),
    np.array(["1", 2], object), {"C": 1.0}, LogisticRegression(), LogisticRegression(C=2),
    {"LogisticRegression": LogisticRegression().get_params()}, '"a', "\\a", "é",
]  # fmt: skip


def test_what_is_different_is_shown_so():
    assert len({describe(thing) for thing in DIFFERENT}) == len(DIFFERENT)
    assert len({describe([thing]) for thing in DIFFERENT}) == len(DIFFERENT)


def test_order_matters_where_it_does():
    assert describe({"a", "b", "c"}) == describe({"c", "b", "a"})
    assert describe({1: "a", 2: "b"}) != describe({2: "b", 1: "a"})


def test_nested_estimators_stay_short():
    """Each level adds what it has of its own: it was 16 times the level below."""
    est, lengths = LogisticRegression(), []
    for _ in range(8):
        lengths.append(len(describe(est)))
        est = OneVsRestClassifier(make_pipeline(StandardScaler(), est))
    assert len(set(np.diff(lengths)[1:])) == 1
    found = json.loads(describe(est))
    for _ in range(8):
        (_, scaler), (_, found) = found["OneVsRestClassifier"]["estimator"]["Pipeline"]["steps"]
        assert scaler["StandardScaler"]["with_mean"] is True
    assert found["LogisticRegression"]["C"] == 1.0


class Node:
    def __init__(self, follower=None):
        self.follower = follower


def holding_itself():
    items, table, node = [], {}, Node()
    items.append([items])
    table["table"] = {"a": table}
    node.follower = (Node(node),)
    stop = EarlyStopping()
    stop.monitor = make_pipeline(stop)
    module = torch.nn.Linear(2, 2)
    module.friends = [module]
    chain = Node()
    for _ in range(2000):
        chain = Node(chain)
    return [items, table, node, stop, module, chain]


@pytest.mark.parametrize("place", range(6))
def test_what_holds_itself_has_an_end(place):
    thing, twin = holding_itself()[place], holding_itself()[place]
    assert len(digest(thing)) == 16
    if not isinstance(thing, torch.nn.Module):
        assert describe(thing) == describe(twin)
    is_module = isinstance(thing, torch.nn.Module)
    assert "within" in (describe_architecture if is_module else describe)(thing)


def test_an_object_that_is_there_twice_is_no_circle():
    part = LogisticRegression()
    assert describe([part, [part]]) == describe([LogisticRegression(), [LogisticRegression()]])


def test_plain_settings_read_as_they_are_written():
    assert [describe(5), describe(0.5), describe("mean"), describe((30, 70))] == [
        "5",
        "0.5",
        '"mean"',
        "[30, 70]",
    ]
    assert describe(torch.optim.AdamW).endswith(".AdamW")


def scale_by(factor, shift=0):
    return lambda x, y=shift: x * factor + y


def call_itself():
    def inner(x):
        return inner(x)

    return inner


def transform_by(scaler):
    return lambda X: scaler.transform(X)


def average():
    import numpy as np

    return lambda X: np.mean(X)


class Ruler:
    def __init__(self, unit):
        self.unit = unit

    def __repr__(self):
        return "Ruler()"

    def measure(self, x):
        return x / self.unit


X = np.arange(6.0).reshape(3, 2)
OF_ONE_NAME = [
    lambda: lambda x: x + 1,
    lambda: lambda x: x + 2,
    lambda: lambda x: x.real,
    lambda: lambda x: x.imag,
    lambda: lambda x, y: x - y,
    lambda: lambda y, x: y - x,
    lambda: scale_by(2),
    lambda: scale_by(3),
    lambda: scale_by(2, shift=1),
    lambda: scale_by(scale_by(2)),
    lambda: scale_by(scale_by(3)),
    lambda: partial(scale_by(2), y=1),
    call_itself,
    lambda: Ruler(1).measure,
    lambda: Ruler(2).measure,
    lambda: Ruler(scale_by(2)).measure,
    lambda: StandardScaler().fit(X).transform,
    lambda: StandardScaler().fit(2 * X).transform,
    lambda: transform_by(StandardScaler().fit(X)),
    lambda: transform_by(StandardScaler().fit(2 * X)),
    average,
    lambda: torch.zeros(2).add,
    lambda: torch.ones(2).add,
]


def test_functions_of_one_name_are_told_apart_by_what_they_do():
    shown = [describe(make()) for make in OF_ONE_NAME]
    assert len(set(shown)) == len(shown)
    assert shown == [describe(make()) for make in OF_ONE_NAME], "made again, they are the same"
    assert max(map(len, shown)) < 5000


@pytest.mark.parametrize("named", [json.dumps, np.mean, scale_by, Ruler.measure, len, torch.relu])
def test_functions_that_a_name_leads_to_are_shown_by_it(named):
    assert describe(named) == f"{named.__module__}.{named.__qualname__}"


def test_a_variable_that_is_not_set_yet():
    def before():
        return after

    assert describe(before)
    after = 1
    assert describe(before) != describe(call_itself())

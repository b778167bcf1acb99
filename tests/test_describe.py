"""What tells settings apart: exact, short, and the end of it is reached."""

import json

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

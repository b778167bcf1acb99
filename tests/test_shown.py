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

from skd2ace._shown import architecture, digest, shown

DIFFERENT = [
    1, "1", True, 1.5, None, "None", "a", ["a"], [["a"]], ("a", ["b", "c"]), (["a", "b"], "c"),
    {"a": 1}, [["a", 1]], {1: "a"}, {"name": "json.dumps"}, json.dumps, {"json.dumps"}, set(),
    np.array([1, 2]), np.array([1, 2], np.int32), np.array([[1, 2]]), np.array([1, 3]),
    np.array(["1", 2], object), {"C": 1.0}, LogisticRegression(), LogisticRegression(C=2),
    {"LogisticRegression": LogisticRegression().get_params()}, '"a', "\\a", "é",
]  # fmt: skip


def test_what_is_different_is_shown_so():
    assert len({shown(thing) for thing in DIFFERENT}) == len(DIFFERENT)
    assert len({shown([thing]) for thing in DIFFERENT}) == len(DIFFERENT)


def test_order_matters_where_it_does():
    assert shown({"a", "b", "c"}) == shown({"c", "b", "a"})
    assert shown({1: "a", 2: "b"}) != shown({2: "b", 1: "a"})


def test_nested_estimators_stay_short():
    """Each level adds what it has of its own: it was 16 times the level below."""
    est, lengths = LogisticRegression(), []
    for _ in range(8):
        lengths.append(len(shown(est)))
        est = OneVsRestClassifier(make_pipeline(StandardScaler(), est))
    assert len(set(np.diff(lengths)[1:])) == 1
    found = json.loads(shown(est))
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
        assert shown(thing) == shown(twin)
    assert "within" in (architecture if isinstance(thing, torch.nn.Module) else shown)(thing)


def test_an_object_that_is_there_twice_is_no_circle():
    part = LogisticRegression()
    assert shown([part, [part]]) == shown([LogisticRegression(), [LogisticRegression()]])


def test_plain_settings_read_as_they_are_written():
    assert [shown(5), shown(0.5), shown("mean"), shown((30, 70))] == [
        "5",
        "0.5",
        '"mean"',
        "[30, 70]",
    ]
    assert shown(torch.optim.AdamW).endswith(".AdamW")

"""Estimators small enough to fit in a moment."""

import pytest

from skd2ace import CLIFClassifier, MultiLabelNetClassifier
from skd2ace.selection import D2ACE


@pytest.fixture
def make(mlp):
    """Make an MLP classifier with D2ACE in a few epochs."""

    def make_classifier(**params):
        settings = {
            "batch_selector": D2ACE(n_neighbors=3, warmup_epochs=2),
            "max_epochs": 5,
            "batch_size": 16,
            "lr": 0.01,
            "random_state": 0,
            "verbose": 0,
        }
        return MultiLabelNetClassifier(mlp, **(settings | params))

    return make_classifier


@pytest.fixture
def make_clif():
    """Make a small CLIF with D2ACE in a few epochs."""

    def make_classifier(**params):
        settings = {
            "module__hidden_size": 16,
            "module__embedding_size": 8,
            "batch_selector": D2ACE(n_neighbors=3, warmup_epochs=2),
            "max_epochs": 5,
            "batch_size": 16,
            "lr": 0.01,
            "random_state": 0,
            "verbose": 0,
        }
        return CLIFClassifier(**(settings | params))

    return make_classifier


@pytest.fixture(params=["mlp", "clif"])
def make_any(request, make, make_clif):
    return {"mlp": make, "clif": make_clif}[request.param]

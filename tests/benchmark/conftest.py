"""What several tests of the benchmark share."""

import numpy as np
import pandas as pd
import pytest

from skd2ace import CLIFClassifier
from skd2ace.benchmark.run import _mulan


@pytest.fixture
def clif():
    """Make a network that is small enough to be fitted often."""

    def make(**params):
        small = {"module__hidden_size": 16, "module__embedding_size": 8, "max_epochs": 3}
        return CLIFClassifier(**(small | {"verbose": 0} | params))

    return make


@pytest.fixture
def made_up(monkeypatch, data):
    """Data sets of the registry, all with the same made-up data."""
    monkeypatch.setattr(_mulan, "fetch_mulan", lambda name, **_: data)


@pytest.fixture
def frame():
    """Results from {(dataset, method): numbers of folds}, or of folds x seeds."""

    def make(cells, metric="macro_auc"):
        return pd.DataFrame(
            {"dataset": dataset, "method": method, "fold": fold, "seed": seed, metric: value}
            for (dataset, method), folds in cells.items()
            for fold, seeds in enumerate(folds)
            for seed, value in enumerate(np.atleast_1d(seeds))
        )

    return make

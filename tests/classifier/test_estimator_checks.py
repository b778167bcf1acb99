"""scikit-learn's own checks, every one of them, on settings that learn something."""

from functools import partial

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator
from torch import nn

from skd2ace import CLIFClassifier, DELAClassifier, MultiLabelNetClassifier, PACAClassifier

SETTINGS = {"verbose": 0, "random_state": 0}


def make_mlp(n_features, n_labels):
    return nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, n_labels))


ESTIMATORS = [
    MultiLabelNetClassifier(make_mlp, max_epochs=60, batch_size=16, lr=0.02, **SETTINGS),
    CLIFClassifier(max_epochs=12, batch_size=32, lr=0.005, **SETTINGS),
    DELAClassifier(max_epochs=12, batch_size=32, lr=0.005, **SETTINGS),
    PACAClassifier(max_epochs=12, batch_size=32, lr=0.005, **SETTINGS),
]


def name(value):
    """The class of an estimator, or a check and its settings."""
    if not isinstance(value, partial):
        return type(value).__name__
    settings = ",".join(f"{key}={setting}" for key, setting in value.keywords.items())
    return f"{value.func.__name__}({settings})" if settings else value.func.__name__


# parametrize_with_checks names tests by the repr of the estimator, here with make_mlp's address;
# pytest-xdist needs the same names in every process.
@pytest.mark.parametrize(
    ("estimator", "check"),
    [pair for estimator in ESTIMATORS for pair in estimator_checks_generator(estimator)],
    ids=name,
)
def test_scikit_learn(estimator, check):
    check(estimator)

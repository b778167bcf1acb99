"""scikit-learn's own checks, every one of them, on settings that learn something."""

from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from skd2ace import CLIFClassifier, DELAClassifier, MultiLabelNetClassifier, PACAClassifier

SETTINGS = {"verbose": 0, "random_state": 0}


def make_mlp(n_features, n_labels):
    return nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, n_labels))


@parametrize_with_checks(
    [
        MultiLabelNetClassifier(make_mlp, max_epochs=60, batch_size=16, lr=0.02, **SETTINGS),
        CLIFClassifier(max_epochs=12, batch_size=32, lr=0.005, **SETTINGS),
        DELAClassifier(max_epochs=12, batch_size=32, lr=0.005, **SETTINGS),
        PACAClassifier(max_epochs=12, batch_size=32, lr=0.005, **SETTINGS),
    ]
)
def test_scikit_learn(estimator, check):
    check(estimator)

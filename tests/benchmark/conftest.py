"""What several tests of the benchmark share."""

import pytest

from skd2ace import CLIFClassifier


@pytest.fixture
def clif():
    """Make a network that is small enough to be fitted often."""

    def make(**params):
        small = {"module__hidden_size": 16, "module__embedding_size": 8, "max_epochs": 3}
        return CLIFClassifier(**(small | {"verbose": 0} | params))

    return make

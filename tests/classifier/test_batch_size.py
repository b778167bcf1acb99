"""``batch_size="auto"``, and the number of instances that batches then have."""

import math

import numpy as np
import pytest
from skorch.callbacks import Callback

from skd2ace import MultiLabelNetClassifier
from skd2ace.classifier._batch_size import choose_batch_size


@pytest.mark.parametrize("n_instances", [1, 2, 100, 600, 2417, 5000, 20_000, 70_000, 10**7])
def test_auto_is_the_power_of_two_next_to_it(n_instances):
    goal = math.sqrt(2 * n_instances)
    nearest = min([32, 64, 128, 256], key=lambda size: abs(math.log(size / goal)))
    assert choose_batch_size("auto", n_instances) == nearest


@pytest.mark.parametrize(("given", "chosen"), [(7, 7), (1000, 1000), (-1, 60), (np.int8(9), 9)])
def test_numbers_are_taken_as_they_are(given, chosen):
    assert choose_batch_size(given, 60) == chosen


class Counts(Callback):
    def initialize(self):
        self.sizes = []
        return self

    def on_batch_begin(self, net, batch, training, **kwargs):
        if training:
            self.sizes.append(len(batch[0]))


@pytest.mark.parametrize(
    ("given", "n", "size"), [("auto", 60, 32), ("auto", 7000, 128), (-1, 90, 81)]
)
@pytest.mark.parametrize("has_selector", [False, True])
def test_batches_have_it(make, mlp, given, n, size, has_selector):
    """It goes by the rows that are trained on, nine tenths here."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(n, 3)), rng.integers(0, 2, (n, 2))
    counts = Counts()
    params = {"batch_size": given, "max_epochs": 1, "callbacks": [counts]}
    if has_selector:
        est = make(**params)
    else:
        est = MultiLabelNetClassifier(mlp, random_state=0, verbose=0, **params)
    est.fit(X, Y)
    assert est.batch_size_ == size
    assert counts.sizes[0] == size
    assert len(counts.sizes) == math.ceil(len(est.train_indices_) / size)


@pytest.mark.parametrize("given", ["automatic", 0, -2, 2.5])
def test_what_is_no_batch_size(make, data, given):
    with pytest.raises(ValueError, match="'batch_size' parameter"):
        make(batch_size=given).fit(*data)

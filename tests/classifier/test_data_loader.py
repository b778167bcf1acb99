"""Training on an iterator that no selector can be told of: torch's DataLoader."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader

from skd2ace import MultiLabelNetClassifier
from skd2ace.selection import D2ACE
from skd2ace.training import SelectedBatches


class Loader(DataLoader):
    pass


def train_by_hand(X, Y, n_epochs, batch_size, lr):
    """Plain PyTorch: rows in order, weights from 0, stochastic gradient descent."""
    layer = nn.Linear(X.shape[1], Y.shape[1])
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    for _ in range(n_epochs):
        for rows, labels in zip(X.split(batch_size), Y.split(batch_size), strict=True):
            layer.zero_grad()
            binary_cross_entropy_with_logits(layer(rows), labels).backward()
            for parameter in layer.parameters():
                parameter.data -= lr * parameter.grad
    return layer


def make_zeros(n_features, n_labels):
    layer = nn.Linear(n_features, n_labels)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


@pytest.mark.parametrize("iterator", [DataLoader, Loader, partial(DataLoader, drop_last=False)])
def test_trains_in_its_order(data, iterator):
    X, Y = (torch.tensor(part, dtype=torch.float32) for part in data)
    expected = train_by_hand(X, Y, n_epochs=3, batch_size=16, lr=0.5)
    est = MultiLabelNetClassifier(
        make_zeros,
        iterator_train=iterator,
        optimizer=torch.optim.SGD,
        lr=0.5,
        max_epochs=3,
        batch_size=16,
        train_split=None,
        verbose=0,
    ).fit(*data)
    assert "batch_selection" not in dict(est.callbacks_)
    logits = expected(X).detach().numpy()
    np.testing.assert_allclose(est.decision_function(data[0]), logits, atol=1e-5)


def test_shuffles_by_the_seed(make, data, assert_same):
    loader = {"iterator_train": DataLoader, "iterator_train__shuffle": True, "batch_selector": None}
    est = make(**loader).fit(*data)
    before = torch.get_rng_state()
    assert_same(make(**loader).fit(*data), est, data[0])
    assert torch.equal(torch.get_rng_state(), before)
    other = make(**loader, random_state=1).fit(*data)
    assert (other.predict_proba(data[0]) != est.predict_proba(data[0])).any()


def test_goes_on(make, data, mlp, assert_same, tmp_path):
    loader = {"iterator_train": DataLoader, "batch_selector": None}
    est = make(**loader).fit(*data)
    est.save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", module=mlp, iterator_train=DataLoader)
    assert_same(again.partial_fit(*data), est.partial_fit(*data), data[0])


@pytest.mark.parametrize("callbacks", [None, "disable"])
def test_a_selector_needs_an_iterator_that_it_can_tell(make, data, callbacks):
    est = make(iterator_train=DataLoader, batch_selector=D2ACE(), callbacks=callbacks)
    with pytest.raises((TypeError, ValueError), match="BatchSelection"):
        est.fit(*data)


def test_set_after_a_fit(make, data):
    est = make(batch_selector=None).fit(*data)
    est.set_params(iterator_train=DataLoader).partial_fit(*data)
    assert "batch_selection" not in dict(est.callbacks_)
    with pytest.raises(TypeError, match="SelectedBatches"):
        est.set_params(batch_selector=D2ACE(warmup_epochs=1)).partial_fit(*data)
    est.set_params(iterator_train=SelectedBatches).partial_fit(*data)
    assert isinstance(est.batch_selector_, D2ACE)
    est.set_params(iterator_train=DataLoader, batch_selector=None).partial_fit(*data)
    est.batch_selector = D2ACE()
    with pytest.raises(ValueError, match="BatchSelection"):
        est.partial_fit(*data)

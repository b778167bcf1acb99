"""Where torch's default type is float64, all is trained in float32 to the same bits."""

import inspect
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import skd2ace.selection
from skd2ace import MultiLabelNetClassifier
from skd2ace.selection import BatchSelector

SELECTORS = [
    cls
    for name in skd2ace.selection.__all__
    if inspect.isclass(cls := getattr(skd2ace.selection, name)) and BatchSelector in cls.__mro__[1:]
]


@pytest.fixture
def in_both():
    """Call a function under the usual default type and under float64, and give both results."""
    yield lambda function: (function(), in_double(function))
    assert torch.get_default_dtype() is torch.float32


def in_double(function):
    torch.set_default_dtype(torch.float64)
    try:
        result = function()
        assert torch.get_default_dtype() is torch.float64
        return result
    finally:
        torch.set_default_dtype(torch.float32)


def dtypes(tensors):
    return {name: t.dtype for name, t in tensors.items() if isinstance(t, torch.Tensor)}


def selectors(cls):
    warm = {"warmup_epochs": 1} if "warmup_epochs" in cls().get_params() else {}
    usual = cls(**warm)
    if not hasattr(cls, "reference"):
        return [usual]
    return [usual, cls.reference(warmup_epochs=1, mix_epochs=(1, 3))]


@pytest.mark.parametrize("cls", SELECTORS)
def test_selectors(make, data, in_both, cls):
    def train(selector):
        est = make(batch_selector=selector, max_epochs=4).fit(*data)
        return est.predict_proba(data[0]), dtypes(est.batch_selector_.state_dict())

    for selector in selectors(cls):
        (proba, state), (proba_double, state_double) = in_both(partial(train, selector))
        np.testing.assert_array_equal(proba_double, proba)
        assert state_double == state


def test_networks(make_any, data, in_both, assert_same, tmp_path):
    def train_and_load():
        est = make_any().fit(*data)
        est.save(tmp_path / "est")
        own = {} if type(est) is not MultiLabelNetClassifier else {"module": est.module}
        again = type(est).load(tmp_path / "est", **own)
        assert_same(again, est, data[0])
        return again.partial_fit(*data)

    usual, double = in_both(train_and_load)
    assert_same(double, usual, data[0])
    floating = [t.dtype for t in double.module_.state_dict().values() if t.is_floating_point()]
    assert set(floating) == {torch.float32}


def test_module_criterion_and_data_of_the_default_type(data):
    X, Y = map(torch.tensor, data)

    def train():
        module = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4))
        criterion = nn.BCEWithLogitsLoss(pos_weight=torch.ones(4))
        est = MultiLabelNetClassifier(
            module, criterion=criterion, max_epochs=2, random_state=0, verbose=0
        )
        est.fit(X.double(), Y.double())
        assert next(module.parameters()).dtype is torch.get_default_dtype(), "the user's own"
        return est

    est = in_double(train)
    assert {t.dtype for t in est.module_.parameters()} == {torch.float32}
    assert est.criterion_.pos_weight.dtype is torch.float32
    assert est.predict(X).shape == Y.shape


def test_a_failed_start_leaves_the_default_type(data):
    def fail():
        with pytest.raises(ValueError, match="one logit per"):
            MultiLabelNetClassifier(lambda n_features: nn.Linear(n_features, 9), verbose=0).fit(
                *data
            )
        with pytest.raises(ZeroDivisionError):
            MultiLabelNetClassifier(lambda: 1 / 0, verbose=0).fit(*data)

    in_double(fail)

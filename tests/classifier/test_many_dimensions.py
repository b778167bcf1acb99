"""Features of more than two dimensions, and modules that take their sizes from the first batch."""

import copy
import inspect
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict
from torch import nn

import skd2ace.selection
from skd2ace import (
    C2AEClassifier,
    CLIFClassifier,
    DELAClassifier,
    MPVAEClassifier,
    MultiLabelNetClassifier,
    PACAClassifier,
)
from skd2ace.networks import CLIF
from skd2ace.selection import D2ACE, BatchSelector, HardImb
from skd2ace.training import Checkpointing

SELECTORS = [
    cls
    for name in skd2ace.selection.__all__
    if inspect.isclass(cls := getattr(skd2ace.selection, name)) and BatchSelector in cls.__mro__[1:]
]


def make_cnn(n_features, n_labels):
    return nn.Sequential(
        nn.Conv2d(n_features, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, n_labels)
    )


def make_lazy_cnn(n_labels):
    return nn.Sequential(
        nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(n_labels)
    )


class Recurrent(nn.Module):
    """Over X (n, t, d): the last state of a GRU."""

    def __init__(self, n_labels):
        super().__init__()
        self.gru, self.out = nn.GRU(4, 8, batch_first=True), nn.LazyLinear(n_labels)

    def forward(self, X):
        return self.out(self.gru(X)[0][:, -1])


def labels_of(X):
    flat = X.reshape(len(X), -1)
    return (flat @ np.random.default_rng(1).normal(size=(flat.shape[1], 3)) > 0).astype(int)


IMAGES = np.random.default_rng(0).normal(size=(40, 3, 5, 5))
SERIES = np.random.default_rng(0).normal(size=(40, 6, 4))
CASES = {"cnn": (make_cnn, IMAGES), "lazy": (make_lazy_cnn, IMAGES), "gru": (Recurrent, SERIES)}


def make(module, **params):
    settings = {"max_epochs": 3, "batch_size": 16, "lr": 0.01, "random_state": 0, "verbose": 0}
    return MultiLabelNetClassifier(module, **settings | params)


@pytest.fixture(params=CASES)
def case(request):
    module, X = CASES[request.param]
    return module, X, labels_of(X)


@pytest.mark.parametrize("cls", SELECTORS)
def test_trains_with_every_selector(cls):
    warm = {"warmup_epochs": 1} if "warmup_epochs" in cls().get_params() else {}
    est = make(make_cnn, batch_selector=cls(**warm)).fit(IMAGES, labels_of(IMAGES))
    assert est.n_features_in_ == 3
    assert len(est.history) == 3


@pytest.mark.parametrize("cls", [D2ACE, HardImb])
def test_neighbours_are_those_of_flattened_rows(cls):
    """One that flattens by itself is the same network, on rows that are flat already."""

    def make_flat(n_labels):
        return nn.Sequential(nn.Flatten(), nn.Linear(75, n_labels))

    selector = {"batch_selector": cls(warmup_epochs=1)}
    Y, flat = labels_of(IMAGES), IMAGES.reshape(40, -1)
    images = make(make_flat, **selector).fit(IMAGES, Y).predict_proba(IMAGES)
    np.testing.assert_array_equal(
        images, make(make_flat, **selector).fit(flat, Y).predict_proba(flat)
    )


def test_forms(case):
    module, X, Y = case
    expected = make(module).fit(X, Y).predict_proba(X)
    for form in (X.astype(np.float32), torch.tensor(X), X.tolist()):
        np.testing.assert_array_equal(make(module).fit(form, Y).predict_proba(form), expected)


def test_prediction_does_not_depend_on_the_others(case):
    module, X, Y = case
    est = make(module).fit(X, Y)
    proba = est.predict_proba(X)
    assert est.predict(X).shape == Y.shape
    with torch.no_grad():
        logits = est.module_.eval()(torch.tensor(X, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(est.decision_function(X), logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(est.predict_proba(X[:3]), proba[:3])


def test_goes_on_from_files(case, assert_same, tmp_path):
    module, X, Y = case
    est = make(module, batch_selector=D2ACE(warmup_epochs=1), max_epochs=4)
    est.set_params(callbacks=[Checkpointing(tmp_path / "run")]).fit(X, Y)
    (tmp_path / "run" / "epoch-000004.skd2ace").unlink()
    assert_same(clone(est).fit(X, Y, resume=tmp_path / "run"), est, X)
    with pytest.raises(ValueError, match="other data"):
        clone(est).fit(X + 1, Y, resume=tmp_path / "run")
    est.set_params(callbacks=None)
    est.save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", module=module)
    assert_same(again, est, X)
    assert_same(pickle.loads(pickle.dumps(est)), est, X)
    assert_same(again.partial_fit(X, Y), copy.deepcopy(est).partial_fit(X, Y), X)


def test_model_selection(case):
    module, X, Y = case
    assert cross_val_predict(make(module), X, Y, cv=2).shape == Y.shape
    search = GridSearchCV(make(module, warm_start=True), {"lr": [0.01, 0.1]}, cv=2)
    assert search.set_params(error_score="raise").fit(X, Y).predict(X).shape == Y.shape


@pytest.mark.parametrize("module", [make_lazy_cnn(3), Recurrent(3)])
def test_lazy_instances(module):
    """The parameter stays as it was, without sizes, and optimizers see those of the copy."""
    X = SERIES if isinstance(module, Recurrent) else IMAGES
    Y = labels_of(X)
    seen = []

    class Optimizer(torch.optim.Adam):
        def __init__(self, params, **kwargs):
            groups = list(params)
            seen.extend(p.numel() for group in groups for p in group["params"])
            super().__init__(groups, **kwargs)

    est = make(module, optimizer=Optimizer).fit(X, Y)
    assert sum(seen) == sum(p.numel() for p in est.module_.parameters())
    assert any(map(nn.parameter.is_lazy, module.parameters()))


@pytest.mark.parametrize(
    "cls", [CLIFClassifier, DELAClassifier, PACAClassifier, MPVAEClassifier, C2AEClassifier]
)
def test_published_networks_want_a_matrix(cls):
    with pytest.raises(ValueError, match=r"dim 4.*" + cls.__name__):
        cls().fit(IMAGES, labels_of(IMAGES))


@pytest.mark.parametrize("n_steps", [6, 4])
def test_a_module_for_a_matrix_says_what_to_do(mlp, n_steps):
    X = SERIES[:, :n_steps]
    with pytest.raises(ValueError, match=r"one logit per instance|X\.reshape\(len\(X\), -1\)"):
        make(mlp).fit(X, labels_of(X))
    with pytest.raises(ValueError, match=r"X\.reshape\(len\(X\), -1\)"):
        make(CLIF).fit(X, labels_of(X))
    assert make(mlp).fit(X.reshape(len(X), -1), labels_of(X)).n_features_in_ == n_steps * 4


def test_not_finite():
    X = IMAGES.copy()
    X[3, 1, 2, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        make(make_cnn).fit(X, labels_of(IMAGES))

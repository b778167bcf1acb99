"""Estimators small enough to fit in a moment, and how two of them are compared."""

import numpy as np
import pytest

from skd2ace import (
    C2AEClassifier,
    CLIFClassifier,
    DELAClassifier,
    MPVAEClassifier,
    MultiLabelNetClassifier,
    PACAClassifier,
    TabMClassifier,
)
from skd2ace.selection import D2ACE


def settings(**params):
    """Few epochs of D2ACE; a new selector each time, since tests change its parameters."""
    return {
        "batch_selector": D2ACE(n_neighbors=3, warmup_epochs=0.25),
        "max_epochs": 5,
        "batch_size": 16,
        "lr": 0.01,
        "random_state": 0,
        "verbose": 0,
        **params,
    }


@pytest.fixture
def make(mlp):
    """Make an MLP classifier with D2ACE in a few epochs."""

    def make_classifier(**params):
        return MultiLabelNetClassifier(mlp, **settings(**params))

    return make_classifier


@pytest.fixture
def make_clif():
    """Make a small CLIF with D2ACE in a few epochs."""
    small = {"module__hidden_size": 16, "module__embedding_size": 8}

    def make_classifier(**params):
        return CLIFClassifier(**settings(**(small | params)))

    return make_classifier


@pytest.fixture
def make_dela():
    """Make a small DELA with D2ACE in a few epochs."""

    def make_classifier(**params):
        return DELAClassifier(**settings(**({"module__hidden_sizes": (16, 24)} | params)))

    return make_classifier


@pytest.fixture
def make_paca():
    """Make a small PACA with D2ACE in a few epochs."""

    def make_classifier(**params):
        return PACAClassifier(**settings(**({"module__hidden_sizes": (16, 24)} | params)))

    return make_classifier


@pytest.fixture
def make_mpvae():
    """Make a small MPVAE with D2ACE in a few epochs."""
    small = {"module__hidden_sizes": (16, 24), "module__latent_size": 8, "module__n_samples": 5}

    def make_classifier(**params):
        return MPVAEClassifier(**settings(**(small | params)))

    return make_classifier


@pytest.fixture
def make_c2ae():
    """Make a small C2AE with D2ACE in a few epochs."""

    def make_classifier(**params):
        return C2AEClassifier(**settings(**({"module__hidden_size": 32} | params)))

    return make_classifier


@pytest.fixture
def make_tabm():
    """Make a small TabM with D2ACE in a few epochs, and a held-out part as the others have."""
    small = {"module__width": 16, "module__k": 4, "train_split": 0.1}

    def make_classifier(**params):
        return TabMClassifier(**settings(**(small | params)))

    return make_classifier


@pytest.fixture(params=["mlp", "clif", "dela", "paca", "mpvae", "c2ae", "tabm"])
def make_any(request, make, make_clif, make_dela, make_paca, make_mpvae, make_c2ae, make_tabm):
    makers = {
        "mlp": make,
        "clif": make_clif,
        "dela": make_dela,
        "paca": make_paca,
        "mpvae": make_mpvae,
        "c2ae": make_c2ae,
        "tabm": make_tabm,
    }
    return makers[request.param]


@pytest.fixture(params=["clif", "tabm"])
def make_two(request, make_clif, make_tabm):
    """Make CLIF, with a loss of its own, and TabM, which prepares features: where it is the same
    code that all networks go through, two of them show what seven would.
    """
    return {"clif": make_clif, "tabm": make_tabm}[request.param]


def without_times(history):
    return [{name: value for name, value in row.items() if name != "dur"} for row in history]


@pytest.fixture
def assert_same():
    """An estimator is the equal of another: in its history, and in what it predicts for X."""

    def assert_equal(again, est, X):
        assert type(again) is type(est)
        for method in ("predict_proba", "predict", "decision_function"):
            np.testing.assert_array_equal(getattr(again, method)(X), getattr(est, method)(X))
        assert without_times(again.history) == without_times(est.history)
        np.testing.assert_array_equal(again.classes_, est.classes_)
        assert again.best_epoch_ == est.best_epoch_
        assert again.n_features_in_ == est.n_features_in_

    return assert_equal


@pytest.fixture
def best_epoch():
    """The epoch, counted from 1, of the highest score; of equal ones that of the lowest loss."""

    def find(history, name, first=1):
        rows = history[first - 1 :, ("epoch", name, "valid_loss")]
        return max(rows, key=lambda row: (row[1], -row[2]))[0]

    return find


@pytest.fixture
def outcome():
    """What a training led to, the weights to the bit, as values that ``==`` compares."""

    def weights_and_history(est):
        weights = {name: t.numpy().tobytes() for name, t in est.module_.state_dict().items()}
        return weights, without_times(est.history), est.best_epoch_

    return weights_and_history

"""No NaN and no infinity in fifty epochs, whatever the features are like."""

import numpy as np
import pytest
import scipy.sparse
import torch

N_EPOCHS = 50


def few_labels(rng):
    return (rng.random((60, 5)) < [0.6, 0.3, 0.1, 0.02, 0]).astype(int)


def constant(rng):
    return np.full((60, 10), 0.7), few_labels(rng)


def huge(rng):
    return 1e6 * rng.normal(size=(60, 10)), few_labels(rng)


def perfectly_predicted(rng):
    Y = few_labels(rng)
    return np.hstack([Y, 1 - Y]).astype(float), Y


def train(est, X, Y):
    est.fit(X, Y)
    assert len(est.history) == N_EPOCHS
    for name in est.history[0]:
        values = est.history[:, name]
        if isinstance(values[0], float):
            assert np.isfinite(values).all(), name
    assert all(torch.isfinite(value).all() for value in est.module_.state_dict().values())
    assert np.isfinite(est.predict_proba(X)).all()


@pytest.mark.parametrize(
    ("make_data", "lr"),
    [(constant, 0.01), (huge, 1e-4), (huge, 0.01), (perfectly_predicted, 0.01)],
)
def test_features_at_their_limits(make_any, make_data, lr):
    train(make_any(max_epochs=N_EPOCHS, batch_size=32, lr=lr), *make_data(np.random.default_rng(0)))


@pytest.mark.slow
def test_yeast(make_any, yeast):
    """Every eighth instance, in an eighth of a batch of 128: as many steps as with all of them."""
    X, Y = (array[::8] for array in yeast)
    train(make_any(max_epochs=N_EPOCHS, lr=1e-3), X, Y)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dela", "paca", "mpvae", "c2ae"])
def test_many_sparse_binary_features(name, request):
    """As wide as bibtex, with hidden layers of the default size and a latent code of 64."""
    rng = np.random.default_rng(0)
    X = scipy.sparse.random_array((100, 1836), density=0.04, rng=rng, format="csr")
    X.data[:] = 1
    Y = (rng.random((100, 40)) < 0.015).astype(int)
    make = request.getfixturevalue(f"make_{name}")
    hidden = (
        {"module__hidden_size": 512} if name == "c2ae" else {"module__hidden_sizes": (256, 512)}
    )
    sizes = hidden | {"module__latent_size": 64}
    train(make(max_epochs=N_EPOCHS, batch_size=64, lr=1e-3, **sizes), X, Y)

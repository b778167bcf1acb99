"""Neighbours that nearly all are the nearest: who they are, and what is said of them."""

import importlib.util

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.neighbors import NearestNeighbors

from skd2ace._sparse import csr_from_scipy
from skd2ace.selection import D2ACE, HardImb, ReducibleLoss
from skd2ace.selection import functional as F
from skd2ace.selection.functional import _approximate_neighbors

needs_faiss = pytest.mark.skipif(
    importlib.util.find_spec("faiss") is None, reason="faiss, of the extra neighbors"
)


@pytest.fixture
def small_is_large(monkeypatch):
    monkeypatch.setattr(_approximate_neighbors, "_MOST_WORK", 1e6)
    monkeypatch.setattr(_approximate_neighbors, "_MOST_SPARSE_WORK", 1e6)


def clusters(n, d=24, n_clusters=40):
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(n_clusters, 4)) @ np.linalg.qr(rng.normal(size=(d, d)))[0][:4]
    return (centers[rng.integers(0, n_clusters, n)] + 0.1 * rng.normal(size=(n, d))).astype("f4")


def far_clusters(n):
    """Where products of single precision are off by more than what tells points apart."""
    return clusters(n).astype("f8") + 1e4


def texts(n, d=300):
    """Rows of a few ones of 60 topics each."""
    rng = np.random.default_rng(0)
    topics = rng.random((60, d)) < 0.1
    kept = topics[rng.integers(0, 60, n)] & (rng.random((n, d)) < 0.7)
    return sp.csr_array(kept * rng.random((n, d)).astype("f4"))


def find(X, n_neighbors=6):
    search = F.NeighborSearch("auto")
    near = torch.cat([near for _, near in search.blocks(X, n_neighbors)]).numpy()
    return near, search.recall_


def as_tensor(X):
    return csr_from_scipy(X) if sp.issparse(X) else torch.from_numpy(X)


@needs_faiss
@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("make", [clusters, far_clusters, texts])
def test_nearly_all_are_the_nearest_and_the_recall_says_how_many(make):
    X = make(3000)
    near, said = find(as_tensor(X))
    assert near.shape == (3000, 6)
    assert not (near == np.arange(3000)[:, None]).any()
    assert all(len(set(row)) == 6 for row in near.tolist())
    exact = NearestNeighbors(n_neighbors=6, algorithm="brute").fit(X)
    exact = exact.kneighbors(return_distance=False)
    recall = np.mean([len(set(a) & set(b)) / 6 for a, b in zip(near, exact, strict=True)])
    assert recall > 0.93
    # Of 300 of the 3000.
    assert said == pytest.approx(recall, abs=0.03)
    again, _ = find(as_tensor(X))
    np.testing.assert_array_equal(near, again)


@needs_faiss
@pytest.mark.usefixtures("small_is_large")
def test_a_low_recall_is_warned_of():
    noise = torch.randn(4000, 200, generator=torch.Generator().manual_seed(0))
    search = F.NeighborSearch("auto")
    with pytest.warns(UserWarning, match=r"of 300 instances' 6 nearest, \d\d% are found"):
        list(search.blocks(noise, 6))
    assert search.recall_ < 0.9


@needs_faiss
@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("n_neighbors", [1, 20, 1999])
def test_more_neighbours_than_a_list_holds(n_neighbors):
    near, recall = find(torch.from_numpy(clusters(2000)), n_neighbors)
    assert near.shape == (2000, n_neighbors)
    assert near.min() == 0
    assert recall > 0.9


@needs_faiss
@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("selector", [D2ACE(), HardImb(), ReducibleLoss()], ids=str)
def test_selectors_say_what_they_found(selector):
    X = torch.from_numpy(clusters(2000))
    Y = (X[:, :3] > 0).to(torch.float32)
    selector.start(X, Y, n_epochs=2, batch_size=100, random_state=0)
    assert 0.9 < selector.neighbor_recall_ < 1.0
    selector.set_params(neighbors="exact").start(X, Y, n_epochs=2, batch_size=100)
    assert selector.neighbor_recall_ == 1.0


@pytest.mark.usefixtures("small_is_large")
def test_without_an_index_they_are_exact_with_a_warning(monkeypatch):
    monkeypatch.setattr(_approximate_neighbors.importlib.util, "find_spec", lambda name: None)
    X = torch.from_numpy(clusters(1000))
    with pytest.warns(UserWarning, match=r"pip install skd2ace\[neighbors\]"):
        near, recall = find(X)
    exact = torch.cat([near for _, near in F.NeighborSearch("exact").blocks(X, 6)]).numpy()
    np.testing.assert_array_equal(near, exact)
    assert recall == 1.0

"""Neighbours against a stable sort of exact distances."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from skd2ace._sparse import csr_from_scipy
from skd2ace.selection import functional as F
from skd2ace.selection.functional import _exact_neighbors


def slow_local_labels(X, Y, n_neighbors):
    X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y)
    local = Y.copy()
    for i in range(len(X)):
        distances = [(sum((X[i] - X[j]) ** 2), j) for j in range(len(X)) if j != i]
        for _, j in sorted(distances)[:n_neighbors]:
            local[i] |= Y[j]
    return local


def integers_with_many_ties(rng, n):
    return rng.integers(0, 2, (n, 6)).astype(np.float32)


def copies_of_a_few(rng, n):
    return rng.normal(size=(5, 3)).astype(np.float32)[rng.integers(0, 5, n)]


def distinct(rng, n):
    return (rng.normal(size=(n, 4)) * 1e3 + 1e5).astype(np.float32)


@pytest.mark.parametrize("make", [integers_with_many_ties, copies_of_a_few, distinct])
@pytest.mark.parametrize("n_neighbors", [0, 1, 4, 28, 100])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("block_size", [1, 100, 10_000])
def test_exact_with_ties_to_the_lower_index(make, n_neighbors, sparse, block_size, monkeypatch):
    monkeypatch.setattr(_exact_neighbors, "_BLOCK_SIZE", block_size)
    rng = np.random.default_rng(0)
    X, Y = make(rng, 30), rng.integers(0, 2, (30, 5)).astype(np.int8)
    tensor = csr_from_scipy(sp.csr_array(X)) if sparse else torch.from_numpy(X)
    for labels in (torch.from_numpy(Y), torch.from_numpy(Y).bool()):
        local = F.local_labels(tensor, labels, n_neighbors)
        assert local.dtype == labels.dtype
        np.testing.assert_array_equal(local.numpy(), slow_local_labels(X, Y, n_neighbors))


def test_one_instance_has_no_neighbours():
    Y = torch.tensor([[1, 0]])
    assert torch.equal(F.local_labels(torch.zeros(1, 2), Y, 6), Y)


def test_agrees_with_scikit_learn_on_yeast(yeast):
    from sklearn.neighbors import NearestNeighbors

    X, Y = yeast
    near = NearestNeighbors(n_neighbors=6).fit(X).kneighbors(return_distance=False)
    expected = np.maximum(Y, Y[near].max(axis=1))
    local = F.local_labels(torch.from_numpy(X), torch.from_numpy(Y), 6)
    np.testing.assert_array_equal(local.numpy(), expected)


@pytest.mark.parametrize("held", [0.0, 1.0, torch.nan])
def test_unknown_labels_are_in_no_neighborhood(held):
    """The neighbours stay who they are: nobody further off takes the place of one unknown."""
    X = torch.tensor([[0.0], [1.0], [3.0], [9.0]])
    Y = torch.tensor([[0.0, 1.0], [held, 0.0], [1.0, held], [1.0, 1.0]])
    known = torch.ones(4, 2, dtype=torch.bool)
    known[1, 0], known[2, 1] = False, False
    local = F.local_labels(X, Y, 1, known)
    assert local.tolist() == [[0, 1], [0, 1], [1, 0], [1, 1]]
    assert F.local_labels(X, Y, 0, known).tolist() == [[0, 1], [0, 0], [1, 0], [1, 1]]

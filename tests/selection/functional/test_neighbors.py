"""Neighbours against a stable sort of exact distances."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from skd2ace._sparse import csr_from_scipy
from skd2ace.selection import functional as F
from skd2ace.selection.functional import _exact_neighbors, _tiled_search


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
@pytest.mark.parametrize("block_bytes", [1, 1000, 1_000_000])
def test_exact_with_ties_to_the_lower_index(make, n_neighbors, sparse, block_bytes, monkeypatch):
    monkeypatch.setattr(_exact_neighbors, "_BLOCK_BYTES", block_bytes)
    rng = np.random.default_rng(0)
    X, Y = make(rng, 30), rng.integers(0, 2, (30, 5)).astype(np.int8)
    tensor = csr_from_scipy(sp.csr_array(X)) if sparse else torch.from_numpy(X)
    for labels in (torch.from_numpy(Y), torch.from_numpy(Y).bool()):
        local = F.local_labels(tensor, labels, n_neighbors)
        assert local.dtype == labels.dtype
        np.testing.assert_array_equal(local.numpy(), slow_local_labels(X, Y, n_neighbors))


def noise(rng, n):
    return rng.normal(size=(n, 8)).astype(np.float32)


def copies(rng, n):
    return noise(rng, n)[rng.integers(0, n // 3, n)]


def near_ties(rng, n):
    """A lattice of tenths, whose equal steps differ in the eighth digit."""
    return (rng.integers(0, 4, (n, 4)) * np.float32(0.1)).astype(np.float32)


def whole_numbers(rng, n):
    return rng.integers(0, 3, (n, 6)).astype(np.float32)


def close_and_far_off(rng, n):
    return np.sign(rng.normal(size=(n, 1))) + 1e-3 * rng.normal(size=(n, 8))


def tiny(rng, n):
    return 1e-60 * rng.normal(size=(n, 8))


def huge(rng, n):
    return 1e60 * rng.normal(size=(n, 8))


def as_sets(blocks):
    return torch.cat([near for _, near in blocks]).sort(1).values.numpy()


def sorted_neighbors(X, n_neighbors):
    """By a stable sort of distances in double precision, equal up to their rounding."""
    X = X.astype(np.float64)
    expected = []
    for i in range(len(X)):
        distances = np.square(X - X[i]).sum(1)
        distances[i] = np.inf
        # Sums of the same terms in another order are the same distance.
        steps = np.sort(distances)
        steps = steps[np.append(True, np.diff(steps[:-1]) > 1e-12 * steps[:-2]).nonzero()[0]]
        rank = np.searchsorted(steps, distances * (1 + 1e-13), side="right")
        expected.append(np.sort(np.argsort(rank, kind="stable")[:n_neighbors]))
    return np.array(expected)


def large_whole_numbers(rng, n):
    return 1e5 * np.sign(rng.normal(size=(n, 1))) + rng.integers(0, 5, (n, 8))


def far_from_zero(rng, n):
    return 1e6 + rng.normal(size=(n, 8))


def far_from_zero_but_one(rng, n):
    X = 1e5 + rng.normal(size=(n, 8))
    X[0, 0] = 0
    return X


def in_clusters(rng, n):
    """Of some 20 each, among which single precision leaves a doubt."""
    centers = rng.normal(size=(n // 20, 50))
    return centers[rng.integers(0, n // 20, n)] + 1e-3 * rng.normal(size=(n, 50))


def words(rng, n):
    return rng.random((n, 40)) * (rng.random((n, 40)) < 0.1)


def words_beside_a_time(rng, n):
    """Seconds since 1970, within an hour."""
    return np.hstack([words(rng, n), 1.7e9 + rng.integers(0, 3600, (n, 1)) / 3600])


MAKE = [
    noise,
    copies,
    near_ties,
    whole_numbers,
    large_whole_numbers,
    close_and_far_off,
    tiny,
    huge,
    far_from_zero,
    far_from_zero_but_one,
    words,
    words_beside_a_time,
]


@pytest.mark.parametrize("make", MAKE)
@pytest.mark.parametrize("n_neighbors", [1, 6])
@pytest.mark.parametrize("block_bytes", [200_000, 10_000_000])
def test_single_precision_finds_what_double_finds(make, n_neighbors, block_bytes, monkeypatch):
    monkeypatch.setattr(_exact_neighbors, "_BLOCK_BYTES", block_bytes)
    X = make(np.random.default_rng(0), 701)
    expected = sorted_neighbors(X, n_neighbors)
    dense, sparse = torch.from_numpy(X), csr_from_scipy(sp.csr_array(X))
    for tensor in (dense, sparse):
        found = as_sets(_exact_neighbors.exact_blocks(tensor, n_neighbors))
        np.testing.assert_array_equal(found, expected)
    # As for a user who lets products be less than they say.
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        double = as_sets(_exact_neighbors.exact_blocks(dense, n_neighbors))
    finally:
        torch.set_float32_matmul_precision(before)
    np.testing.assert_array_equal(double, expected)


@pytest.mark.parametrize("make", [noise, copies, near_ties, close_and_far_off, in_clusters])
@pytest.mark.parametrize("n_neighbors", [1, 6])
@pytest.mark.parametrize("is_sorted", [False, True])
def test_tiles_find_what_double_finds(make, n_neighbors, is_sorted, monkeypatch):
    monkeypatch.setattr(_tiled_search, "_TILE", 64)
    monkeypatch.setattr(_tiled_search, "_N_FOUND", 1000)
    X = make(np.random.default_rng(1), 701)
    X = X[X[:, 0].argsort()] if is_sorted else X
    found = as_sets(_exact_neighbors.exact_blocks(torch.from_numpy(X), n_neighbors))
    np.testing.assert_array_equal(found, sorted_neighbors(X, n_neighbors))


def test_the_search_ends_early_where_single_precision_leaves_most_in_doubt(monkeypatch):
    tiles = []
    search = _tiled_search.TiledSearch._search_tile

    def record(self, row, column):
        tiles.append((row, column))
        search(self, row, column)

    monkeypatch.setattr(_tiled_search.TiledSearch, "_search_tile", record)
    for make, last_row in ((noise, 3 * 176), (in_clusters, 0)):
        tiles.clear()
        list(
            _exact_neighbors.exact_blocks(torch.from_numpy(make(np.random.default_rng(0), 701)), 6)
        )
        assert tiles[-1] == (last_row, 3 * 176)


def test_double_precision_is_asked_only_where_single_leaves_a_doubt(monkeypatch):
    def refuse(self, rows):
        raise AssertionError(f"{len(rows)} rows by double precision")

    monkeypatch.setattr(_exact_neighbors.FullSearch, "find", refuse)
    rng = np.random.default_rng(0)
    assert len(as_sets(_exact_neighbors.exact_blocks(torch.from_numpy(noise(rng, 701)), 6))) == 701
    with pytest.raises(AssertionError, match="rows by double"):
        as_sets(_exact_neighbors.exact_blocks(torch.from_numpy(near_ties(rng, 701)), 6))


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

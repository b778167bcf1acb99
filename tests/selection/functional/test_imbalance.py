"""Imbalance of labels against hand-counted and loop-written values."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from skd2ace._labels import imbalance_ratios, mean_imbalance_ratio
from skd2ace._sparse import csr_from_dense
from skd2ace.selection import functional as F


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    counts = [70, 60, 40, 7, 5, 0]
    Y = rng.permuted(np.arange(120)[:, None] < counts, axis=0).astype(int)
    Y[4] = 0
    # Label 3 is found in one place, so that its positives are neighbours; label 4 anywhere.
    X = rng.normal(size=(120, 3)) + 1.5 * Y[:, [3]]
    return torch.from_numpy(X), torch.from_numpy(Y)


def test_ratios_written_out():
    Y = torch.tensor([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0]])
    ratios = imbalance_ratios(Y)
    assert ratios.tolist() == [1, 2, torch.inf]
    assert mean_imbalance_ratio(ratios) == 1.5


def test_labels_that_nobody_carries():
    nothing = torch.zeros(4, 2)
    assert imbalance_ratios(nothing).tolist() == [torch.inf, torch.inf]
    assert mean_imbalance_ratio(imbalance_ratios(nothing)) == 0
    local = F.local_imbalance(torch.rand(4, 2), nothing)
    assert F.imbalance_weights(local, nothing).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_local_imbalance_counts_neighbours(data, layout):
    X, Y = data
    near = NearestNeighbors(n_neighbors=5).fit(X).kneighbors(return_distance=False)
    expected = np.zeros(Y.shape)
    for i, j in zip(*np.nonzero(Y.numpy()), strict=True):
        expected[i, j] = np.mean([Y[m, j] != Y[i, j] for m in near[i]])
    features = X if layout == "dense" else csr_from_dense(X)
    np.testing.assert_allclose(F.local_imbalance(features, Y), expected, atol=1e-6)


def test_weights_share_out_one_per_minority_label(data):
    """Each minority label with an inlier adds 1 in all; outliers get nothing from it."""
    X, Y = data
    local = F.local_imbalance(X, Y)
    extra = F.imbalance_weights(local, Y) - 1
    ratios = imbalance_ratios(Y)
    minority = [j for j in range(5) if ratios[j] > ratios[:5].mean()]
    with_inliers = [j for j in minority if ((local[:, j] > 0) & (local[:, j] < 1)).any()]
    assert len(minority) > len(with_inliers) > 0
    assert extra.sum().item() == pytest.approx(len(with_inliers), rel=1e-5)
    assert extra[~Y[:, minority].any(1)].eq(0).all()


def test_a_single_instance_has_no_neighbours():
    assert F.local_imbalance(torch.ones(1, 2), torch.ones(1, 3)).tolist() == [[0, 0, 0]]


def test_closest_labels_written_out():
    # 0 and 1 always together, 2 half the time with 0; 3 never with another.
    Y = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    close = F.closest_labels(Y)
    assert close.shape == (4, 2)  # Card is 7 / 4.
    assert close[0].tolist() == [1, 2]
    assert close[1].tolist() == [0, 2]
    assert close[2].tolist() == [0, 1]
    assert close[3].tolist() == [0, 1]  # Nothing is close: the lower index first.
    assert F.closest_labels(torch.zeros(3, 2)).shape == (2, 1)


@pytest.mark.parametrize("held", [0.0, 1.0, torch.nan])
def test_a_label_is_as_rare_as_it_is_known_to_be(held):
    """Two labels of six positives; with four of them hidden, IRLbl 1 and 3, one is a minority."""
    Y = (torch.arange(9)[:, None] < 6).float().expand(9, 2)
    local = 0.5 * Y
    assert F.imbalance_weights(local, Y).tolist() == [1] * 9
    known = torch.ones(9, 2, dtype=torch.bool)
    known[:4, 1] = False
    held = torch.where(known, Y, held)
    weights = F.imbalance_weights(torch.where(known, local, 0), held, known)
    assert weights.tolist() == [1, 1, 1, 1, 1.5, 1.5, 1, 1, 1]


def test_closest_labels_of_what_is_known():
    # 0 and 1 are never apart where both are known, and 2 is nearer to 1 (1 and 1/2) than to 0
    # (2/3 and 2/3). Card is 3/5 + 2/3 + 3/6 + 1/6.
    Y = torch.tensor(
        [[1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1] * 4]
    )
    known = torch.ones(6, 4, dtype=torch.bool)
    known[2:4, 1], known[5] = False, False
    known[5, 2:] = True
    Y[5, 2:] = 0
    close = F.closest_labels(torch.where(known, Y, torch.nan), known)
    assert close.tolist() == [[1, 2], [0, 2], [1, 0], [0, 1]]
    for n_known, cardinality in ((2, 4), (0, 1)):
        known = torch.arange(6)[:, None].expand(6, 4) < n_known
        assert F.closest_labels(torch.ones(6, 4), known).shape == (4, cardinality)


def test_of_neighbors_of_which_nothing_is_known_nothing_is_lacking():
    X, Y = torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([[1.0], [torch.nan], [torch.nan]])
    local = F.local_imbalance(X, Y, 2, known=~Y.isnan())
    assert local.tolist() == [[0], [0], [0]]
    Y[2] = 0
    assert F.local_imbalance(X, Y, 2, known=~Y.isnan()).tolist() == [[1], [0], [0]]


def test_a_label_at_the_mean_is_no_minority():
    """IRLbl 8/3, 3/2, 4/3, 1, 1: the mean is 3/2, which a sum in floating point falls short of."""
    Y = torch.arange(24)[:, None] < torch.tensor([9, 16, 18, 24, 24])
    extra = F.imbalance_weights(0.5 * Y, Y) - 1
    assert extra.sum().item() == pytest.approx(1)
    assert (extra > 0).tolist() == Y[:, 0].tolist()

"""Mutual information against scikit-learn's, pair by pair."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from skd2ace.selection import functional as F


@pytest.mark.parametrize(("n", "q", "n_bins"), [(200, 7, 10), (2300, 70, 4), (5, 1, 10)])
def test_pairs_agree_with_scikit_learn(n, q, n_bins):
    """The second case takes several blocks of instances and of labels."""
    rng = np.random.default_rng(0)
    scores = rng.random((n, q)) ** 3
    scores[:, -1] = 0.5 * scores[:, 0] + 0.1 * scores[:, -1]
    ours = F.mutual_information(torch.from_numpy(scores), n_bins)
    assert torch.equal(ours, ours.T)
    for j, k in {(0, 0), (0, q - 1), (q // 2, q - 1), (q - 1, q - 1), (q // 3, q // 2)}:
        joint = np.histogram2d(scores[:, j], scores[:, k], bins=n_bins)[0]
        expected = mutual_info_score(None, None, contingency=joint)
        assert ours[j, k].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("n", "q", "n_bins"), [(200, 7, 10), (2300, 70, 4), (5, 1, 10)])
def test_pairs_are_of_the_instances_of_which_both_are_known(n, q, n_bins):
    rng = np.random.default_rng(0)
    scores = rng.random((n, q)) ** 3
    scores[:, -1] = 0.5 * scores[:, 0] + 0.1 * scores[:, -1]
    known = rng.random((n, q)) < 0.6
    known[0], scores[0] = False, 9.0  # Beyond all others, and nobody knows.
    held = torch.from_numpy(np.where(known, scores, np.nan))
    ours = F.mutual_information(held, n_bins, torch.from_numpy(known))
    assert torch.equal(ours, ours.T)
    ends = [
        (column[of].min(), column[of].max()) for column, of in zip(scores.T, known.T, strict=True)
    ]
    for j, k in {(0, 0), (0, q - 1), (q // 2, q - 1), (q - 1, q - 1), (q // 3, q // 2)}:
        both = scores[known[:, j] & known[:, k]]
        bounds = [ends[j], ends[k]]
        joint = np.histogram2d(both[:, j], both[:, k], bins=n_bins, range=bounds)[0]
        expected = mutual_info_score(None, None, contingency=joint)
        assert ours[j, k].item() == pytest.approx(expected, abs=1e-6)


def test_labels_that_are_never_known_together_share_nothing():
    scores = torch.rand(40, 3, generator=torch.Generator().manual_seed(0))
    known = torch.ones(40, 3, dtype=torch.bool)
    known[:20, 0], known[20:, 1], known[:, 2] = False, False, False
    information = F.mutual_information(scores, known=known)
    assert information.count_nonzero() == 2
    assert (information.diagonal()[:2] > 1).all()


def test_a_constant_column_tells_nothing():
    scores = torch.rand(50, 3, generator=torch.Generator().manual_seed(0))
    scores[:, 1] = 0.25
    information = F.mutual_information(scores)
    assert information[1].tolist() == [0, 0, 0]
    assert information[0, 0] > 0
    assert information.dtype == torch.float32

"""Mosaics of digits: what they are made of, and that no digit is in both parts."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skd2ace.datasets import make_digits_mosaics


@pytest.fixture(scope="module")
def mosaics():
    return make_digits_mosaics()


def test_pixels_and_labels_are_those_of_the_tiles(mosaics):
    digits = load_digits()
    assert mosaics.data.shape == (2000, 1, 16, 16)
    for image, labels, tiles in list(zip(mosaics.data, mosaics.target, mosaics.tiles, strict=True))[
        :50
    ]:
        corners = [image[0, r : r + 8, c : c + 8] for r in (0, 8) for c in (0, 8)]
        for corner, tile in zip(corners, tiles, strict=True):
            np.testing.assert_array_equal(corner, digits.images[tile] / 16)
        assert set(np.flatnonzero(labels)) == {digits.target[tile] for tile in tiles}


def test_no_digit_is_in_both_parts(mosaics):
    train, test = mosaics.train, mosaics.test
    assert (len(train), len(test)) == (1500, 500)
    assert sorted([*train, *test]) == list(range(2000))
    assert not set(mosaics.tiles[train].ravel()) & set(mosaics.tiles[test].ravel())


def test_partners_occur_together(mosaics):
    Y = mosaics.target.astype(bool)
    for digit in range(10):
        others = [Y[Y[:, digit], other].mean() for other in range(10) if other != digit]
        partner = Y[Y[:, digit], digit ^ 1].mean()
        assert partner == max(others) > 0.75
        assert sorted(others)[-2] < 0.4
    independent = make_digits_mosaics(2000, pairing=0.0).target.astype(bool)
    assert independent[independent[:, 0], 1].mean() < 0.4


def test_seeds():
    X, Y = make_digits_mosaics(50, return_X_y=True)
    for same, state in ((True, 0), (False, 1)):
        other = make_digits_mosaics(50, random_state=state)
        assert np.array_equal(X, other.data) is same
        assert np.array_equal(Y, other.target) is same

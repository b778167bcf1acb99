"""Images of several labels that need no download: four of scikit-learn's digits each."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.utils import Bunch, check_random_state

_DESCRIPTION = """Mosaics of 2 x 2 handwritten digits of 8 x 8 pixels, from scikit-learn's
load_digits (the test part of UCI's Optical Recognition of Handwritten Digits). The labels are the
digits that are present. Digits are drawn in pairs: 0 and 1, 2 and 3, and so on."""


def make_digits_mosaics(
    n_samples: int = 2000,
    *,
    test_size: float = 0.25,
    pairing: float = 0.8,
    random_state: int | np.random.RandomState | None = 0,
    return_X_y: bool = False,
) -> Any:
    """Images of four handwritten digits, whose labels are the digits present.

    Each is made of two pairs. The first digit of a pair is any, and the second its partner (0 and
    1, 2 and 3, ...) with probability ``pairing``, else any: labels occur together. The four go to
    places at random.

    Parameters
    ----------
    n_samples : int, default=2000
        Mosaics in all.
    test_size : float, default=0.25
        Share of mosaics, the last ones, that are made of other digits than the rest: no image of
        a digit is in both parts.
    pairing : float, default=0.8
    random_state : int, RandomState or None, default=0
    return_X_y : bool, default=False
        Whether to give images and labels alone.

    Returns
    -------
    Bunch
        ``data``, ndarray of shape (n, 1, 16, 16), float32 in [0, 1]; ``target``, ndarray of shape
        (n, 10) of 0/1; ``train`` and ``test``, the rows of the two parts; ``tiles``, (n, 4), the
        digits' rows in ``load_digits``, from top left to bottom right; ``target_names``;
        ``DESCR``. Or data and target.

    Examples
    --------
    >>> from skd2ace.datasets import make_digits_mosaics
    >>> mosaics = make_digits_mosaics(100)
    >>> mosaics.data.shape, mosaics.target.shape, len(mosaics.test)
    ((100, 1, 16, 16), (100, 10), 25)
    """
    rng = check_random_state(random_state)
    digits = load_digits()
    pools = train_test_split(
        np.arange(len(digits.target)),
        test_size=test_size,
        stratify=digits.target,
        random_state=rng.randint(2**31),
    )
    n_test = round(n_samples * test_size)
    parts = [
        _draw(pool, digits.target, n, pairing, rng)
        for pool, n in zip(pools, (n_samples - n_test, n_test), strict=True)
    ]
    tiles = np.concatenate(parts)
    top, bottom = (
        np.concatenate([digits.images[tiles[:, i]] for i in row], axis=2)
        for row in ((0, 1), (2, 3))
    )
    images = (np.concatenate([top, bottom], axis=1)[:, None] / 16).astype(np.float32)
    target = np.zeros((n_samples, 10), dtype=np.int64)
    target[np.arange(n_samples)[:, None], digits.target[tiles]] = 1
    if return_X_y:
        return images, target
    rows = np.arange(n_samples)
    return Bunch(
        data=images,
        target=target,
        train=rows[: n_samples - n_test],
        test=rows[n_samples - n_test :],
        tiles=tiles,
        target_names=[str(digit) for digit in range(10)],
        DESCR=_DESCRIPTION,
    )


def _draw(
    pool: NDArray[np.int64],
    digit_of: NDArray[np.int64],
    n: int,
    pairing: float,
    rng: np.random.RandomState,
) -> NDArray[np.int64]:
    """Rows (n, 4) of digits out of a pool, two pairs each, in places at random."""
    first = rng.randint(10, size=(n, 2))
    is_pair = rng.random_sample((n, 2)) < pairing
    second = np.where(is_pair, first ^ 1, rng.randint(10, size=(n, 2)))
    pairs = np.concatenate([first, second], axis=1)
    wanted = np.take_along_axis(pairs, rng.random_sample((n, 4)).argsort(axis=1), axis=1)
    chosen = np.empty((n, 4), dtype=np.int64)
    for digit in range(10):
        places = wanted == digit
        chosen[places] = rng.choice(pool[digit_of[pool] == digit], size=places.sum())
    return chosen

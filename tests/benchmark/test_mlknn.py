"""MLkNN against its equations in loops."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone

from skd2ace.benchmark import MLkNN


def reference(X, Y, X_new, k, s):
    """Equations 1, 3 and 4 of Zhang and Zhou (2007), an instance and a label at a time."""

    def neighbors(x, left_out=None):
        distances = np.linalg.norm(X - x, axis=1)
        if left_out is not None:
            distances[left_out] = np.inf
        return np.argsort(distances)[:k]

    n, q = Y.shape
    proba = np.empty((len(X_new), q))
    for label in range(q):
        prior = (s + Y[:, label].sum()) / (2 * s + n)
        counts = {0: [0] * (k + 1), 1: [0] * (k + 1)}
        for i in range(n):
            counts[Y[i, label]][Y[neighbors(X[i], i), label].sum()] += 1
        for row, x in enumerate(X_new):
            c = Y[neighbors(x), label].sum()
            having, without = ((s + counts[b][c]) / (s * (k + 1) + sum(counts[b])) for b in (1, 0))
            proba[row, label] = prior * having / (prior * having + (1 - prior) * without)
    return proba


@pytest.mark.parametrize(("k", "smoothing"), [(10, 1.0), (3, 0.5)])
@pytest.mark.parametrize("sparse", [False, True])
def test_probabilities(data, k, smoothing, sparse):
    X, Y = data
    X_new = np.random.default_rng(1).normal(size=(20, 8))
    convert = scipy.sparse.csr_array if sparse else np.asarray
    est = MLkNN(k, smoothing).fit(convert(X), convert(Y))
    proba = est.predict_proba(convert(X_new))
    np.testing.assert_allclose(proba, reference(X, Y, X_new, k, smoothing), rtol=1e-10)
    np.testing.assert_array_equal(est.predict(convert(X_new)), proba >= 0.5)


def test_wrong_parameters(data):
    X, Y = data
    with pytest.raises(ValueError, match="n_neighbors"):
        MLkNN(0).fit(X, Y)
    with pytest.raises(ValueError, match="5 neighbours of 5 instances"):
        MLkNN(5).fit(X[:5], Y[:5])
    for wrong, found in ((2 * Y, "2"), (0.5 * Y, "0.5")):
        with pytest.raises(ValueError, match=f"Y must hold zeros and ones; found {found}"):
            MLkNN(5).fit(X, wrong)
    assert clone(MLkNN(3)).get_params() == {"n_neighbors": 3, "smoothing": 1.0}

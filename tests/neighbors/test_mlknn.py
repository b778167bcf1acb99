"""MLkNN against its equations in loops, and against scikit-learn's checks."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator

from skd2ace.metrics import macro_auc_scorer
from skd2ace.neighbors import MLkNN


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
    for wrong in ({"n_neighbors": 0}, {"n_neighbors": 2.5}, {"smoothing": 0}):
        with pytest.raises(ValueError, match=f"'{next(iter(wrong))}' parameter of MLkNN"):
            MLkNN(**wrong).fit(X, Y)
    for wrong, found in ((2 * Y, "2"), (0.5 * Y, "0.5")):
        with pytest.raises(ValueError, match=f"Y must hold zeros and ones.*; found {found}"):
            MLkNN(5).fit(X, wrong)
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        MLkNN().fit(X, np.arange(60) % 3)
    with pytest.raises(ValueError, match=r"n_samples=1, 2 are needed"):
        MLkNN(5).fit(X[:1], Y[:1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MLkNN().fit(X, Y[1:])
    assert clone(MLkNN(3)).get_params() == {"n_neighbors": 3, "smoothing": 1.0}
    assert MLkNN(np.int64(3)).fit(X, Y).n_neighbors_ == 3


def test_fewer_instances_than_neighbors(data):
    """As scikit-learn's LocalOutlierFactor: the neighbours are all that there are."""
    X, Y = data
    with pytest.warns(UserWarning, match="n_neighbors=5 of 5 instances: each has 4 neighbours"):
        est = MLkNN(5).fit(X[:5], Y[:5])
    assert est.n_neighbors_ == 4
    np.testing.assert_allclose(est.predict_proba(X), reference(X[:5], Y[:5], X, 4, 1.0), rtol=1e-10)


def test_one_label_in_one_dimension(data):
    X, Y = data
    y = np.array(["no", "yes"])[Y[:, 0]]
    est, same = MLkNN(3).fit(X, y), MLkNN(3).fit(X, Y)
    proba = est.predict_proba(X)
    assert est.classes_.tolist() == ["no", "yes"]
    np.testing.assert_allclose(proba[:, 1], same.predict_proba(X)[:, 0])
    np.testing.assert_allclose(proba.sum(1), 1)
    np.testing.assert_array_equal(est.predict(X), est.classes_[proba.argmax(1)])
    # Of two classes that are even, the first: as argmax has it.
    X = np.array([[0.0], [1.0], [10.0], [11.0], [20.0], [21.0], [30.0], [31.0]])
    even = MLkNN(1).fit(X, [0, 1, 0, 1, 0, 0, 1, 1])
    np.testing.assert_array_equal(even.predict_proba([[100.0]]), [[0.5, 0.5]])
    assert even.predict([[100.0]]).tolist() == [0]


def test_forms_of_data(data):
    X, Y = data
    expected = MLkNN(3).fit(X, Y).predict_proba(X)
    frames = pd.DataFrame(X, columns=list("abcdefgh")), pd.DataFrame(Y, columns=list("wxyz"))
    est = MLkNN(3).fit(*frames)
    np.testing.assert_array_equal(est.predict_proba(frames[0]), expected)
    assert est.feature_names_in_.tolist() == list("abcdefgh")
    assert est.n_features_in_ == 8
    loaded = pickle.loads(pickle.dumps(est))
    np.testing.assert_array_equal(loaded.predict_proba(frames[0]), expected)
    est = MLkNN(3).fit(X, torch.as_tensor(Y))
    np.testing.assert_array_equal(est.predict_proba(X), expected)


@pytest.mark.filterwarnings("ignore:n_neighbors=10 of 10 instances")
@pytest.mark.parametrize(
    "check",
    [check for _, check in estimator_checks_generator(MLkNN())],
    ids=lambda check: check.func.__name__,
)
def test_scikit_learn(check):
    check(MLkNN())


def test_tags():
    tags = get_tags(MLkNN())
    assert tags.classifier_tags.multi_label
    assert not tags.classifier_tags.multi_class
    assert not tags.target_tags.multi_output
    assert tags.input_tags.sparse


def test_grid_search(data):
    search = GridSearchCV(MLkNN(), {"n_neighbors": [2, 5]}, scoring=macro_auc_scorer, cv=3)
    assert np.isfinite(search.fit(*data).cv_results_["mean_test_score"]).all()


def test_the_old_place():
    import skd2ace.benchmark as benchmark

    with pytest.warns(FutureWarning, match=r"skd2ace\.neighbors\.MLkNN since version 0\.2"):
        assert benchmark.MLkNN is MLkNN
    with pytest.warns(FutureWarning):
        exec("from skd2ace.benchmark import MLkNN", names := {})
    assert names["MLkNN"] is MLkNN
    assert "MLkNN" not in benchmark.__all__
    with pytest.raises(AttributeError, match="no attribute 'MLKNN'"):
        _ = benchmark.MLKNN


NEEDS_NO_EXTRAS = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pandas", "psutil", "matplotlib", "iterstrat",
                                      "scikit_posthocs", "defusedxml", "pooch", "skmultilearn"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from skd2ace.neighbors import MLkNN
print(MLkNN(1).fit([[0.0], [1.0], [2.0]], [[0, 1], [1, 1], [0, 0]]).predict([[0.1]]).shape)
"""


def test_it_needs_no_extra():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", NEEDS_NO_EXTRAS], capture_output=True, text=True
    )
    assert done.stdout == "(1, 2)\n", done.stderr


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "category", object])
def test_it_is_scored_on_labels_as_it_is_fitted_on(dtype):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 3)), rng.integers(0, 2, (40, 3))
    frame = pd.DataFrame(Y, columns=["a", "b", "c"])
    est, same = MLkNN(3).fit(X, Y), MLkNN(3).fit(X, frame.astype(dtype))
    assert same.score(X, frame.astype(dtype)) == accuracy_score(Y, est.predict(X))
    some = Y.astype(float)
    some[::4] = np.nan
    known = ~np.isnan(some).any(axis=1)
    assert est.score(X, some) == accuracy_score(Y[known], est.predict(X)[known])

"""What data can be like: each case ends in finite probabilities, or in one clear error."""

import inspect

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

import skd2ace.selection
from skd2ace import C2AEClassifier
from skd2ace.selection import BatchSelector

SELECTORS = [
    cls
    for name in skd2ace.selection.__all__
    if inspect.isclass(cls := getattr(skd2ace.selection, name)) and BatchSelector in cls.__mro__[1:]
]


def with_missing(array, dtype):
    frame = pd.DataFrame(array).astype(dtype)
    frame.iloc[3, 0] = pd.NA
    return frame


def frozen(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def every_entry_stored(values, order):
    """A CSR matrix that is not in canonical form: its columns in an order, zeros among them."""
    n = len(values)
    parts = values.ravel(), np.tile(order, n), len(order) * np.arange(n + 1)
    return sp.csr_matrix(parts, shape=(n, order.max() + 1))


def unsorted(X):
    return every_entry_stored(X[:, ::-1], np.arange(X.shape[1])[::-1])


def in_two_parts(X):
    return every_entry_stored(np.repeat(X / 2, 2, axis=1), np.repeat(np.arange(X.shape[1]), 2))


def explicit_zeros(X):
    return every_entry_stored(np.where(X > 0, X, 0), np.arange(X.shape[1]))


FIT = {
    "constant features": lambda X, Y: (np.full_like(X, 0.7), Y),
    "one feature": lambda X, Y: (X[:, :1], Y),
    "features of 1e10": lambda X, Y: (1e10 * X, Y),
    "denormal features": lambda X, Y: (1e-40 * X, Y),
    "one label, a vector": lambda X, Y: (X, Y[:, 0]),
    "one label, a matrix": lambda X, Y: (X, Y[:, :1]),
    "every label everywhere": lambda X, Y: (X, np.ones_like(Y)),
    "no label anywhere": lambda X, Y: (X, np.zeros_like(Y)),
    "equal instances": lambda X, Y: (np.tile(X[:1], (60, 1)), np.tile(Y[:1], (60, 1))),
    "equal features only": lambda X, Y: (np.tile(X[:1], (60, 1)), Y),
    "two instances": lambda X, Y: (X[:2], Y[:2]),
    "one instance": lambda X, Y: (X[:1], Y[:1]),
    "more labels than instances": lambda X, Y: (X[:6], np.tile(Y[:6], 3)),
}
REFUSED = {
    "no feature": (lambda X, Y: (X[:, :0], Y), r"0 feature\(s\)"),
    "no label": (lambda X, Y: (X, Y[:, :0]), r"0 feature\(s\)"),
    "one instance of a vector": (lambda X, Y: (X[:1], Y[:1, 0]), "only one class"),
    "features of 1e30": (lambda X, Y: (1e30 * X, Y), "features scaled to a common range"),
    "both signs beyond float32": (lambda X, Y: (1e300 * X, Y), "Input X contains infinity"),
    "a sum beyond float32": (lambda X, Y: (8e37 * np.sign(X), Y), "scaled to a common range"),
    "NA among Int64": (lambda X, Y: (with_missing(X.round(), "Int64"), Y), "X contains NaN"),
    "NA among Float32": (lambda X, Y: (with_missing(X, "Float32"), Y), "X contains NaN"),
    "NA among boolean": (lambda X, Y: (with_missing(X > 0, "boolean"), Y), "X contains NaN"),
    "vector, one NA": (lambda X, Y: (X, with_missing(Y, "Int64")[0]), "y contains NaN"),
}
# Each stands for the same numbers as its dense form in float64.
FORMS = {
    "float16": lambda X, Y: (X.astype(np.float16), Y),
    "int8": lambda X, Y: ((9 * X).astype(np.int8), Y),
    "uint8": lambda X, Y: ((9 * abs(X)).astype(np.uint8), Y),
    "bool": lambda X, Y: (X > 0, Y > 0),
    "Fortran order": lambda X, Y: (np.asfortranarray(X), np.asfortranarray(Y)),
    "read-only": lambda X, Y: (frozen(X), frozen(Y)),
    "read-only float32": lambda X, Y: (frozen(X.astype(np.float32)), frozen(Y.astype("f4"))),
    "explicit zeros": lambda X, Y: (explicit_zeros(X), Y),
    "unsorted columns": lambda X, Y: (unsorted(X), Y),
    "unsorted float32": lambda X, Y: (unsorted(X.astype(np.float32)), Y),
    "entries in two parts": lambda X, Y: (in_two_parts(X), Y),
    "two parts in float32": lambda X, Y: (in_two_parts(X.astype(np.float32)), Y),
    "sparse labels in two parts": lambda X, Y: (X, in_two_parts(Y.astype(float))),
    "Int64": lambda X, Y: (pd.DataFrame(X.round()).astype("Int64"), pd.DataFrame(Y, dtype="Int64")),
    "Float32": lambda X, Y: (pd.DataFrame(X, dtype="Float32"), pd.DataFrame(Y, dtype="Float32")),
    "boolean": lambda X, Y: (
        pd.DataFrame(X > 0, dtype="boolean"),
        pd.DataFrame(Y > 0, dtype="boolean"),
    ),
    "vector of boolean": lambda X, Y: (X, pd.Series(Y[:, 0] > 0, dtype="boolean")),
    "float labels": lambda X, Y: (X, Y.astype(float)),
}


def dense(data):
    return data.toarray() if sp.issparse(data) else np.asarray(data, dtype=float)


def contents(data):
    parts = (data.data, data.indices, data.indptr) if sp.issparse(data) else (np.asarray(data),)
    return [part.tolist() for part in parts]


def assert_predicts(est, X, Y):
    proba = est.predict_proba(X)
    assert proba.shape == (Y.shape if Y.ndim == 2 else (len(Y), 2))
    assert np.isfinite(proba).all()
    assert ((proba >= 0) & (proba <= 1)).all()
    assert est.predict(X).shape == Y.shape


@pytest.mark.filterwarnings("ignore:A column-vector")
@pytest.mark.parametrize("case", FIT)
def test_fits(make_any, data, case):
    X, Y = FIT[case](*data)
    assert_predicts(make_any().fit(X, Y), X, Y)


TOO_LARGE = {"features of 1e30", "a sum beyond float32"}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(make_any, data, case):
    change, message = REFUSED[case]
    if case in TOO_LARGE and isinstance(make_any(), C2AEClassifier):
        # Its codes end in a sigmoid, and nothing overflows behind it.
        X, Y = change(*data)
        assert_predicts(make_any().fit(X, Y), X, Y)
        return
    with pytest.raises(ValueError, match=message):
        # A preprocessor bounds numbers and fills gaps: this is what networks themselves take.
        make_any(preprocessor=None).fit(*change(*data))


@pytest.mark.parametrize("form", FORMS)
def test_forms(make_two, data, form):
    X, Y = FORMS[form](*data)
    before = contents(X), contents(Y)
    proba = make_two(max_epochs=3, preprocessor=None).fit(X, Y).predict_proba(X)
    assert (contents(X), contents(Y)) == before
    expected = (
        make_two(max_epochs=3, preprocessor=None).fit(dense(X), dense(Y)).predict_proba(dense(X))
    )
    np.testing.assert_array_equal(proba, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_memory_maps(make_two, data, tmp_path, mode, dtype):
    paths = tmp_path / "X", tmp_path / "Y"
    for array, path in zip(data, paths, strict=True):
        array.astype(dtype).tofile(path)
    before = [path.read_bytes() for path in paths]
    X, Y = (
        np.memmap(path, dtype, mode, shape=(60, q)) for path, q in zip(paths, (8, 4), strict=True)
    )
    proba = make_two(max_epochs=3).fit(X, Y).predict_proba(X)
    assert [path.read_bytes() for path in paths] == before
    X, Y = (array.astype(dtype) for array in data)
    np.testing.assert_array_equal(proba, make_two(max_epochs=3).fit(X, Y).predict_proba(X))


def test_names_of_features(make_two, data):
    X, Y = data
    frame = pd.DataFrame(X, columns=list("abcdefgh"))
    named, unnamed = make_two().fit(frame, Y), make_two().fit(X, Y)
    expected = unnamed.predict_proba(X)
    np.testing.assert_array_equal(named.predict_proba(frame), expected)
    for method in (named.predict, named.predict_proba, named.decision_function):
        with pytest.raises(ValueError, match="feature names should match"):
            method(frame[list("hgfedcba")])
    with pytest.raises(ValueError, match="feature names should match"):
        named.partial_fit(frame[list("hgfedcba")], Y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        np.testing.assert_array_equal(named.predict_proba(X), expected)
    with pytest.warns(UserWarning, match="X has feature names, but"):
        np.testing.assert_array_equal(unnamed.predict_proba(frame), expected)


@pytest.mark.parametrize("name", ["mlp", "clif"])
def test_features_of_1e30_in_shuffled_batches(request, data, name):
    """Without weights of instances to overflow, these two networks get through."""
    make = request.getfixturevalue({"mlp": "make", "clif": "make_clif"}[name])
    X, Y = 1e30 * data[0], data[1]
    assert_predicts(make(batch_selector=None).fit(X, Y), X, Y)


def all_knowing(n_features, n_labels):
    """Reads the labels off the features, and is as sure of them as single precision can be."""
    module = torch.nn.Linear(n_features, n_labels)
    torch.nn.init.zeros_(module.bias)
    with torch.no_grad():
        module.weight.copy_(200 * torch.eye(n_labels, n_features))
    return module


@pytest.mark.parametrize("cls", SELECTORS)
def test_labels_predicted_perfectly(make, data, cls):
    Y = data[1]
    X = 2.0 * Y - 1
    short = {"warmup_epochs": 2} if "warmup_epochs" in cls().get_params() else {}
    est = make(batch_selector=cls(**short)).set_params(module=all_knowing).fit(X, Y)
    assert est.history[:, "train_loss"] == [0] * 5
    assert_predicts(est, X, Y)
    np.testing.assert_array_equal(est.predict(X), Y)
    p = est.batch_selector_.probabilities_
    assert p is None or torch.isfinite(p).all()


@pytest.mark.parametrize(
    ("name", "q"),
    [
        ("make_clif", 1000),
        ("make_dela", 1000),
        pytest.param("make", 10_000, marks=pytest.mark.slow),
    ],
)
def test_many_labels(request, name, q):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(200, 8)), (rng.random((200, q)) < 0.01).astype(int)
    make = request.getfixturevalue(name)
    assert_predicts(make(max_epochs=3, batch_size=100).fit(X, Y), X, Y)

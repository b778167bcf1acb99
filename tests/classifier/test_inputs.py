"""Data in every form gives the same fit; shapes and types of what comes out."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.exceptions import DataConversionWarning

FORMS_OF_X = {
    "float32": lambda X: X.astype(np.float32),
    "DataFrame": pd.DataFrame,
    "csr matrix": sp.csr_matrix,
    "csr array": sp.csr_array,
    "csc matrix": sp.csc_matrix,
    "tensor": torch.from_numpy,
    "sparse tensor": lambda X: torch.from_numpy(X).to_sparse(),
    "list": lambda X: X.tolist(),
    "negative strides": lambda X: X.astype(np.float32)[::-1].copy()[::-1],
}
FORMS_OF_Y = {
    "DataFrame": pd.DataFrame,
    "csr matrix": sp.csr_matrix,
    "csr array": sp.csr_array,
    "tensor": torch.from_numpy,
    "sparse tensor": lambda Y: torch.from_numpy(Y).to_sparse(),
    "list": lambda Y: Y.tolist(),
}


@pytest.fixture
def rounded(data):
    """Features that single precision holds, some of them 0."""
    X, Y = data
    return np.round(np.where(X > -0.5, X, 0), 2).astype(np.float32).astype(float), Y


@pytest.fixture
def expected(make, rounded):
    return make().fit(*rounded).predict_proba(rounded[0])


@pytest.mark.parametrize("form", FORMS_OF_X)
def test_forms_of_features(make, rounded, expected, form):
    X, Y = rounded
    if form == "DataFrame":
        X = pd.DataFrame(X, columns=[f"x{i}" for i in range(8)])
    else:
        X = FORMS_OF_X[form](X)
    proba = make().fit(X, Y).predict_proba(X)
    # Neighbours of sparse features are not centred first, which may move the last bit.
    np.testing.assert_allclose(proba, expected, rtol=1e-5)


@pytest.mark.parametrize("form", FORMS_OF_Y)
def test_forms_of_labels(make, rounded, expected, form):
    X, Y = rounded
    proba = make().fit(X, FORMS_OF_Y[form](Y)).predict_proba(X)
    np.testing.assert_array_equal(proba, expected)


@pytest.mark.parametrize("placement", ["device", "host"])
def test_placement_changes_nothing(make, rounded, expected, placement):
    est = make(dataset__placement=placement).fit(*rounded)
    np.testing.assert_array_equal(est.predict_proba(rounded[0]), expected)


def test_no_device_is_the_cpu(make, rounded, expected):
    est = make(device=None).fit(*rounded)
    np.testing.assert_array_equal(est.predict_proba(rounded[0]), expected)


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2, 3]])
def test_classes_at_the_first_partial_fit(make_two, data, classes):
    X, Y = data
    est = make_two().partial_fit(X, Y, classes=classes)
    np.testing.assert_array_equal(est.predict_proba(X), make_two().fit(X, Y).predict_proba(X))
    vector = make_two(train_split=None).partial_fit(X[Y[:, 0] == 1], np.ones(sum(Y[:, 0])), [0, 1])
    assert list(vector.classes_) == [0, 1]


def test_what_comes_out(make_two, data):
    X, Y = data
    est = make_two().fit(X, Y)
    proba, labels, logits = est.predict_proba(X), est.predict(X), est.decision_function(X)
    assert proba.shape == labels.shape == logits.shape == (60, 4)
    assert proba.dtype == np.float64
    assert labels.dtype == np.int64
    assert set(np.unique(labels)) <= {0, 1}
    np.testing.assert_allclose(proba, 1 / (1 + np.exp(-logits.astype(float))))
    np.testing.assert_array_equal(labels, proba >= 0.5)
    np.testing.assert_array_equal(est.classes_, [[0, 1]] * 4)
    assert (est.n_features_in_, est.n_labels_) == (8, 4)


def test_it_learns(make_two, data):
    from skd2ace.metrics import macro_auc

    X, Y = data
    est = make_two(max_epochs=60, train_split=None).fit(X, Y)
    assert macro_auc(Y, est.predict_proba(X)) > 0.9


def test_one_label_as_a_vector(make_two, data):
    X, Y = data
    y = np.where(Y[:, 0] == 1, "yes", "no")
    est = make_two().fit(X, y)
    assert est.predict_proba(X).shape == (60, 2)
    assert est.decision_function(X).shape == est.predict(X).shape == (60,)
    assert set(est.predict(X)) <= {"yes", "no"}
    np.testing.assert_array_equal(est.predict(X) == "yes", est.predict_proba(X)[:, 1] >= 0.5)


def test_one_label_as_a_matrix(make_two, data):
    X, Y = data
    with pytest.warns(DataConversionWarning, match="matrix of one label"):
        est = make_two().fit(X, Y[:, :1])
    assert est.predict_proba(X).shape == est.predict(X).shape == (60, 1)
    vector = make_two().fit(X, Y[:, 0])
    np.testing.assert_array_equal(est.predict_proba(X)[:, 0], vector.predict_proba(X)[:, 1])


@pytest.mark.parametrize("n", [1, 2, 3, 11])
def test_fewer_instances_than_a_batch(make_two, data, n):
    X, Y = data
    est = make_two(batch_size=128, preprocessor=None).fit(X[:n], Y[:n])
    assert np.isfinite(est.predict_proba(X)).all()
    # Two instances can be ranked, one cannot: then nothing is held out.
    assert ("valid_macro_auc" in est.history[-1]) == (n == 11)


def test_labels_without_positives_and_instances_without_labels(make_two, data):
    X, Y = data
    Y = Y.copy()
    Y[:, 1], Y[:20] = 0, 0
    est = make_two().fit(X, Y)
    assert np.isfinite(est.predict_proba(X)).all()


@pytest.mark.parametrize("value", [0, 1])
def test_all_labels_alike(make_two, data, value):
    X, Y = data
    est = make_two().fit(X, np.full_like(Y, value))
    assert np.isfinite(est.predict_proba(X)).all()
    assert np.isnan(est.history[-1]["valid_macro_auc"])
    assert est.best_epoch_ == 5


def test_duplicated_instances(make_two, data):
    X, Y = np.repeat(data[0][:6], 10, axis=0), data[1]
    assert np.isfinite(make_two().fit(X, Y).predict_proba(X)).all()


def test_prediction_does_not_depend_on_the_batch(make_two, data):
    X, Y = data
    est = make_two().fit(X, Y)
    whole = est.decision_function(X)
    alone = np.concatenate([est.decision_function(row[None]) for row in X])
    # As near as scikit-learn's own check asks; here they are the same bits.
    np.testing.assert_allclose(whole, alone, rtol=1e-7)

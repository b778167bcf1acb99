"""Each mistake ends in one clear error, and leaves nothing half-fitted behind."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skd2ace.selection import BatchSelector


def with_value(array, value):
    changed = array.astype(float)
    changed[3, 1] = value
    return changed


def label_sets(Y):
    names = np.array(["b", "a", "c", "d"])
    return [set(), {"a"}, *(set(names[row == 1]) for row in Y[2:])]


BAD = {
    "NaN in X": (lambda X, Y: (with_value(X, np.nan), Y), "Input X contains NaN"),
    "infinity in X": (lambda X, Y: (with_value(X, np.inf), Y), "Input X contains infinity"),
    "too large for float32": (lambda X, Y: (with_value(X, 1e300), Y), "float32"),
    "infinity in Y": (lambda X, Y: (X, with_value(Y, np.inf)), "Input y contains infinity"),
    "NaN in one dimension": (lambda X, Y: (X, with_value(Y, np.nan)[:, 1]), "y contains NaN"),
    "nothing known": (
        lambda X, Y: (X, np.full(Y.shape, np.nan)),
        "No instance|all unknown",
    ),
    "words": (lambda X, Y: (X, np.where(Y, "TRUE", "FALSE")), r"\(Y == 'TRUE'\).astype\(int\)"),
    "words of two": (lambda X, Y: (X, pd.DataFrame(np.where(Y, "yes", "no"))), r"\(Y == 'yes'\)"),
    "digits": (lambda X, Y: (X, Y.astype(str)), r"Y.astype\(int\)"),
    "-1 for unknown": (lambda X, Y: (X, with_value(Y, -1)), "found -1.*not known, pass NaN"),
    "{0, 2}": (lambda X, Y: (X, 2 * Y), "zeros and ones; found 2"),
    "{-1, 1}": (lambda X, Y: (X, 2 * Y - 1), "zeros and ones; found -1"),
    "fractions": (lambda X, Y: (X, with_value(Y, 0.5)), "zeros and ones.*found 0.5"),
    "strings": (lambda X, Y: (X, np.where(Y, "a", "b")), "zeros and ones"),
    "label sets": (lambda X, Y: (X, label_sets(Y)), "{'a'}.*MultiLabelBinarizer"),
    "lists of names": (lambda X, Y: (X, [*map(list, label_sets(Y))]), "MultiLabelBinarizer"),
    "array of sets": (lambda X, Y: (X, np.array(label_sets(Y))), "MultiLabelBinarizer"),
    "series of tuples": (
        lambda X, Y: (X, pd.Series([*map(tuple, label_sets(Y))])),
        "MultiLabelBinarizer",
    ),
    "as many names each": (
        lambda X, Y: (X, [["a", "b", "c", "d"]] * 60),
        "'a'.*MultiLabelBinarizer",
    ),
    "many classes": (lambda X, Y: (X, np.arange(60) % 3), "Only binary classification"),
    "one class": (lambda X, Y: (X, np.zeros(60)), "only one class"),
    "continuous": (lambda X, Y: (X, X[:, 0]), "Unknown label type"),
    "rows of Y": (lambda X, Y: (X, Y[:30]), "inconsistent numbers of samples"),
    "no Y": (lambda X, Y: (X, None), "requires y"),
    "empty": (lambda X, Y: (X[:0], Y[:0]), "0 sample"),
    "one dimension of X": (lambda X, Y: (X[:, 0], Y), "2D array"),
    "three dimensions of Y": (lambda X, Y: (X, Y[:, :, None]), "dim 3"),
}


@pytest.mark.parametrize("case", BAD)
def test_data_at_fit(make_two, data, case):
    change, message = BAD[case]
    est = make_two(preprocessor=None)
    before = dict(vars(est))
    with pytest.raises(ValueError, match=message):
        est.fit(*change(*data))
    assert vars(est) == before
    with pytest.raises(NotFittedError):
        est.predict(data[0])


@pytest.mark.parametrize("case", BAD)
def test_a_fitted_estimator_survives(make, data, case):
    change, message = BAD[case]
    est = make().fit(*data)
    expected, history = est.predict_proba(data[0]), list(est.history)
    with pytest.raises(ValueError, match=message):
        est.fit(*change(*data))
    # Here y of one dimension does not fit the labels before it is looked at any closer.
    with pytest.raises(ValueError, match=f"{message}|one dimension, but"):
        est.partial_fit(*change(*data))
    np.testing.assert_array_equal(est.predict_proba(data[0]), expected)
    assert list(est.history) == history


@pytest.mark.parametrize("threshold", [["high"], [[0.5], [0.5, 0.5]]], ids=str)
def test_thresholds_that_are_no_numbers(make, data, threshold):
    with pytest.raises(ValueError, match=r"threshold must be in .* one for each of the 4 labels"):
        make(threshold=threshold).fit(*data)


def test_features_at_predict(make_two, data):
    X, Y = data
    est = make_two(preprocessor=None).fit(X, Y)
    for method in (est.predict, est.predict_proba, est.decision_function):
        with pytest.raises(ValueError, match="X has 7 features"):
            method(X[:, :7])
        with pytest.raises(ValueError, match="contains NaN"):
            method(with_value(X, np.nan))


def test_labels_at_partial_fit(make_two, data):
    X, Y = data
    est = make_two().fit(X, Y)
    with pytest.raises(ValueError, match="fitted with"):
        est.partial_fit(X, Y[:, :3])
    with pytest.raises(ValueError, match="fitted with"):
        est.partial_fit(X, Y[:, 0])


class Breaks(BatchSelector):
    """Serves a few epochs, then an index that is out of range."""

    def batches(self, epoch):
        yield torch.arange(5) if epoch < 2 else torch.tensor([1000])


def test_nothing_half_fitted_after_an_error_in_training(make_two, data):
    est = make_two(batch_selector=Breaks())
    with pytest.raises(IndexError, match="Breaks gave an index outside"):
        est.fit(*data)
    assert not hasattr(est, "module_")
    with pytest.raises(NotFittedError):
        est.predict(data[0])
    assert clone(est).set_params(batch_selector=None).fit(*data).best_epoch_ > 0


def test_diverging_training_says_what_and_when(make_two, data):
    X, Y = data
    est = make_two(lr=1e30, max_epochs=20, optimizer=torch.optim.SGD)
    if "optimizer__weight_decay" in est.get_params():
        est.set_params(optimizer__weight_decay=0.0)
    with pytest.raises(ValueError, match=r"Epoch \d+: the (train|valid) loss.* is (nan|inf)"):
        est.fit(X, Y)


def test_logits_too_large_at_predict(make, data):
    X, Y = data
    est = make().fit(X, Y)
    est.module_[0].weight.data.fill_(100.0)
    with pytest.raises(ValueError, match="logits are not finite"):
        est.predict(np.full((2, 8), 3e38))


class WrongShape(torch.nn.Linear):
    def __init__(self, n_features, n_labels):
        super().__init__(n_features, n_labels + 1)


def test_module_of_another_shape(make, data):
    est = make().set_params(module=WrongShape)
    with pytest.raises(ValueError, match=r"one logit per instance and label, \(16, 4\)"):
        est.fit(*data)


def test_unknown_fit_parameter(make_two, data):
    with pytest.raises(TypeError, match="sample_weights"):
        make_two().fit(*data, sample_weights=np.ones(60))

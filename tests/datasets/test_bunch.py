"""What the loaders hand over goes by the names of their docstrings."""

import sys

import numpy as np
import pytest

from skd2ace.datasets import load_arff, load_yeast


@pytest.fixture(params=["load_arff", "load_yeast"])
def loader(request, write_file, sparse_text):
    """A loader, what its Bunch calls X, Y and the labels, and the columns of both."""
    if request.param == "load_yeast":
        return load_yeast, ("data", "target", "target_names"), (103, 14)
    path = write_file(sparse_text)
    return lambda **asked: load_arff(path, **asked), ("X", "Y", "label_names"), (4, 2)


def test_names_of_a_bunch(loader):
    load, (x, y, labels), (n_features, n_labels) = loader
    plain, framed = load(), load(as_frame=True)
    assert set(plain) == set(framed) == {x, y, labels, "frame", "feature_names", "DESCR"}
    assert plain.frame is None
    assert (plain[x].shape[1], plain[y].shape[1]) == (n_features, n_labels)
    assert list(framed[x]) == plain.feature_names
    assert list(framed[y]) == plain[labels]
    assert list(framed.frame) == plain.feature_names + plain[labels]


def test_matrices_alone(loader):
    load, (x, y, _), _ = loader
    framed = load(as_frame=True)
    X, Y = load(return_X_y=True, as_frame=True)
    np.testing.assert_array_equal(X, framed[x])
    np.testing.assert_array_equal(Y, framed[y])


def test_frames_need_pandas(loader, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"needs pandas: `pip install 'skd2ace\[data\]'`"):
        loader[0](as_frame=True)

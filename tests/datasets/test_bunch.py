"""What the loaders hand over goes by scikit-learn's names; those of 0.1 lead to them."""

import copy
import pickle
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.utils import Bunch

from skd2ace.datasets import fetch_mulan, load_arff, load_yeast

NAMES = {"data", "target", "frame", "feature_names", "target_names", "DESCR"}
OLD_NAMES = {"X": "data", "Y": "target", "label_names": "target_names"}


@pytest.fixture
def numbers(write_file, sparse_text):
    return load_arff(write_file(sparse_text))


@pytest.fixture(params=["load_arff", "load_yeast", "fetch_mulan"])
def loader(request, write_file, sparse_text, tmp_path):
    """A loader, and the columns of its X and Y."""
    if request.param == "load_yeast":
        return load_yeast, (103, 14)
    if request.param == "load_arff":
        path = write_file(sparse_text)
        return lambda **asked: load_arff(path, **asked), (4, 2)
    folder = tmp_path / "rcv1subset3"
    folder.mkdir()
    (folder / "rcv1subset3.arff").write_text(sparse_text)
    (folder / "rcv1subset3.xml").write_text('<labels><label name="a"/><label name="b"/></labels>')
    return lambda **asked: fetch_mulan("rcv1subset3", data_home=tmp_path, **asked), (4, 2)


def test_names_of_a_bunch(loader):
    load, (n_features, n_labels) = loader
    plain, framed = load(), load(as_frame=True)
    assert isinstance(plain, Bunch)
    assert set(plain) == set(framed) == NAMES
    assert set(load_iris()) >= NAMES, "they are scikit-learn's"
    assert plain.frame is None
    assert (plain.data.shape[1], plain.target.shape[1]) == (n_features, n_labels)
    assert list(framed.data) == plain.feature_names
    assert list(framed.target) == plain.target_names
    assert list(framed.frame) == plain.feature_names + plain.target_names
    assert isinstance(plain.DESCR, str)


def test_matrices_alone(loader):
    load, _ = loader
    framed = load(as_frame=True)
    X, Y = load(return_X_y=True, as_frame=True)
    pd.testing.assert_frame_equal(X, framed.data)
    pd.testing.assert_frame_equal(Y, framed.target)


def test_frames_need_pandas(loader, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"needs pandas: `pip install 'skd2ace\[data\]'`"):
        loader[0](as_frame=True)


@pytest.mark.parametrize("old", OLD_NAMES)
@pytest.mark.parametrize(
    "read",
    [
        lambda bunch, name: bunch[name],
        getattr,
        lambda bunch, name: bunch.get(name),
    ],
    ids=["item", "attribute", "get"],
)
def test_old_names_are_read(numbers, old, read):
    new = OLD_NAMES[old]
    told = f"'{old}' of load_arff's Bunch is called '{new}' since version 0.2"
    with pytest.warns(FutureWarning, match=told) as caught:
        assert read(numbers, old) is numbers[new]
    assert [warning.filename for warning in caught] == [__file__]


def test_old_names_are_looked_for(numbers):
    with pytest.warns(FutureWarning, match="'X' of load_arff's Bunch"):
        assert "X" in numbers
    with pytest.warns(FutureWarning):
        assert hasattr(numbers, "label_names")


def test_what_goes_through_the_names_meets_the_new_ones(numbers):
    for names in (numbers, numbers.keys(), dict(numbers), dict(**numbers), dir(numbers)):
        assert set(names) == NAMES
    assert len(numbers) == len(NAMES)


def test_a_part_set_by_its_old_name(numbers):
    with pytest.warns(FutureWarning, match="'X'"):
        numbers.X = 2 * numbers.data
    with pytest.warns(FutureWarning, match="'Y'"):
        numbers["Y"] = None
    assert numbers.data[[0]].toarray()[0, 0] == 5
    assert numbers.target is None
    assert set(numbers) == NAMES
    numbers.update(label_names=["c"])
    assert numbers.label_names == ["c"], "what was put in is found"


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda bunch: pickle.loads(pickle.dumps(bunch))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies_know_the_old_names(numbers, copied):
    again = copied(numbers)
    assert set(again) == NAMES
    np.testing.assert_array_equal(again.data.toarray(), numbers.data.toarray())
    with pytest.warns(FutureWarning):
        assert again.X is again.data


def test_pickles_of_0_1_keep_their_names(numbers):
    """They hold scikit-learn's Bunch, of the old keys."""
    old = pickle.loads(pickle.dumps(Bunch(X=numbers.data, Y=numbers.target)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(old) == {"X", "Y"}
        assert old.X.shape == (4, 4)


def test_names_that_never_were(numbers):
    assert "labels" not in numbers
    assert numbers.get("labels", 5) == 5
    assert not hasattr(numbers, "Z")
    with pytest.raises(KeyError, match="Z"):
        numbers["Z"]
    assert not hasattr(load_yeast(), "X"), "this one had scikit-learn's names already"

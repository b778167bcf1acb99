"""Stratified shuffle splits: sizes as scikit-learn's, labels close to their shares."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.model_selection import ShuffleSplit

from skd2ace.datasets import load_arff
from skd2ace.model_selection import IterativeStratifiedKFold, IterativeStratifiedShuffleSplit

SIZES = [
    {},
    {"test_size": 0.25},
    {"test_size": 7},
    {"train_size": 0.5},
    {"train_size": 11, "test_size": 0.3},
    {"train_size": 0.4, "test_size": 0.2},
]


@pytest.fixture(name="Y")
def _labels():
    return (np.random.default_rng(0).random((103, 6)) < [0.5, 0.3, 0.1, 0.05, 0.02, 0]).astype(int)


def first(y, **parameters):
    splitter = IterativeStratifiedShuffleSplit(random_state=0, **parameters)
    return next(splitter.split(np.empty(y.shape[0]), y))


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_sizes_are_scikit_learns(Y, sizes):
    X = np.empty(len(Y))
    ours = list(IterativeStratifiedShuffleSplit(4, **sizes).split(X, Y))
    theirs = list(ShuffleSplit(4, **sizes).split(X))
    assert [tuple(map(len, s)) for s in ours] == [tuple(map(len, s)) for s in theirs]
    assert all(len(np.union1d(*s)) == len(s[0]) + len(s[1]) for s in ours)


@pytest.mark.parametrize("sizes", [{"test_size": 200}, {"test_size": 1.5}, {"train_size": -1}])
def test_errors_of_sizes_are_scikit_learns(Y, sizes):
    messages = []
    for kind in (ShuffleSplit, IterativeStratifiedShuffleSplit):
        with pytest.raises(ValueError, match="size") as error:
            list(kind(**sizes).split(Y, Y))
        messages.append(str(error.value).replace(kind.__name__, ""))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_labels_have_their_shares(Y, sizes):
    for part in first(Y, **sizes):
        share = Y.sum(axis=0) * len(part) / len(Y)
        assert np.all(np.abs(Y[part].sum(axis=0) - share) <= 1.5)


def test_known_cells_are_balanced():
    rng = np.random.default_rng(1)
    Y = (rng.random((200, 3)) < 0.3).astype(float)
    Y[rng.random(Y.shape) < 0.7] = np.nan
    _, test = first(Y, test_size=0.5)
    for value in (0, 1):
        count = (value == Y).sum(axis=0)
        assert np.all(np.abs((Y[test] == value).sum(axis=0) - count / 2) <= 1.5)


@pytest.mark.parametrize("form", [sp.coo_matrix, sp.lil_array, pd.DataFrame, torch.tensor])
@pytest.mark.parametrize("kind", [IterativeStratifiedKFold, IterativeStratifiedShuffleSplit])
def test_containers(Y, form, kind):
    splits = [list(kind(3, random_state=0).split(np.empty(len(Y)), y)) for y in (Y, form(Y))]
    for a, b in zip(*splits, strict=True):
        np.testing.assert_array_equal(a[1], b[1])


@pytest.mark.parametrize("form", [lambda y: y, lambda y: y[:, None], pd.Series, sp.csr_array])
def test_one_label(form):
    y = np.repeat([0, 1], [30, 10])
    Y = form(y) if form is not sp.csr_array else form(y[:, None])
    assert y[first(Y, test_size=0.2)[1]].sum() == 2


def test_seeds_and_missing_y(Y):
    once, again = (
        list(IterativeStratifiedShuffleSplit(2, random_state=3).split(Y, Y)) for _ in "ab"
    )
    assert [s[1].tolist() for s in once] == [s[1].tolist() for s in again]
    assert once[0][1].tolist() != once[1][1].tolist()
    with pytest.raises(ValueError, match="y must be given"):
        next(IterativeStratifiedShuffleSplit().split(Y))


@pytest.mark.parametrize("kind", [IterativeStratifiedKFold, IterativeStratifiedShuffleSplit])
def test_groups_are_warned_of(Y, kind):
    with pytest.warns(UserWarning, match=f"groups parameter is ignored by {kind.__name__}"):
        next(kind(3).split(Y, Y, groups=np.arange(len(Y))))


@pytest.mark.slow
def test_real_labels_are_in_both_parts():
    folder = os.environ.get("SKD2ACE_DATA")
    files = sorted(Path(folder).glob("**/*.arff")) if folder else []
    files = [f for f in files if f.with_suffix(".xml").exists()]
    if not files:
        pytest.skip("needs MULAN's files in SKD2ACE_DATA")
    for file in files:
        Y = sp.csr_array(load_arff(file, file.with_suffix(".xml"), return_X_y=True)[1])
        train, test = first(Y, test_size=0.1)
        assert len(test) == int(np.ceil(Y.shape[0] / 10)), file.name
        enough = Y.sum(axis=0) >= 20
        for part in (train, test):
            assert np.all(Y[part].sum(axis=0)[enough] > 0), file.name

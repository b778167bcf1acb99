"""Splitters as train_split, bare and inside skorch's ValidSplit."""

import numpy as np
import pytest
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
)
from skorch.dataset import ValidSplit

from skd2ace.classifier._split import split
from skd2ace.model_selection import IterativeStratifiedKFold, IterativeStratifiedShuffleSplit

WRAPS = pytest.mark.parametrize("wrap", [lambda cv: cv, ValidSplit], ids=["bare", "ValidSplit"])
FIXED = [KFold(4), PredefinedSplit(np.arange(60) % 3), IterativeStratifiedKFold(4, random_state=1)]


@WRAPS
@pytest.mark.parametrize("cv", FIXED, ids=lambda cv: type(cv).__name__)
def test_the_first_split_is_taken(data, cv, wrap):
    X, Y = data
    train, valid = split(wrap(cv), X, np.float32(Y), 0)
    expected = next(cv.split(X, Y))
    assert train.indices.tolist() == expected[0].tolist()
    assert valid.indices.tolist() == expected[1].tolist()


@WRAPS
def test_a_single_label_is_stratified_by_scikit_learn(data, wrap):
    X, Y = data
    _, valid = split(wrap(StratifiedKFold(3)), X, np.float32(Y[:, :1]), 0)
    assert valid.indices.tolist() == next(StratifiedKFold(3).split(X, Y[:, 0]))[1].tolist()


@WRAPS
def test_unknown_labels_do_not_trouble_splitters_that_ignore_them(data, wrap):
    X, Y = data
    _, valid = split(wrap(KFold(4)), X, np.where(Y == 0, np.nan, 1.0), 0)
    assert valid.indices.tolist() == list(range(15))


@WRAPS
@pytest.mark.parametrize("kind", [ShuffleSplit, IterativeStratifiedShuffleSplit])
def test_the_estimator_seeds_the_split(make_two, data, kind, wrap):
    cv = kind(test_size=0.25)
    first, second = (make_two(max_epochs=1, train_split=wrap(cv)).fit(*data) for _ in "ab")
    assert first.batch_selector_.n_instances_ == 45
    assert first.history[:, "valid_loss"] == second.history[:, "valid_loss"]
    assert cv.random_state is None


@WRAPS
def test_groups_reach_the_splitter(make_clif, data, wrap):
    groups = np.repeat([0, 1, 2], [30, 20, 10])
    est = make_clif(max_epochs=1, train_split=wrap(GroupKFold(3)))
    assert est.fit(*data, groups=groups).batch_selector_.n_instances_ == 30
    with pytest.raises(TypeError, match="rubbish"):
        est.fit(*data, rubbish=groups)

"""Stratified folds, dealt several times."""

from itertools import chain

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score

from skd2ace.benchmark import Experiment, differences
from skd2ace.model_selection import IterativeStratifiedKFold, RepeatedIterativeStratifiedKFold
from skd2ace.neighbors import MLkNN


@pytest.fixture
def labels():
    return (np.random.default_rng(0).random((60, 4)) < [0.5, 0.3, 0.2, 0.1]).astype(int)


def held_out(splitter, Y):
    return [test.tolist() for _, test in splitter.split(Y, Y)]


def test_each_repetition_tests_each_instance_once(labels):
    splitter = RepeatedIterativeStratifiedKFold(3, n_repeats=4, random_state=0)
    folds = held_out(splitter, labels)
    assert len(folds) == splitter.get_n_splits() == 12
    repetitions = [folds[start : start + 3] for start in range(0, 12, 3)]
    assert all(sorted(chain(*folds)) == list(range(60)) for folds in repetitions)
    assert len({str(folds) for folds in repetitions}) == 4


def test_seed_decides(labels):
    make = RepeatedIterativeStratifiedKFold
    fixed = make(3, n_repeats=2, random_state=0)
    assert held_out(fixed, labels) == held_out(fixed, labels)
    assert held_out(fixed, labels) != held_out(make(3, n_repeats=2, random_state=1), labels)
    drawn = make(3, n_repeats=2, random_state=np.random.RandomState(0))
    assert held_out(drawn, labels) != held_out(drawn, labels)
    # The first repetitions are the same, however many follow.
    assert held_out(make(3, n_repeats=3, random_state=0), labels)[:6] == held_out(fixed, labels)


def test_folds_are_stratified_as_single_ones(labels):
    """The shares of a label differ by an instance or two at most."""
    for splitter in (
        RepeatedIterativeStratifiedKFold(3, n_repeats=5, random_state=0),
        IterativeStratifiedKFold(3, random_state=0),
    ):
        counts = np.array([labels[test].sum(axis=0) for test in held_out(splitter, labels)])
        assert (np.abs(counts - labels.sum(axis=0) / 3) <= 2).all()


def test_scikit_learn_takes_it(labels):
    splitter = RepeatedIterativeStratifiedKFold(2, n_repeats=3, random_state=0)
    model = DummyClassifier(strategy="prior")
    assert len(cross_val_score(model, labels, labels, cv=splitter)) == 6


def test_intervals_are_corrected_for_all_folds(labels):
    """Nadeau and Bengio: the variance of k values times 1/k + n_test/n_train, whatever k is."""
    X = labels + np.random.default_rng(1).normal(size=labels.shape)
    methods = {"near": MLkNN(n_neighbors=3), "far": MLkNN(n_neighbors=12)}
    splitter = RepeatedIterativeStratifiedKFold(3, n_repeats=4, random_state=0)
    results = Experiment({"d": (X, labels)}, methods, splitter).run(progress=False)
    table = results.pivot_table(index="fold", columns="method", values="macro_auc")
    gains = (table["near"] - table["far"]).to_numpy()
    assert len(gains) == 12
    error = np.sqrt((1 / 12 + 20 / 40) * gains.var(ddof=1))
    row = differences(results, "macro_auc", "near").iloc[0]
    assert row["n_folds"] == 12
    # The quantile of Student's distribution with 11 degrees of freedom, from a table.
    assert row["high"] - row["difference"] == pytest.approx(2.20099 * error, rel=1e-5)


@pytest.mark.parametrize("wrong", [{"n_splits": 1}, {"n_repeats": 0}, {"random_state": "x"}])
def test_what_is_refused(wrong):
    with pytest.raises(ValueError, match="parameter of RepeatedIterativeStratifiedKFold must be"):
        RepeatedIterativeStratifiedKFold(**wrong)


def test_groups_and_missing_labels(labels):
    splitter = RepeatedIterativeStratifiedKFold(2, n_repeats=1, random_state=0)
    with pytest.warns(UserWarning, match="ignored by RepeatedIterativeStratifiedKFold"):
        next(splitter.split(labels, labels, groups=np.ones(60)))
    with pytest.raises(ValueError, match="y must be given"):
        next(splitter.split(labels))

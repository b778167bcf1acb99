"""Folds are complete, stratified, repeatable and those of the two implementations."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from skmultilearn.model_selection import IterativeStratification

from skd2ace.model_selection import IterativeStratifiedKFold

KINDS = [("iterstrat", 1), ("skmultilearn", 1), ("skmultilearn", 2)]


@pytest.fixture(params=KINDS, ids=str)
def make(request):
    method, order = request.param
    return lambda n_splits=5, random_state=0: IterativeStratifiedKFold(
        n_splits, random_state=random_state, method=method, order=order
    )


@pytest.fixture
def labels():
    """90 instances, 5 labels, the last one rare; some have no label."""
    Y = (np.random.default_rng(0).random((90, 5)) < [0.5, 0.3, 0.2, 0.2, 0.05]).astype(int)
    assert (Y.sum(axis=1) == 0).any()
    return Y


def held_out(splitter, Y):
    return [test.tolist() for _, test in splitter.split(Y, Y)]


def test_each_instance_is_tested_once(make, labels):
    tested = []
    for train, test in make().split(labels, labels):
        assert sorted([*train, *test]) == list(range(90))
        assert (np.diff(train) > 0).all()
        assert (np.diff(test) > 0).all()
        tested += test.tolist()
    assert sorted(tested) == list(range(90))


def test_seed_decides(make, labels):
    assert held_out(make(), labels) == held_out(make(), labels)
    splitter = make()
    assert held_out(splitter, labels) == held_out(splitter, labels)
    assert held_out(make(), labels) != held_out(make(random_state=1), labels)


def test_random_state_objects(make, labels):
    splitter = make(random_state=np.random.RandomState(3))
    first, second = held_out(splitter, labels), held_out(splitter, labels)
    assert first != second, "a RandomState is advanced"
    assert first == held_out(make(random_state=np.random.RandomState(3)), labels)
    fresh = make(random_state=None)
    assert held_out(fresh, labels) != held_out(fresh, labels)


@pytest.mark.parametrize("seed", [0, None])
def test_global_generator_is_left_alone(make, labels, seed):
    np.random.seed(7)
    np.random.standard_normal()
    kind, keys, *rest = np.random.get_state()
    first = held_out(make(random_state=seed), labels)
    kind_after, keys_after, *rest_after = np.random.get_state()
    assert (kind, rest) == (kind_after, rest_after)
    np.testing.assert_array_equal(keys, keys_after)
    np.random.seed(7)
    again = held_out(make(random_state=seed), labels)
    assert (first == again) == (seed == 0), "None does not read it either"


def test_global_generator_is_put_back_after_an_error(labels, monkeypatch):
    def fail(*args):
        np.random.random()
        raise RuntimeError("midway")

    monkeypatch.setattr(IterativeStratification, "_distribute_positive_evidence", fail)
    before = np.random.get_state()
    with pytest.raises(RuntimeError, match="midway"):
        held_out(IterativeStratifiedKFold(method="skmultilearn"), labels)
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])
    assert before[2:] == np.random.get_state()[2:]


def test_threads_do_not_share_a_generator(make, labels):
    expected = [held_out(make(random_state=seed), labels) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        folds = pool.map(lambda seed: held_out(make(random_state=seed), labels), range(8))
        assert list(folds) == expected


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_forked_while_another_thread_splits(labels, monkeypatch):
    """The child has no such thread and must not wait for it."""
    splitter = IterativeStratifiedKFold(3, method="skmultilearn", random_state=0)
    expected = held_out(splitter, labels)
    began, end = threading.Event(), threading.Event()
    distribute = IterativeStratification._distribute_positive_evidence

    def wait(*args):
        began.set()
        end.wait(60)
        return distribute(*args)

    monkeypatch.setattr(IterativeStratification, "_distribute_positive_evidence", wait)
    thread = threading.Thread(target=held_out, args=(splitter, labels))
    thread.start()
    began.wait(60)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        end.set()
        os._exit(int(held_out(splitter, labels) != expected))
    end.set()
    thread.join(60)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    "form", [sp.csr_array, sp.csc_matrix, sp.lil_array, pd.DataFrame, np.ndarray.tolist, bool]
)
def test_forms_of_labels(make, labels, form):
    other = labels.astype(bool) if form is bool else form(labels)
    folds = [test.tolist() for _, test in make().split(np.zeros(90), other)]
    assert folds == held_out(make(), labels)


def test_stored_zeros_are_no_labels(make, labels):
    full = sp.csr_array(np.ones_like(labels))
    full.data = labels.ravel().copy()
    assert full.nnz == labels.size
    assert held_out(make(), full) == held_out(make(), labels)
    assert full.nnz == labels.size, "the caller's matrix is left as it was"


def test_one_label(make):
    y = (np.arange(40) % 4 == 0).astype(int)
    folds = held_out(make(), y)
    assert [y[test].sum() for test in folds] == [2] * 5
    assert sorted(i for fold in folds for i in fold) == list(range(40))
    assert held_out(make(), y[:, None]) == folds
    assert held_out(make(), sp.csr_array(y[:, None])) == folds


@pytest.mark.parametrize("value", [0, 1])
def test_constant_labels(make, value):
    folds = held_out(make(), np.full((20, 3), value))
    assert sorted(i for fold in folds for i in fold) == list(range(20))


def label_distribution_error(Y, folds):
    """Mean difference of a label's odds in a fold and in the whole (Sechidis et al. 2011, LD)."""
    odds = Y.sum(axis=0) / (1 - Y).sum(axis=0)
    return np.mean([np.abs(Y[t].sum(axis=0) / (1 - Y[t]).sum(axis=0) - odds) for t in folds])


def test_labels_are_spread_better_than_by_chance(make, yeast):
    Y, seeds = yeast[1], range(5)
    chance = [KFold(5, shuffle=True, random_state=seed) for seed in seeds]
    stratified = [make(random_state=seed) for seed in seeds]
    of_chance, ours = (
        np.mean([label_distribution_error(Y, held_out(splitter, Y)) for splitter in splitters])
        for splitters in (chance, stratified)
    )
    assert ours < 0.8 * of_chance


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", [0, 42])
def test_folds_are_scikit_multilearns(labels, order, seed):
    ours = IterativeStratifiedKFold(5, method="skmultilearn", order=order, random_state=seed)
    np.random.seed(seed)
    theirs = held_out(IterativeStratification(n_splits=5, order=order), labels)
    assert held_out(ours, labels) == theirs


@pytest.mark.parametrize("seed", [0, 42])
def test_folds_are_iterative_stratifications(labels, seed):
    theirs = MultilabelStratifiedKFold(5, shuffle=True, random_state=seed)
    assert held_out(IterativeStratifiedKFold(5, random_state=seed), labels) == held_out(
        theirs, labels
    )


def test_one_label_is_dealt_out_beside_its_complement():
    y = (np.random.default_rng(0).random(50) < 0.3).astype(int)
    both = np.column_stack([y, 1 - y])
    theirs = MultilabelStratifiedKFold(5, shuffle=True, random_state=0)
    assert held_out(IterativeStratifiedKFold(5, random_state=0), y) == held_out(theirs, both)


def test_in_scikit_learns_searches(make, labels):
    X = np.random.default_rng(1).normal(size=(90, 3))
    model = DummyClassifier(random_state=0)
    assert len(cross_validate(model, X, labels, cv=make(3))["test_score"]) == 3
    grid = {"strategy": ["most_frequent", "stratified"]}
    search = GridSearchCV(model, grid, cv=make(3)).fit(X, labels)
    assert search.n_splits_ == 3
    model.set_params(strategy="most_frequent")
    mine = [model.fit(X[a], labels[a]).score(X[b], labels[b]) for a, b in make(3).split(X, labels)]
    assert search.cv_results_["mean_test_score"][0] == pytest.approx(np.mean(mine))


def test_get_n_splits_and_repr():
    splitter = IterativeStratifiedKFold(3, random_state=1)
    assert splitter.get_n_splits() == 3
    assert "".join(repr(splitter).split()) == (
        "IterativeStratifiedKFold(method='iterstrat',n_splits=3,order=1,random_state=1,shuffle=True)"
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_splits": 1}, r"'n_splits' parameter .* must be an int in the range \[2, inf\). Got 1"),
        ({"n_splits": 2.0}, r"n_splits.* Got 2\.0"),
        ({"n_splits": True}, r"n_splits.* Got True"),
        ({"method": "kfold"}, "method.* Got 'kfold'"),
        ({"order": 3, "method": "skmultilearn"}, "order.* among {1, 2}. Got 3"),
        ({"order": 2}, "order=2 needs method='skmultilearn'"),
        ({"random_state": -1}, "random_state.* Got -1"),
        ({"random_state": 2**32}, "random_state.* Got 4294967296"),
        ({"shuffle": "no"}, "shuffle.* Got 'no'"),
        ({"random_state": "0"}, "random_state.* Got '0'"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        IterativeStratifiedKFold(**parameters)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "y must be given"),
        (np.eye(4), "n_splits=5 is more than the 4 instances"),
        (np.full((6, 2), 2), "y must hold zeros and ones; found 2"),
        (np.full((6, 2), 0.5), r"zeros and ones; found 0\.5"),
        (-np.eye(6), r"zeros and ones; found -1"),
        (sp.csr_array(2 * np.eye(6)), "zeros and ones"),
        (np.full((6, 2), np.inf), "zeros and ones; found inf"),
    ],
    ids=str,
)
def test_bad_labels(make, y, message):
    n_instances = 6 if y is None else y.shape[0]
    with pytest.raises(ValueError, match=message):
        list(make().split(np.zeros(n_instances), y))


def test_lengths_must_agree(make, labels):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        list(make().split(np.zeros(89), labels))


@pytest.mark.parametrize(
    ("method", "module", "extra"),
    [
        ("iterstrat", "iterstrat.ml_stratifiers", "benchmark"),
        ("skmultilearn", "skmultilearn", "data"),
    ],
)
def test_what_is_not_installed(labels, monkeypatch, method, module, extra):
    # None makes an import fail.
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "skmultilearn.model_selection")
    with pytest.raises(ImportError, match=rf"method='{method}' needs .*skd2ace\[{extra}\]"):
        held_out(IterativeStratifiedKFold(method=method), labels)


def test_an_empty_fold_is_an_error():
    """scikit-multilearn breaks ties without a look at the sizes: rare labels can leave a fold."""
    splitter = IterativeStratifiedKFold(5, method="skmultilearn", random_state=0)
    with pytest.raises(ValueError, match=r"Fold \d of n_splits=5 got no instance"):
        list(splitter.split(np.eye(5), np.eye(5)))


@pytest.mark.parametrize("method", ["iterstrat", "skmultilearn"])
def test_without_shuffling_there_is_one_answer(yeast, method):
    Y = yeast[1][:300]
    plain = [IterativeStratifiedKFold(3, shuffle=False, method=method) for _ in range(2)]
    seeded = IterativeStratifiedKFold(3, random_state=0, method=method)
    first, second, third = ([test.tolist() for _, test in s.split(Y, Y)] for s in (*plain, seeded))
    assert first == second == third
    with pytest.raises(ValueError, match="no effect with shuffle=False"):
        IterativeStratifiedKFold(3, shuffle=False, random_state=0)

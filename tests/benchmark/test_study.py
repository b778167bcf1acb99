"""Methods of the study of batch selection: flipped labels, and rates that held-out rows choose."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import make_multilabel_classification

from skd2ace import MultiLabelNetClassifier, TabMClassifier
from skd2ace._describe import describe
from skd2ace.benchmark import Experiment
from skd2ace.benchmark.run._flipped_labels import FlippedLabels, flip_labels
from skd2ace.benchmark.run._hunt import LearnedNeighbors, OutOfBagSelection, read_hidden
from skd2ace.benchmark.run._rate_search import RateSearch
from skd2ace.benchmark.run._study import make_study_methods
from skd2ace.benchmark.run._task import _prepare
from skd2ace.metrics import best_thresholds, macro_auc, macro_f1
from skd2ace.model_selection import IterativeStratifiedShuffleSplit
from skd2ace.networks import MLP
from skd2ace.selection import D2ACE, RandomBatches, RandomSubset


@pytest.fixture(scope="module")
def data():
    return make_multilabel_classification(n_samples=120, n_classes=4, random_state=0)


def make_search(rates=(1e-5, 1e-2)):
    network = MultiLabelNetClassifier(
        MLP,
        module__width=8,
        max_epochs=3,
        train_split=IterativeStratifiedShuffleSplit(test_size=0.3),
        callbacks__best_epoch=None,
        verbose=0,
    )
    return RateSearch(network, rates, random_state=0)


def test_the_curve_that_is_stored_is_that_of_the_kept_rate(data, tmp_path):
    experiment = Experiment({"d": data}, {"m": make_search()}, 2, store=tmp_path / "s")
    experiment.run(progress=False)
    curves = experiment.store.curves()
    assert curves.groupby("fold")["epoch"].apply(list).tolist() == [[1, 2, 3]] * 2
    assert curves["valid_macro_auc"].between(0, 1).all()


@pytest.mark.parametrize("share", [0, 0.1, 0.25, 1])
def test_flips_keep_the_frequency_of_each_label(share):
    Y = (np.random.default_rng(0).random((200, 6)) < [0, 0.02, 0.1, 0.4, 0.9, 1]).astype(int)
    flipped = flip_labels(Y, share, 0)
    np.testing.assert_array_equal(flipped.sum(axis=0), Y.sum(axis=0))
    counts = Y.sum(axis=0)
    n_flips = np.minimum(np.round(share * counts), len(Y) - counts)
    np.testing.assert_array_equal((flipped < Y).sum(axis=0), n_flips)
    np.testing.assert_array_equal((flipped > Y).sum(axis=0), n_flips)


def test_any_cell_may_be_flipped():
    Y = np.tile([[1], [0]], (4, 1))
    times = sum(flip_labels(Y, 0.25, seed) != Y for seed in range(400))
    # One of four each time: 100 with a standard deviation below 9.
    assert (abs(times - 100) < 45).all()


def test_a_classifier_sees_the_flipped_labels(data):
    class Remember(BaseEstimator):
        def fit(self, X, Y):
            self.seen_, self.classes_ = Y, [np.unique(Y)]
            return self

    X, Y = data
    seen = FlippedLabels(Remember(), 0.2, random_state=3).fit(X, Y).estimator_.seen_
    np.testing.assert_array_equal(seen, flip_labels(Y, 0.2, 3))
    assert (seen != Y).any()


def test_the_rate_that_is_better_on_held_out_rows_is_kept(data):
    X, Y = data
    search = make_search().fit(X, Y)
    alone = [clone(search.estimator).set_params(lr=rate, random_state=0) for rate in search.rates]
    rows = search.best_estimator_.valid_indices_
    for est, score in zip(alone, search.scores_, strict=True):
        proba = est.fit(X, Y).predict_proba(X[rows])
        np.testing.assert_array_equal(est.valid_indices_, rows)
        assert score == pytest.approx(macro_auc(Y[rows], proba), abs=1e-6)
    best = alone[int(np.argmax(search.scores_))]
    np.testing.assert_array_equal(search.predict_proba(X), best.predict_proba(X))


def test_the_benchmark_tunes_thresholds_on_what_the_search_held_out(data):
    X, Y = data
    methods = {"tuned": make_search(), "flipped": FlippedLabels(make_search(), 0.1)}
    experiment = Experiment({"made up": data}, methods, cv=2)
    rows = experiment.run(progress=False)
    assert len(rows) == 4
    assert rows["tuned_macro_f1"].notna().all()
    row = rows[(rows["method"] == "tuned") & (rows["fold"] == 0)].iloc[0]
    _, _, tasks = experiment._plan("made up")
    task = next(task for task in tasks if task.key.method == "tuned" and task.key.fold == 0)
    low, span = X[task.train].min(axis=0), np.ptp(X[task.train], axis=0)
    scaled = (X - low) / np.where(span, span, 1)
    search = _prepare(task, None)
    search.fit(scaled[task.train], Y[task.train])
    held_out = task.train[search.best_estimator_.valid_indices_]
    found = best_thresholds(Y[held_out], search.predict_proba(scaled[held_out]))
    expected = macro_f1(Y[task.test], search.predict_proba(scaled[task.test]) >= found)
    assert row["tuned_macro_f1"] == pytest.approx(expected, abs=1e-6)


def test_neighbours_by_what_a_first_network_learned(data):
    """As somebody would do it by hand, with the network's own weights."""
    X, Y = data
    search = make_search(rates=(1e-3, 1e-2, 1e-1))
    selecting = search.estimator.set_params(batch_selector=D2ACE(warmup_epochs=1))
    first = clone(selecting).set_params(batch_selector=None, lr=1e-2, random_state=0).fit(X, Y)
    hidden = X.astype(np.float32)
    for layer in first.module_.layers:
        weight, bias = (part.detach().numpy() for part in (layer.weight, layer.bias))
        hidden = np.maximum(hidden @ weight.T + bias, 0)
    np.testing.assert_allclose(read_hidden(first, X), hidden, rtol=1e-4, atol=1e-6)
    found = LearnedNeighbors(selecting, search.rates, random_state=0).fit(X, Y)
    by_hand = search.fit(X, Y, neighbor_features=read_hidden(first, X))
    np.testing.assert_array_equal(found.predict_proba(X), by_hand.predict_proba(X))
    plain = clone(search).fit(X, Y)
    assert (plain.predict_proba(X) != found.predict_proba(X)).any()


class Remembers(RandomBatches):
    """A selector that keeps what it is told."""

    refresh = "epoch"

    def update(self, index, proba, losses, **kwargs):
        self.told_ = index, proba, losses


def test_a_selector_that_is_told_what_blind_members_predict(data):
    X, Y = data
    est = TabMClassifier(
        batch_selector=Remembers(),
        callbacks__batch_selection=OutOfBagSelection(),
        callbacks__best_epoch=None,
        max_epochs=2,
        verbose=0,
        random_state=0,
    ).fit(X, Y)
    index, proba, losses = (np.asarray(told) for told in est.batch_selector_.told_)
    known = ~np.isnan(est.oob_proba_).any(axis=1)
    assert known.any()
    np.testing.assert_array_equal(index, np.flatnonzero(known))
    np.testing.assert_allclose(proba, est.oob_proba_[known], rtol=1e-5)
    by_hand = -np.log(np.where(Y[known] == 1, proba, 1 - proba))
    np.testing.assert_allclose(losses, by_hand, rtol=1e-4)


def test_each_method_of_the_study_is_another():
    methods = make_study_methods()
    described = {describe(method) for method in methods.values()}
    assert len(described) == len(methods)
    arms = {name.split()[0] for name in methods}
    for arm in arms:
        assert {f"{arm} random", f"{arm} d2ace"} <= methods.keys()
    for name, method in methods.items():
        network = getattr(method, "estimator", method)
        network = getattr(network, "estimator", network)
        if "subset" in name:
            assert isinstance(network.batch_selector, RandomSubset)
        assert (network.batch_selector is None) == name.endswith(
            ("random", "pos-weight", "asymmetric-loss")
        )

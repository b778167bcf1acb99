"""Callbacks that predict, score or iterate, at any moment, leave training bit for bit as it is."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from skorch.callbacks import Callback, EpochScoring

from skd2ace.metrics import macro_auc_scorer
from skd2ace.selection import D2ACE, Balance, RandomBatches, RepeatFactor
from skd2ace.training import BatchIterator, SelectedBatches

HOOKS = (
    "on_train_begin",
    "on_epoch_begin",
    "on_batch_begin",
    "on_grad_computed",
    "on_batch_end",
    "on_epoch_end",
    "on_train_end",
)


class Meddler(Callback):
    """Does what it is told to at the hooks it is told of, and keeps what it made."""

    def __init__(self, deeds=()):
        self.deeds = deeds

    def initialize(self):
        self.kept_ = []
        return self

    def meddle(self, hook, net, **kwargs):
        # Predicting needs what training makes first.
        data = kwargs.get("dataset_train", getattr(self, "data_", None))
        self.data_ = data
        for when, deed in self.deeds:
            if when == hook and data is not None:
                self.kept_.append(deed(net, data))


for hook in HOOKS:

    def at_hook(self, net, *args, hook=hook, **kwargs):
        self.meddle(hook, net, **kwargs)

    setattr(Meddler, hook, at_hook)


def predict(net, data):
    return net.predict_proba(data)


def predict_arrays(net, data):
    X = np.stack([np.asarray(data[i][0]) for i in range(7)])
    return net.predict(X)


def score(net, data):
    X, Y = (np.stack([np.asarray(data[i][part]) for i in range(9)]) for part in (0, 1))
    return net.score(X, Y)


def iterate_as_training(net, data):
    return list(net.get_iterator(data, training=True))


def begin_to_iterate_as_training(net, data):
    iterator = net.get_iterator(data, training=True)
    batches = iter(iterator)
    return iterator, batches, next(batches)


def make_an_iterator(net, data):
    return net.get_iterator(data, training=True)


def make_selected_batches(net, data):
    return list(SelectedBatches(data, 7)), SelectedBatches(data)


def iterate(net, data):
    return list(net.get_iterator(data, training=False)), list(BatchIterator(data))


def validate(net, data):
    return [net.validation_step(batch) for batch in BatchIterator(data)]


DEEDS = (
    predict,
    predict_arrays,
    score,
    iterate_as_training,
    begin_to_iterate_as_training,
    make_an_iterator,
    make_selected_batches,
    iterate,
    validate,
)

SELECTORS = {
    "shuffled": RandomBatches(),
    "visit": D2ACE(n_neighbors=3, warmup_epochs=1),
    "epoch": D2ACE(n_neighbors=3, warmup_epochs=1, refresh="epoch"),
    "weighted": Balance(),
}


@pytest.fixture(scope="module")
def undisturbed():
    return {}


@pytest.mark.parametrize("train_split", [None, 0.2], ids=["all", "held out"])
@pytest.mark.parametrize("selector", SELECTORS)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data_=st.data())
def test_sequences(make_clif, data, outcome, undisturbed, selector, train_split, data_):
    deeds = data_.draw(st.lists(st.tuples(st.sampled_from(HOOKS), st.sampled_from(DEEDS))))
    params = {
        "batch_selector": SELECTORS[selector],
        "train_split": train_split,
        "max_epochs": 3,
    }
    if (selector, train_split) not in undisturbed:
        undisturbed[selector, train_split] = outcome(make_clif(**params).fit(*data))
    # The timer is the first of all callbacks, those given are the last.
    first = {"callbacks__epoch_timer": Meddler(deeds)}
    est = make_clif(callbacks=[Meddler(deeds)], **first, **params).fit(*data)
    assert outcome(est) == undisturbed[selector, train_split]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_each_deed_at_each_hook(make, data, outcome, hook, deed):
    first = {"callbacks__epoch_timer": Meddler([(hook, deed)])}
    est = make(callbacks=[Meddler([(hook, deed)])], **first, max_epochs=3).fit(*data)
    assert len(est.callbacks_[-2][1].kept_) > 0 or hook == "on_train_begin"
    assert outcome(est) == outcome(make(max_epochs=3).fit(*data))


def test_a_validation_loader_of_torch_draws_nothing_from_training(make_clif, data, outcome):
    loader = {"iterator_valid": torch.utils.data.DataLoader}
    deeds = [("on_epoch_begin", predict), ("on_batch_end", predict)]
    est = make_clif(callbacks=[Meddler(deeds)], **loader).fit(*data)
    assert outcome(est) == outcome(make_clif(**loader).fit(*data))
    before = torch.get_rng_state()
    est.predict(data[0])
    assert torch.equal(torch.get_rng_state(), before)


class FitsAnother(Callback):
    """Trains another estimator on the same dataset object in the middle of an epoch."""

    def __init__(self, make=None):
        self.make = make

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        self.data_ = dataset_train

    def on_batch_end(self, net, training=None, **kwargs):
        if training and len(net.history) == 2 and not hasattr(self, "other_"):
            X, Y = (np.stack([np.asarray(row[i]) for row in self.data_]) for i in (0, 1))
            self.other_ = self.make(max_epochs=2).fit(X, Y.astype(int))


def test_a_training_within_a_training(make, data, outcome):
    fitting = FitsAnother(make)
    est = make(callbacks=[fitting]).fit(*data)
    assert outcome(est) == outcome(make().fit(*data))
    assert len(fitting.other_.history) == 2


@pytest.mark.parametrize("classes", [(1, 2), (-1, 1), ("no", "yes")])
def test_scores_of_a_vector_are_those_of_its_classes(make, data, classes):
    X, Y = data

    def fit(y):
        scoring = EpochScoring("accuracy", name="accuracy", lower_is_better=False)
        return make(callbacks=[scoring], train_split=0.3).fit(X, y)

    est, expected = fit(np.take(classes, Y[:, 0])), fit(Y[:, 0])
    assert est.history[:, "accuracy"] == expected.history[:, "accuracy"]
    assert set(est.predict(X)) <= set(classes)


def test_scores_of_a_training_part_with_repeated_rows(make, data):
    X, Y = data
    scoring = EpochScoring(macro_auc_scorer, on_train=True, name="seen", lower_is_better=False)
    est = make(batch_selector=RepeatFactor(0.5), callbacks=[scoring]).fit(X, Y)
    assert np.isfinite(est.history[:, "seen"]).all()

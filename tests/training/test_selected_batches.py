"""The iterator that training goes through, and nobody else's."""

import gc
import weakref

import numpy as np
import pytest
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import nn

from skd2ace import MultiLabelNetClassifier
from skd2ace.selection import D2ACE, RandomBatches
from skd2ace.training import BatchIterator, BatchSelection, SelectedBatches, TensorDataset
from skd2ace.training._selected_batches import _unclaimed, claim_batches


@pytest.fixture
def dataset():
    return TensorDataset(np.eye(6), np.eye(6))


@pytest.fixture
def selector(dataset):
    selector = RandomBatches()
    selector.start(torch.eye(6), torch.eye(6), n_epochs=3, batch_size=2, random_state=0)
    return selector


def instances(batches):
    return [batch.instances.tolist() for batch in batches]


def test_what_was_selected_is_served_once(dataset, selector):
    batches = SelectedBatches(dataset, batch_size=2)
    in_order = [[0, 1], [2, 3], [4, 5]]
    assert instances(batches) == in_order
    batches.select(selector, 0)
    assert batches.is_waiting
    served = instances(batches)
    assert served != in_order
    assert sorted(index for batch in served for index in batch) == list(range(6))
    assert not batches.is_waiting
    assert instances(batches) == in_order


def test_the_oldest_that_is_not_claimed_is_claimed(dataset):
    first, second = SelectedBatches(dataset), SelectedBatches(dataset)
    assert claim_batches(dataset) is first
    assert claim_batches(dataset) is second
    assert claim_batches(dataset) is None
    other = SelectedBatches(TensorDataset(np.eye(2), np.eye(2)))
    assert claim_batches(dataset) is None
    assert claim_batches(other.dataset) is other


def test_iterators_are_not_kept_alive(dataset):
    before = len(_unclaimed)
    batches = SelectedBatches(dataset)
    assert len(_unclaimed) == before + 1
    del batches
    gc.collect()
    assert len(_unclaimed) == before


def make_net(mlp, **params):
    settings = {
        "criterion": nn.BCEWithLogitsLoss,
        "module__n_features": 8,
        "module__n_labels": 4,
        "dataset": TensorDataset,
        "iterator_train": SelectedBatches,
        "iterator_valid": BatchIterator,
        "train_split": None,
        "batch_size": 16,
        "max_epochs": 3,
        "verbose": 0,
    }
    return NeuralNet(mlp, **(settings | params))


class Notes(Callback):
    """Which instances each epoch trained on."""

    def on_epoch_begin(self, net, **kwargs):
        self.epochs_ = [*getattr(self, "epochs_", []), []]

    def on_batch_end(self, net, batch=None, training=None, **kwargs):
        if training:
            self.epochs_[-1].append(batch.instances.tolist())


class PredictsFirst(Callback):
    """What once took the epoch's batches away from training."""

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        list(net.get_iterator(dataset_train, training=True))
        net.forward(dataset_train)


def test_a_plain_net_that_predicts_on_its_training_data(mlp, data):
    """Also where the net is handed a dataset, and so trains on the user's own object."""
    trained = []
    for extra in ([], [PredictsFirst()]):
        notes = Notes()
        selection = BatchSelection(D2ACE(warmup_epochs=1), random_state=0)
        torch.manual_seed(0)
        net = make_net(mlp, callbacks=[*extra, selection, *extra, notes])
        net.fit(TensorDataset(*data))
        trained.append(notes.epochs_)
    assert trained[0] == trained[1]
    assert trained[0][0] != [list(range(i, min(i + 16, 60))) for i in range(0, 60, 16)]


class TrainsAgain(Callback):
    """Fits another net on the very dataset object of a training under way."""

    def __init__(self, make=None):
        self.make = make

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        if len(net.history) == 2:
            self.other_ = self.make(callbacks=[BatchSelection(random_state=1), Notes()])
            state = torch.get_rng_state()
            self.other_.fit(dataset_train)
            torch.set_rng_state(state)


def test_two_trainings_on_one_dataset_object(mlp, data):
    dataset = TensorDataset(*data)
    trained = []
    for extra in ([], [TrainsAgain(lambda **params: make_net(mlp, **params))]):
        notes = Notes()
        selection = BatchSelection(D2ACE(warmup_epochs=1), random_state=0)
        torch.manual_seed(0)
        make_net(mlp, callbacks=[selection, *extra, notes]).fit(dataset)
        trained.append(notes.epochs_)
    assert trained[0] == trained[1]
    alone = make_net(mlp, callbacks=[BatchSelection(random_state=1), Notes()]).fit(dataset)
    assert extra[0].other_.callbacks_[-2][1].epochs_ == alone.callbacks_[-2][1].epochs_


class GoesItsOwnWay(NeuralNet):
    """A net whose loop iterates over something else than skorch's does."""

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        if training:
            iterator = SelectedBatches(iterator.dataset, 16)
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)


def test_training_on_other_batches_is_noticed(mlp, data):
    net = GoesItsOwnWay(**make_net(mlp, callbacks=[BatchSelection()]).get_params(deep=False))
    with pytest.raises(RuntimeError, match="did not train on the batches that were selected"):
        net.fit(*data)


def test_a_plain_iterator_serves_no_selection(mlp, data):
    net = make_net(mlp, callbacks=[BatchSelection()], iterator_train=BatchIterator)
    with pytest.raises(
        TypeError, match=r"iterator_train is BatchIterator.* needs .*SelectedBatches"
    ):
        net.fit(*data)


def test_the_former_iterator_of_the_estimator(mlp, data):
    """Version 0.1 named BatchIterator in its constructor; it trains the same for one version."""
    params = {"batch_selector": D2ACE(warmup_epochs=1), "max_epochs": 3, "random_state": 0}
    former = MultiLabelNetClassifier(mlp, iterator_train=BatchIterator, verbose=0, **params)
    with pytest.warns(FutureWarning, match="SelectedBatches"):
        former.fit(*data)
    now = MultiLabelNetClassifier(mlp, verbose=0, **params).fit(*data)
    np.testing.assert_array_equal(former.predict_proba(data[0]), now.predict_proba(data[0]))


def test_nothing_is_laid_upon_the_users_objects(mlp, data):
    dataset = TensorDataset(*data)
    before = set(vars(dataset))

    class Looks(Callback):
        def on_batch_end(self, net, **kwargs):
            assert set(vars(dataset)) == before

    make_net(mlp, callbacks=[BatchSelection(D2ACE()), Looks()]).fit(dataset)
    assert set(vars(dataset)) == before


ALIVE = weakref.WeakSet()


class Tracked(TensorDataset):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        ALIVE.add(self)


def test_after_training_the_data_is_let_go(mlp, data):
    est = MultiLabelNetClassifier(mlp, dataset=Tracked, max_epochs=1, verbose=0).fit(*data)
    gc.collect()
    assert len(ALIVE) == 0
    assert est.predict(data[0]).shape == data[1].shape

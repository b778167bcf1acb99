"""The iterator that training goes through, and nobody else's."""

import contextlib
import gc
import threading
import weakref

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import nn

from skd2ace import MultiLabelNetClassifier
from skd2ace.selection import D2ACE, RandomBatches
from skd2ace.training import (
    BatchIterator,
    BatchSelection,
    Checkpointing,
    SelectedBatches,
    TensorDataset,
)
from skd2ace.training._selected_batches import claim_batches, find_unclaimed


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
    served = instances(batches)
    assert served != in_order
    assert sorted(index for batch in served for index in batch) == list(range(6))
    assert instances(batches) == in_order


def test_epochs_are_marked(dataset, selector):
    batches = SelectedBatches(dataset, batch_size=2)
    batches.select(selector, 1)
    assert [batch.epoch for batch in batches] == [1, 1, 1]
    assert [batch.epoch for batch in batches] == [None, None, None]


def test_the_oldest_since_training_began_is_claimed(dataset):
    before = SelectedBatches(dataset)
    earlier = find_unclaimed()
    first, second = SelectedBatches(dataset), SelectedBatches(dataset)
    assert claim_batches(dataset, earlier) is first
    assert claim_batches(dataset, earlier) is second
    assert claim_batches(dataset, earlier) is None
    other = SelectedBatches(TensorDataset(np.eye(2), np.eye(2)))
    assert claim_batches(dataset, earlier) is None
    assert claim_batches(other.dataset, earlier) is other
    assert claim_batches(dataset, find_unclaimed() - {before}) is before


def test_another_threads_iterators_are_not_ours(dataset):
    made = []
    thread = threading.Thread(target=lambda: made.append(SelectedBatches(dataset)))
    thread.start()
    thread.join()
    assert claim_batches(dataset, weakref.WeakSet()) is None


def test_iterators_are_not_kept_alive(dataset):
    before = len(find_unclaimed())
    batches = SelectedBatches(dataset)
    assert len(find_unclaimed()) == before + 1
    del batches
    assert len(find_unclaimed()) == before


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


class Hook(Callback):
    """Does something once, at a hook, and keeps what it gets."""

    def __init__(self, hook, deed, epoch=1):
        self.hook = hook
        self.deed = deed
        self.epoch = epoch

    def notify(self, hook, net, data):
        if hook == self.hook and len(net.history) == self.epoch and not hasattr(self, "kept_"):
            self.kept_ = None
            self.kept_ = self.deed(net, data)

    def on_train_begin(self, net, X=None, **kwargs):
        self.notify("on_train_begin", net, X)

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        self.notify("on_epoch_begin", net, dataset_train)


def keep_an_iterator(net, dataset):
    return net.get_iterator(dataset, training=True)


def keep_a_begun_one(net, dataset):
    batches = iter(keep_an_iterator(net, dataset))
    return batches, next(batches)


def train_again(net, dataset):
    """Fit another net on the very dataset object of a training under way."""
    state = torch.get_rng_state()
    other = make_net(net.module, callbacks=[BatchSelection(random_state=1)]).fit(dataset)
    torch.set_rng_state(state)
    return other


def train_with_the_same_callback(net, dataset):
    selection = next(
        callback for _, callback in net.callbacks_ if isinstance(callback, BatchSelection)
    )
    state = torch.get_rng_state()
    other = make_net(net.module, callbacks=[selection]).fit(dataset)
    torch.set_rng_state(state)
    return other


def train(mlp, dataset, *, first=(), last=(), n_fits=1):
    """Train a plain net on a dataset object; give what each epoch trained on."""
    notes = Notes()
    selection = BatchSelection(D2ACE(warmup_epochs=1), random_state=0)
    torch.manual_seed(0)
    net = make_net(mlp, callbacks=[*first, selection, *last, notes])
    for _ in range(n_fits):
        net.partial_fit(dataset)
    return notes.epochs_


@pytest.mark.parametrize("n_fits", [1, 2])
@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize(
    "deed",
    [keep_an_iterator, keep_a_begun_one, train_again, train_with_the_same_callback],
    ids=lambda deed: deed.__name__,
)
def test_what_is_done_in_an_epoch_on_the_dataset_object(mlp, data, deed, epoch, place, n_fits):
    dataset = TensorDataset(*data)
    expected = train(mlp, dataset, n_fits=n_fits)
    meddler = Hook("on_epoch_begin", deed, epoch)
    assert train(mlp, dataset, **{place: [meddler]}, n_fits=n_fits) == expected
    assert meddler.kept_ is not None


def test_iterators_that_were_there_before(mlp, data):
    dataset = TensorDataset(*data)
    expected = train(mlp, dataset)
    mine = SelectedBatches(dataset, 16), iter(SelectedBatches(dataset, 16))
    assert train(mlp, dataset) == expected
    # So does one that is made as training begins, by a callback before the selection.
    meddler = Hook("on_train_begin", keep_an_iterator, epoch=0)
    assert train(mlp, dataset, first=[meddler]) == expected
    assert len(mine) == 2


def test_a_loop_that_begins_without_a_word(mlp, data):
    """``fit_loop`` by itself, as skorch's users call it."""
    notes = Notes()
    net = make_net(mlp, callbacks=[BatchSelection(RandomBatches(), random_state=0), notes])
    net.initialize().fit_loop(TensorDataset(*data))
    assert [sorted(row for batch in epoch for row in batch) for epoch in notes.epochs_] == 3 * [
        list(range(60))
    ]


class FailsAtFirst(Callback):
    def on_epoch_begin(self, net, **kwargs):
        raise RuntimeError("on purpose")


def test_a_training_that_failed_before_on_the_same_object(mlp, data):
    dataset = TensorDataset(*data)
    expected = train(mlp, dataset)
    with pytest.raises(RuntimeError, match="on purpose") as kept:
        train(mlp, dataset, first=[FailsAtFirst()])
    assert train(mlp, dataset) == expected
    # The traceback holds the iterator of the training that failed.
    assert kept.tb is not None


def test_nets_in_threads_on_one_dataset_object(mlp, data):
    dataset = TensorDataset(*data)
    barrier = threading.Barrier(2)

    class Waits(Callback):
        def on_epoch_begin(self, net, **kwargs):
            barrier.wait(60)

    def fit(notes):
        selection = BatchSelection(RandomBatches(), random_state=0)
        make_net(mlp, callbacks=[Waits(), selection, notes]).fit(dataset)

    both = Notes(), Notes()
    threads = [threading.Thread(target=fit, args=[notes]) for notes in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert both[0].epochs_ == both[1].epochs_
    assert len(both[0].epochs_) == 3


class GoesItsOwnWay(NeuralNet):
    """A net whose loop iterates over something else than skorch's does."""

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        if training:
            iterator = SelectedBatches(iterator.dataset, 16)
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)


def test_training_on_other_batches_is_noticed(mlp, data):
    net = GoesItsOwnWay(**make_net(mlp, callbacks=[BatchSelection()]).get_params(deep=False))
    with pytest.raises(RuntimeError, match="a batch that was not selected for it"):
        net.fit(*data)


class CountsFirst(NeuralNet):
    """A net that goes through its iterator twice."""

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        assert sum(1 for _ in iterator) == 4
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)


def test_batches_that_somebody_took_are_noticed(mlp, data):
    net = CountsFirst(**make_net(mlp, callbacks=[BatchSelection()]).get_params(deep=False))
    with pytest.raises(RuntimeError, match="through it a second time"):
        net.fit(*data)


def test_an_iterator_of_ones_own_serves_no_selection(mlp, data):
    class Own(BatchIterator):
        pass

    net = make_net(mlp, callbacks=[BatchSelection()], iterator_train=Own)
    with pytest.raises(TypeError, match=r"iterator_train=Own .* needs .*SelectedBatches"):
        net.fit(*data)


def test_a_subclass_serves_selections(mlp, data):
    class Own(SelectedBatches):
        pass

    dataset = TensorDataset(*data)
    expected = train(mlp, dataset)
    notes = Notes()
    torch.manual_seed(0)
    selection = BatchSelection(D2ACE(warmup_epochs=1), random_state=0)
    make_net(mlp, callbacks=[selection, notes], iterator_train=Own).fit(dataset)
    assert notes.epochs_ == expected


def test_the_former_iterator_of_a_plain_net(mlp, data):
    """Version 0.1 had BatchIterator serve selections: for one version a warning says what does."""
    dataset = TensorDataset(*data)
    expected = train(mlp, dataset)
    notes = Notes()
    selection = BatchSelection(D2ACE(warmup_epochs=1), random_state=0)
    torch.manual_seed(0)
    net = make_net(mlp, callbacks=[selection, notes], iterator_train=BatchIterator)
    with pytest.warns(FutureWarning, match="SelectedBatches"):
        net.fit(dataset)
    assert notes.epochs_ == expected


def test_the_former_iterator_of_the_estimator(mlp, data, tmp_path):
    params = {"batch_selector": D2ACE(warmup_epochs=1), "max_epochs": 3, "random_state": 0}
    former = MultiLabelNetClassifier(
        mlp,
        iterator_train=BatchIterator,
        callbacks=[Checkpointing(tmp_path)],
        verbose=0,
        **params,
    )
    again = clone(former)
    with pytest.warns(FutureWarning, match="SelectedBatches") as caught:
        former.fit(*data)
    assert len(caught) == 1
    now = MultiLabelNetClassifier(mlp, verbose=0, **params).fit(*data)
    np.testing.assert_array_equal(former.predict_proba(data[0]), now.predict_proba(data[0]))
    with pytest.warns(FutureWarning, match="SelectedBatches"):
        again.fit(*data, resume=tmp_path)
    np.testing.assert_array_equal(again.predict_proba(data[0]), now.predict_proba(data[0]))


@pytest.mark.parametrize("iterator", [SelectedBatches, type("Own", (SelectedBatches,), {})])
def test_a_selection_cannot_be_left_out(mlp, data, iterator):
    est = MultiLabelNetClassifier(
        mlp, callbacks="disable", iterator_train=iterator, batch_selector=D2ACE(), verbose=0
    )
    with pytest.raises(ValueError, match="One BatchSelection must be among the callbacks"):
        est.fit(*data)


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


class FailsAtTheEnd(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise ValueError("on purpose")


@pytest.mark.parametrize("plain", [True, False])
def test_after_a_training_that_failed_too(mlp, data, plain):
    selection = BatchSelection(RandomBatches())
    if plain:
        callbacks = [selection, FailsAtTheEnd()]
        est = make_net(mlp, callbacks=callbacks, dataset=Tracked)
    else:
        own = {"callbacks__batch_selection": selection, "callbacks": [FailsAtTheEnd()]}
        est = MultiLabelNetClassifier(mlp, dataset=Tracked, verbose=0, **own)
    with contextlib.suppress(ValueError):
        est.fit(*data)
    gc.collect()
    assert len(ALIVE) == 0

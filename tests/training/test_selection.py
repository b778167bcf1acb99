"""Selectors in plain skorch nets, and selectors that misbehave."""

import math

import numpy as np
import pytest
import torch
from skorch import NeuralNet, NeuralNetBinaryClassifier
from skorch.dataset import ValidSplit
from torch import nn

from skd2ace import MultiLabelNetClassifier
from skd2ace.classifier import _engine
from skd2ace.selection import D2ACE, BatchSelector, RandomBatches
from skd2ace.training import (
    BatchIterator,
    BatchSelection,
    SelectedBatches,
    TensorDataset,
    TrainingDynamics,
    _epoch,
    _selected_batches,
)


class Recorder(RandomBatches):
    """Notes everything it is told."""

    def _start(self, X, Y):
        self.started_with_ = X.to_dense(), Y
        self.told_ = []

    def _update(self, index, proba, losses, learning_rate):
        self.told_.append((index, proba, losses, learning_rate))


class EpochRecorder(Recorder):
    refresh = "epoch"


def make_net(mlp, selector, **params):
    settings = {
        "criterion": nn.BCEWithLogitsLoss,
        "module__n_features": 8,
        "module__n_labels": 4,
        "callbacks": [BatchSelection(selector, random_state=0)],
        "dataset": TensorDataset,
        "iterator_train": SelectedBatches,
        "iterator_valid": BatchIterator,
        "train_split": None,
        "batch_size": 16,
        "max_epochs": 3,
        "lr": 0.1,
        "verbose": 0,
    }
    return NeuralNet(mlp, **(settings | params))


def test_a_plain_skorch_net_trains_on_selected_batches(mlp, data):
    X, Y = data
    net = make_net(mlp, Recorder()).fit(X, Y)
    selector = net.batch_selector_
    np.testing.assert_array_equal(selector.started_with_[0], X.astype(np.float32))
    np.testing.assert_array_equal(selector.started_with_[1], Y)
    assert selector.n_epochs_ == 3
    assert len(selector.told_) == 3 * 4
    for epoch in range(3):
        seen = torch.cat([index for index, *_ in selector.told_[4 * epoch : 4 * epoch + 4]])
        assert sorted(seen.tolist()) == list(range(60))
    for index, proba, losses, learning_rate in selector.told_:
        truth = torch.from_numpy(Y)[index].float()
        expected = nn.functional.binary_cross_entropy(proba, truth, reduction="none")
        torch.testing.assert_close(losses, expected)
        assert not losses.requires_grad
        assert learning_rate == 0.1


def test_a_plain_net_of_one_label_in_one_dimension(data):
    X, y = data[0], data[1][:, 0].astype(np.float32)
    net = NeuralNetBinaryClassifier(
        lambda: nn.Linear(8, 1),
        callbacks=[BatchSelection(Recorder(), random_state=0)],
        dataset=TensorDataset,
        iterator_train=SelectedBatches,
        iterator_valid=BatchIterator,
        max_epochs=2,
        verbose=0,
    ).fit(X, y)
    assert net.batch_selector_.started_with_[1].shape == (48, 1)
    assert net.batch_selector_.told_[0][1].shape[1] == 1


@pytest.mark.parametrize("split", [None, ValidSplit(0.25, random_state=0)])
def test_selector_counts_within_the_training_part(mlp, data, split):
    X, Y = data
    net = make_net(mlp, Recorder(), train_split=split).fit(X, Y)
    n_train = 60 if split is None else 45
    assert len(net.batch_selector_.started_with_[1]) == n_train
    assert max(index.max() for index, *_ in net.batch_selector_.told_) == n_train - 1


def test_one_prediction_of_each_instance_an_epoch(mlp, data):
    net = make_net(mlp, EpochRecorder()).fit(*data)
    told = torch.cat([index for index, *_ in net.batch_selector_.told_])
    assert torch.equal(told, torch.arange(60).repeat(3))
    proba = torch.cat([proba for _, proba, *_ in net.batch_selector_.told_[-4:]])
    expected = torch.sigmoid(net.forward(TensorDataset(*data)))
    torch.testing.assert_close(proba, expected)


def test_a_forward_pass_in_training_mode_keeps_its_order(mlp, data):
    net = make_net(mlp, D2ACE(warmup_epochs=1)).fit(*data)
    X = data[0]
    torch.testing.assert_close(net.forward(X, training=True), net.forward(X))


def test_going_on_keeps_the_state(mlp, data):
    net = make_net(mlp, D2ACE(warmup_epochs=1)).fit(*data)
    flips, first = net.batch_selector_.flip_rate_.clone(), net.batch_selector_
    net.partial_fit(*data)
    assert net.batch_selector_ is not first
    assert net.batch_selector_.n_epochs_ == 6
    assert net.batch_selector_.epoch_ == 5
    assert not torch.equal(net.batch_selector_.flip_rate_, flips)
    with pytest.raises(ValueError, match="same instances"):
        net.partial_fit(data[0][:30], data[1][:30])


class OutOfRange(BatchSelector):
    def batches(self, epoch):
        yield torch.tensor([0, 1])
        yield torch.tensor([2, self.n_instances_])


class Negative(BatchSelector):
    def batches(self, epoch):
        yield torch.tensor([-1, 1])


class NoBatches(BatchSelector):
    def batches(self, epoch):
        return iter(())


class EmptyBatch(BatchSelector):
    def batches(self, epoch):
        yield torch.tensor([], dtype=torch.long)


class NotIndices(BatchSelector):
    def batches(self, epoch):
        yield torch.tensor([0.5])


class Mask(BatchSelector):
    def batches(self, epoch):
        yield torch.ones(60, dtype=torch.uint8)


class AList(BatchSelector):
    def batches(self, epoch):
        yield [1, 2, 3]


@pytest.mark.parametrize(
    ("selector", "error", "message"),
    [
        (OutOfRange(), IndexError, "OutOfRange gave an index outside the 60"),
        (Negative(), IndexError, "Negative gave an index outside"),
        (NoBatches(), ValueError, "NoBatches gave an epoch without batches"),
        (EmptyBatch(), ValueError, r"EmptyBatch gave a batch of \(0,\), torch.int64"),
        (NotIndices(), ValueError, r"NotIndices gave a batch of \(1,\), torch.float32"),
        (Mask(), ValueError, r"Mask gave a batch of \(60,\), torch.uint8"),
        (AList(), ValueError, "AList gave a batch of list"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_misbehaving_selectors_are_named(mlp, data, selector, error, message):
    with pytest.raises(error, match=message):
        make_net(mlp, selector).fit(*data)


def test_loss_weights_are_not_dropped_in_silence(mlp, data):
    selector = D2ACE(warmup_epochs=1, unbiased=True)
    with pytest.raises(TypeError, match="D2ACE weights the loss, which NeuralNet does not apply"):
        make_net(mlp, selector).fit(*data)


def test_an_iterator_without_instances_is_refused(mlp, data):
    X, Y = data[0].astype(np.float32), data[1].astype(np.float32)
    net = make_net(mlp, D2ACE(), iterator_train=torch.utils.data.DataLoader)
    with pytest.raises(TypeError, match=r"needs .*SelectedBatches"):
        net.fit(X, Y)


def test_data_on_another_device_than_the_net_is_refused(mlp, data):
    net = make_net(mlp, D2ACE(), iterator_train__device="meta")
    with pytest.raises(ValueError, match="set iterator_train__device"):
        net.fit(*data)


def test_the_loop_reads_nothing_from_the_device_within_an_epoch(mlp, data, monkeypatch, host_reads):
    """As on a GPU: where reading would wait, losses and range flags are left for the end."""
    for module in (_selected_batches, _epoch):
        monkeypatch.setattr(module, "is_ready", lambda tensor: False)

    class Watched(BatchSelection):
        n_watched = 0

        def on_epoch_begin(self, net, **kwargs):
            super().on_epoch_begin(net, **kwargs)
            self.n_ = 0

        def on_batch_end(self, net, **kwargs):
            super().on_batch_end(net, **kwargs)
            self.n_ += 1
            if self.n_ == 1:
                self.watch_ = host_reads()
                self.reads_ = self.watch_.__enter__()
            elif self.n_ == 4:
                self.watch_.__exit__(None, None, None)
                assert self.reads_ == []
                Watched.n_watched += 1

    est = MultiLabelNetClassifier(
        mlp,
        batch_selector=D2ACE(warmup_epochs=1),
        callbacks__batch_selection=Watched(),
        optimizer=torch.optim.SGD,
        batch_size=16,
        max_epochs=3,
        train_split=None,
        random_state=0,
        verbose=0,
    ).fit(*data)
    assert Watched.n_watched == len(est.history[:, "train_loss"]) == 3


def test_off_the_cpu_a_bad_index_is_noticed_at_the_end(monkeypatch):
    """The check itself, for a device that is not waited for: all batches pass, then it raises."""
    check = _selected_batches._RangeCheck("Selector", 10, torch.device("cpu"))
    monkeypatch.setattr(_selected_batches, "is_ready", lambda tensor: False)
    assert check(torch.tensor([3, 11])).tolist() == [3, 9]
    assert check(torch.tensor([4])).tolist() == [4]
    with pytest.raises(IndexError, match="outside the 10"):
        check.finish()


def test_probabilities_are_refused_where_logits_are_due(mlp, data):
    X, Y = (torch.as_tensor(part, dtype=torch.float32) for part in data)

    def make(n_features, n_labels):
        return nn.Sequential(mlp(n_features, n_labels), nn.Sigmoid())

    for callback in (BatchSelection(D2ACE()), TrainingDynamics()):
        net = make_net(make, None, criterion=nn.BCELoss, callbacks=[callback])
        with pytest.raises(ValueError, match="must give logits"):
            net.fit(X, Y)


def test_the_first_of_several_outputs_counts(mlp, data):
    """As in skorch, where a module may give more for a loss of one's own."""
    X, Y = (torch.as_tensor(part, dtype=torch.float32) for part in data)

    class Two(nn.Module):
        def __init__(self, n_features, n_labels):
            super().__init__()
            self.first = mlp(n_features, n_labels)

        def forward(self, X):
            return self.first(X), X

    class Net(NeuralNet):
        def get_loss(self, y_pred, *args, **kwargs):
            return super().get_loss(y_pred[0], *args, **kwargs)

    def fit(kind, module):
        torch.manual_seed(0)
        callbacks = [BatchSelection(Recorder(), random_state=0), TrainingDynamics()]
        net = make_net(module, None, callbacks=callbacks)
        net = kind(**net.get_params(deep=False)).fit(X, Y)
        told = net.batch_selector_.told_
        return told, dict(net.callbacks_)["TrainingDynamics"].moments_["margin"]

    (told, margin), (expected, same) = fit(Net, Two), fit(NeuralNet, mlp)
    assert all(torch.equal(a[1], b[1]) for a, b in zip(told, expected, strict=True))
    assert torch.equal(margin, same)


class Spy(RandomBatches):
    """Notes what it is told in the place of the base class."""

    def update(self, index, proba, losses, *, learning_rate=None):
        super().update(index, proba, losses, learning_rate=learning_rate)
        self.n_told_ = getattr(self, "n_told_", 0) + 1


class FixedProbabilities(BatchSelector):
    """Draws by probabilities that no prediction changes."""

    def _probabilities(self, epoch):
        weights = torch.arange(1, self.n_instances_ + 1, dtype=torch.float64)
        return weights / weights.sum()


def test_only_who_goes_by_predictions_is_told_each_of_them(mlp, data, monkeypatch):
    told, tell = [], BatchSelection._update
    monkeypatch.setattr(
        BatchSelection, "_update", lambda self, net, *args: (told.append(0), tell(self, net, *args))
    )
    n_steps = 3 * math.ceil(len(data[0]) / 16)
    for selector, expected in ((RandomBatches(), 1), (Recorder(), n_steps), (Spy(), n_steps)):
        told.clear()
        net = make_net(mlp, selector).fit(*data)
        assert len(told) == expected
    assert net.batch_selector_.n_told_ == n_steps


def test_probabilities_without_predictions_count_once_training_has_begun(mlp, data):
    probabilities = make_net(mlp, FixedProbabilities()).fit(*data).batch_selector_.probabilities_
    assert probabilities[-1] > probabilities[0]


def test_labels_that_are_all_known_are_not_looked_at_in_each_step(mlp, data, monkeypatch):
    X, Y = data

    def fit(Y):
        est = MultiLabelNetClassifier(mlp, max_epochs=2, random_state=0, verbose=0).fit(X, Y)
        return torch.cat([part.flatten() for part in est.module_.state_dict().values()])

    looked, known_labels = [], _engine.known_labels
    monkeypatch.setattr(_engine, "known_labels", lambda Y: looked.append(0) or known_labels(Y))
    weights, unknown = fit(Y), np.where(np.eye(*Y.shape), np.nan, Y)
    assert not looked
    fit(unknown)
    assert looked
    monkeypatch.setattr(BatchIterator, "_is_labelled", False)
    assert torch.equal(fit(Y), weights)

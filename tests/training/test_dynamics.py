"""Running moments of the training dynamics against histories of all passes."""

import pickle
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
import torch
from scipy.special import expit
from skorch.callbacks import Callback
from torch.utils.data import Dataset

from skd2ace import C2AEClassifier, MPVAEClassifier, MultiLabelNetClassifier
from skd2ace.selection import D2ACE
from skd2ace.training import TrainingDynamics

N_EPOCHS = 7


class Spy(Callback):
    """Keeps the logits of given rows after each epoch."""

    def __init__(self, X):
        self.X = X

    def initialize(self):
        self.logits = []
        return self

    def on_epoch_end(self, net, **kwargs):
        with torch.no_grad():
            self.logits.append(net.module_(torch.tensor(self.X).float()).numpy())


def make(mlp, X, **params):
    settings = {"max_epochs": N_EPOCHS, "lr": 0.05, "batch_size": 16, "random_state": 0}
    callbacks = [Spy(X), TrainingDynamics()]
    return MultiLabelNetClassifier(
        mlp, **settings | {"verbose": 0, "callbacks": callbacks} | params
    )


def called(est, name):
    return dict(est.callbacks_)[name]


def follow(y, logits, late):
    """What became of one cell, by its label and its logits in each pass."""
    proba = [expit(z) if y else expit(-z) for z in logits]
    side = [(z >= 0) if y else (z <= 0) for z in logits]
    return {
        "margin": sum((2 * y - 1) * z for z in logits) / len(logits),
        "mean": sum(proba) / len(proba),
        "squares": sum((p - sum(proba) / len(proba)) ** 2 for p in proba),
        "on_side": sum(side),
        "forgotten": sum(a and not b for a, b in pairwise(side)),
        "was_on_side": side[-1],
        "late": sum(expit(z) for z in logits[late:]) / len(logits[late:]),
    }


@pytest.mark.parametrize("train_split", [None, 0.2])
@pytest.mark.parametrize("selector", [None, D2ACE(n_neighbors=3, warmup_epochs=2)])
@pytest.mark.parametrize(("every", "late"), [(1, 5), (3, 1)])
def test_moments_are_those_of_the_histories(data, mlp, train_split, selector, every, late):
    X, Y = data
    est = make(mlp, X, train_split=train_split, batch_selector=selector)
    est.set_params(callbacks__TrainingDynamics__every=every).fit(X, Y)
    # Passes after epochs 3 and 6 of 7: the last one alone lies in the last fifth.
    history = np.stack(called(est, "Spy").logits)[every - 1 :: every]
    moments = called(est, "TrainingDynamics").moments_
    rows = est.train_indices_
    assert moments["mean"].shape == (len(rows), 4)
    for i, row in enumerate(rows):
        for j in range(4):
            expected = follow(Y[row, j], history[:, row, j].astype(float), late)
            for name, value in expected.items():
                assert moments[name][i, j].item() == pytest.approx(value, abs=1e-5), name


@pytest.mark.parametrize("way", ["pos_weight", "criterion__pos_weight"])
def test_what_a_weight_of_positives_adds_to_logits_is_taken_back(data, mlp, way):
    X, Y = data
    factors = torch.tensor([4.0, 1.0, 0.0, 0.5])
    est = make(mlp, X, train_split=None, **{way: factors}).fit(X, Y)
    history = np.stack(called(est, "Spy").logits).astype(float)
    # A factor of 0 has no logarithm, and is left alone.
    history -= [np.log(4), 0, 0, np.log(0.5)]
    moments = called(est, "TrainingDynamics").moments_
    for i, j in np.ndindex(Y.shape):
        for name, value in follow(Y[i, j], history[:, i, j], 5).items():
            assert moments[name][i, j].item() == pytest.approx(value, abs=1e-5), name


def test_each_kind_of_cell_occurs(data, mlp):
    """Otherwise the test above would compare zeros."""
    moments = called(make(mlp, data[0], lr=0.3).fit(*data), "TrainingDynamics").moments_
    assert moments["forgotten"].max() > 0
    assert 0 < moments["on_side"].min() + 1 <= moments["on_side"].max() == N_EPOCHS


class Stop(Callback):
    """Ends a training as skorch's EarlyStopping does."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            raise KeyboardInterrupt


def test_where_training_ends_early_the_last_pass_counts(data, mlp):
    callbacks = [Spy(data[0]), TrainingDynamics(), Stop()]
    est = make(mlp, data[0], train_split=None, callbacks=callbacks).fit(*data)
    (_, second, last), late = called(est, "Spy").logits, called(est, "TrainingDynamics")
    np.testing.assert_allclose(late.moments_["late"].numpy(), expit(last), atol=1e-6)
    assert not np.allclose(second, last, atol=1e-3)


def test_the_fit_stays_the_same_to_the_bit(data, mlp):
    plain = make(mlp, data[0], callbacks=None, batch_selector=D2ACE(n_neighbors=3)).fit(*data)
    est = make(mlp, data[0], batch_selector=D2ACE(n_neighbors=3)).fit(*data)
    assert np.array_equal(plain.predict_proba(data[0]), est.predict_proba(data[0]))
    assert plain.history[:, "train_loss"] == est.history[:, "train_loss"]


class Noisy(Dataset):
    """Items that draw from the global generator, as augmented images do."""

    def __init__(self, X, Y):
        self.X, self.Y = torch.tensor(X).float(), Y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        return self.X[i] + 0.1 * torch.randn(self.X.shape[1]), self.Y[i]


def test_the_fit_stays_the_same_where_items_draw(data, mlp):
    fits = [
        make(mlp, data[0], callbacks=callbacks, train_split=None).fit(Noisy(*data))
        for callbacks in (None, None, [TrainingDynamics()])
    ]
    plain, again, followed = (est.predict_proba(data[0]) for est in fits)
    assert np.array_equal(plain, again)
    assert np.array_equal(plain, followed)


class Largest(torch.nn.Module):
    """Notes the largest batch of images that it sees."""

    seen = 0

    def __init__(self):
        super().__init__()
        self.head = torch.nn.LazyLinear(4)

    def forward(self, X):
        Largest.seen = max(Largest.seen, len(X))
        return self.head(X.flatten(1))


def test_a_pass_over_images_takes_no_larger_batches_than_the_net(data):
    Largest.seen = 0
    images = data[0].reshape(-1, 2, 2, 2)
    est = make(Largest, images, batch_size=32, callbacks=[TrainingDynamics()]).fit(images, data[1])
    assert called(est, "TrainingDynamics").n_passes_ == N_EPOCHS
    assert Largest.seen == 32


class NotesItsMode(torch.nn.BCEWithLogitsLoss):
    modes: ClassVar[list[bool]] = []

    def forward(self, logits, labels):
        if torch.is_grad_enabled():
            self.modes.append(self.training)
        return super().forward(logits, labels)


def test_criteria_train_on_after_a_pass(data, mlp):
    NotesItsMode.modes.clear()
    callbacks = [TrainingDynamics()]
    make(mlp, data[0], criterion=NotesItsMode, train_split=None, callbacks=callbacks).fit(*data)
    assert len(NotesItsMode.modes) >= N_EPOCHS
    assert all(NotesItsMode.modes)


def test_a_cell_takes_at_most_24_bytes(data, mlp):
    est = make(mlp, data[0], train_split=None).fit(*data)
    moments = called(est, "TrainingDynamics").moments_
    assert sum(m.numel() * m.element_size() for m in moments.values()) <= 24 * data[1].size


def test_training_goes_on_with_the_same_labels_or_anew(data, mlp):
    """Passes over other labels of the same shape are no passes over these."""
    X, Y = data
    est = make(mlp, X, train_split=None).fit(X, Y)
    est.partial_fit(X, Y)
    seen = called(est, "TrainingDynamics")
    assert seen.n_passes_ == 2 * N_EPOCHS
    est.partial_fit(X, 1 - Y)
    assert seen.n_passes_ == N_EPOCHS
    history = np.stack(called(est, "Spy").logits)[-N_EPOCHS:]
    expected = ((1 - 2 * Y) * history).mean(0)
    np.testing.assert_allclose(seen.moments_["margin"].numpy(), expected, atol=1e-5)


def test_unknown_labels_leave_the_others_as_they_are(data, mlp):
    X, Y = data
    Y = Y.astype(float)
    Y[::7, 1] = np.nan
    est = make(mlp, X, train_split=None).fit(X, Y)
    history = np.stack(called(est, "Spy").logits)
    margin = called(est, "TrainingDynamics").moments_["margin"].numpy()
    known = ~np.isnan(Y)
    expected = ((2 * Y - 1) * history).mean(0)
    np.testing.assert_allclose(margin[known], expected[known], atol=1e-5)
    assert np.isfinite(margin).all()


def test_dynamics_can_be_pickled(data, mlp):
    dynamics = called(make(mlp, data[0]).fit(*data), "TrainingDynamics")
    again = pickle.loads(pickle.dumps(dynamics))
    assert torch.equal(again.moments_["margin"], dynamics.moments_["margin"])
    assert again.n_passes_ == N_EPOCHS


@pytest.mark.parametrize(("every", "error"), [(0, ValueError), (1.5, TypeError)])
def test_every_is_a_positive_integer(data, mlp, every, error):
    with pytest.raises(error, match="every"):
        make(mlp, data[0], callbacks=[TrainingDynamics(every=every)]).fit(*data)


@pytest.mark.parametrize("cls", [MPVAEClassifier, C2AEClassifier])
def test_of_a_loss_that_is_no_cross_entropy_nothing_is_taken_back(data, cls):
    """What a weight does to its logits is not known."""
    X, Y = data
    settings = {"max_epochs": 2, "random_state": 0, "verbose": 0, "train_split": None}
    est = cls(pos_weight=4.0, callbacks=[Spy(X), TrainingDynamics()], **settings).fit(X, Y)
    late = called(est, "TrainingDynamics").moments_["late"].numpy()
    np.testing.assert_allclose(late, est.predict_proba(X), atol=1e-5)

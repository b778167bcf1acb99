"""A recorder says what a selector did, and changes nothing."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader

from skd2ace import MultiLabelNetClassifier
from skd2ace.networks import MLP
from skd2ace.selection import D2ACE, Balance, HardImb, InfoBatch, RandomBatches
from skd2ace.selection import functional as F
from skd2ace.training import Checkpointing, SelectionRecorder

SETTINGS = {"max_epochs": 6, "train_split": None, "batch_size": 16, "random_state": 0, "verbose": 0}
SELECTORS = [D2ACE(), HardImb(), InfoBatch(), Balance(), RandomBatches(), D2ACE(unbiased=True)]


@pytest.fixture(scope="module")
def data():
    X, Y = make_multilabel_classification(n_samples=50, n_features=6, n_classes=4, random_state=0)
    return torch.as_tensor(X).float(), torch.as_tensor(Y).float()


def fit(data, selector, *callbacks):
    est = MultiLabelNetClassifier(
        MLP, batch_selector=clone(selector), callbacks=list(callbacks), **SETTINGS
    )
    return est.fit(*data)


def recorded(est):
    return dict(est.callbacks_)["SelectionRecorder"].epochs_


@pytest.mark.parametrize("selector", SELECTORS)
def test_draws_are_those_that_the_network_saw(selector, data):
    X, Y = data
    numbered = torch.cat([torch.arange(50.0)[:, None], X], 1)
    seen = []

    class Noting(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(7, 4)

        def forward(self, X):
            if self.training:
                seen.append(X[:, 0].long())
            return self.linear(X)

    est = MultiLabelNetClassifier(
        Noting, batch_selector=selector, callbacks=[SelectionRecorder()], **SETTINGS
    ).fit(numbered, Y)
    epochs = recorded(est)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4, 5, 6]
    counted = sum(epoch.draws for epoch in epochs)
    np.testing.assert_array_equal(counted, np.bincount(torch.cat(seen), minlength=50))
    for epoch in epochs:
        np.testing.assert_array_equal(np.isnan(epoch.losses), epoch.draws == 0)


@pytest.mark.parametrize("selector", SELECTORS)
def test_the_fit_stays_the_same_to_the_bit(selector, data):
    bare = fit(data, selector).predict_proba(data[0])
    np.testing.assert_array_equal(
        bare, fit(data, selector, SelectionRecorder()).predict_proba(data[0])
    )


def test_the_mixture_is_that_of_its_parts(data):
    epochs = recorded(fit(data, D2ACE(warmup_epochs=1, mix_epochs=(2, 5)), SelectionRecorder()))
    assert epochs[0].probabilities is None
    assert not epochs[0].distributions
    assert np.isnan(epochs[0].share)
    for epoch in epochs[1:]:
        assert epoch.share == pytest.approx(F.mixing_coefficient(epoch.epoch, 2, 5))
        mixed = epoch.share * epoch.distributions["uncertainty"]
        mixed = mixed + (1 - epoch.share) * epoch.distributions["hardness"]
        np.testing.assert_allclose(epoch.probabilities, mixed, rtol=1e-5)
        # The largest ratio of a part is the pressure of the epoch.
        hardness = epoch.distributions["hardness"]
        pressure = F.selection_pressure(epoch.epoch, 2, 6)
        # Weights are rounded to ranks of n parts before the pressure applies.
        assert hardness.max() / hardness.min() == pytest.approx(
            pressure ** ((50 - 1) / 50), rel=1e-4
        )


def test_a_loop_of_ones_own(data):
    X, Y = data
    recorder, selector, network = SelectionRecorder(), D2ACE(), torch.nn.Linear(6, 4)
    selector.start(X, Y, n_epochs=3, batch_size=16, random_state=0)
    twin = clone(selector).start(X, Y, n_epochs=3, batch_size=16, random_state=0)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    for epoch in range(3):
        served, latest = [], {}
        for index in recorder.follow(selector, epoch):
            losses = binary_cross_entropy_with_logits(network(X[index]), Y[index], reduction="none")
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
            selector.update(index, network(X[index]).sigmoid(), losses)
            recorder.see(index, losses)
            served.append(index)
            latest |= dict(zip(index.tolist(), losses.mean(1).tolist(), strict=True))
        if epoch == 0:
            assert torch.equal(torch.cat(served), torch.cat(list(twin.batches(0))))
        record = recorder.epochs_[epoch]
        np.testing.assert_array_equal(
            record.draws, np.bincount(torch.cat(served).numpy(), minlength=50)
        )
        for row, loss in latest.items():
            assert record.losses[row] == pytest.approx(loss)


def test_another_run_forgets_the_first(data):
    X, Y = data
    recorder = SelectionRecorder()
    selector = RandomBatches().start(X, Y, n_epochs=2, batch_size=16)
    for _ in range(2):
        for epoch in range(2):
            assert sum(len(index) for index in recorder.follow(selector, epoch)) == 50
    assert len(recorder.epochs_) == 2


def test_training_that_goes_on_is_recorded_on(data):
    est = fit(data, D2ACE(), SelectionRecorder())
    est.partial_fit(*data)
    assert [epoch.epoch for epoch in recorded(est)] == list(range(1, 13))


def test_it_is_kept_in_a_pickle(data):
    est = fit(data, D2ACE(), SelectionRecorder())
    epochs = recorded(pickle.loads(pickle.dumps(est)))
    np.testing.assert_array_equal(epochs[-1].draws, recorded(est)[-1].draws)


@pytest.mark.parametrize("selector", [None, D2ACE()])
def test_a_fitted_estimator_is_cloned(selector, data):
    est = MultiLabelNetClassifier(
        MLP, batch_selector=selector, callbacks=[SelectionRecorder()], **SETTINGS
    ).fit(*data)
    again = clone(est)
    assert "epochs_" not in vars(again.callbacks[0])
    again.fit(*data)
    np.testing.assert_array_equal(recorded(again)[-1].draws, recorded(est)[-1].draws)


def test_label_weights_are_those_of_what_was_told(data):
    """Predictions that stay have no flips, so that hardness is the loss told last (Eq. 5-7)."""
    X, Y = data
    recorder, selector = SelectionRecorder(), D2ACE(warmup_epochs=1, mix_start=0.5, mix_end=0)
    selector = selector.start(X, Y, n_epochs=4, batch_size=50, random_state=0)
    losses = torch.rand(4, 50, 4, generator=torch.Generator().manual_seed(0))
    everyone, proba = torch.arange(50), torch.full((50, 4), 0.9)
    for epoch in range(4):
        for _ in recorder.follow(selector, epoch):
            selector.update(everyone, proba, losses[epoch])
    shuffled, *others = recorder.epochs_
    assert not shuffled.label_weights
    assert set(others[-1].label_weights) == {"hardness"}
    for told, epoch in zip(losses.double(), others, strict=False):
        expected = torch.exp((told.mean(0) + told.std(0, correction=0)) / 2)
        np.testing.assert_allclose(epoch.label_weights["hardness"], expected, rtol=1e-5)
    entropy = -(0.9 * np.log2(0.9) + 0.1 * np.log2(0.1))
    np.testing.assert_allclose(
        others[0].label_weights["uncertainty"], np.exp(0.5 * entropy / 2), rtol=1e-5
    )


def test_without_a_selector_there_is_nothing_to_record(data):
    est = MultiLabelNetClassifier(
        MLP, callbacks=[SelectionRecorder()], iterator_train=DataLoader, **SETTINGS
    )
    with pytest.raises(TypeError, match="trains without one"):
        est.fit(*data)


def test_losses_are_means_over_the_labels_that_are_known(data):
    X, Y = data
    recorder = SelectionRecorder()
    some = torch.where(torch.arange(4) < torch.arange(50)[:, None] % 5, Y, torch.nan)
    selector = RandomBatches().start(X, some, n_epochs=1, batch_size=16, random_state=0)
    losses = torch.rand(50, 4, generator=torch.Generator().manual_seed(0))
    for index in recorder.follow(selector, 0):
        recorder.see(index, losses[index])
    expected = [losses[i, : i % 5].mean() if i % 5 else 0 for i in range(50)]
    np.testing.assert_allclose(recorder.epochs_[0].losses, expected, rtol=1e-6)


@pytest.mark.parametrize("selector", SELECTORS)
def test_a_training_that_goes_on_from_a_checkpoint_keeps_what_was_recorded(
    selector, data, tmp_path
):
    whole = fit(data, selector, SelectionRecorder(), Checkpointing(tmp_path))
    # As if killed in the epoch before the last; and after the last one.
    for n_left in (1, 0):
        for path in sorted(tmp_path.iterdir())[-1:][: n_left * 2]:
            path.unlink()
        est = MultiLabelNetClassifier(
            MLP,
            batch_selector=clone(selector),
            callbacks=[SelectionRecorder(), Checkpointing(tmp_path)],
            **SETTINGS,
        ).fit(*data, resume=tmp_path)
        for epoch, expected in zip(recorded(est), recorded(whole), strict=True):
            np.testing.assert_equal(vars(epoch), vars(expected))

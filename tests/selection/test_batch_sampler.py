"""A selector's batches through torch's DataLoader, in one process."""

import runpy
from pathlib import Path

import pytest
import torch
from sklearn.base import clone
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from skd2ace.selection import (
    D2ACE,
    Balance,
    BatchSelector,
    HardImb,
    OnlineBatch,
    RandomBatches,
    SelectedBatchSampler,
)

COMMON = runpy.run_path(str(Path(__file__).with_name("test_common.py")))
N, N_EPOCHS, SELECTORS = COMMON["N"], COMMON["N_EPOCHS"], COMMON["SELECTORS"]


def begin(selector, seed=0, **settings):
    """A sampler of a copy that is started, and a loader that it serves."""
    X, Y = COMMON["make_tensors"]()
    batches = SelectedBatchSampler(COMMON["start"](clone(selector), (X, Y), seed))
    dataset = TensorDataset(torch.arange(N), X, Y)
    return batches, DataLoader(dataset, batch_sampler=batches, **settings)


def go_through(batches, loader, epoch):
    """One epoch as a user's loop drives it: the indices of each batch, and loss weights."""
    served, selector = [], batches.selector
    for index, _, y in loader:
        served.append((index.tolist(), batches.loss_weights(index, y).tolist()))
        if selector.refresh == "visit":
            batches.update(index, *COMMON["predictions"](index, epoch), learning_rate=0.1)
    if selector.refresh == "epoch":
        told = torch.arange(N)
        batches.update(told, *COMMON["predictions"](told, epoch), learning_rate=0.1)
    return served


def whole(selector):
    """The same without a loader, by the tests of selectors themselves."""
    tensors = COMMON["make_tensors"]()
    return [
        [(index, as_columns(weights, index)) for index, weights in epoch]
        for epoch in COMMON["run"](clone(selector), tensors)
    ]


def as_columns(weights, index):
    if weights is None:
        return [[1.0]] * len(index)
    return weights if isinstance(weights[0], list) else [[weight] for weight in weights]


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_a_loader_gets_the_batches_of_the_selector(selector):
    batches, loader = begin(selector)
    served = []
    for epoch in range(N_EPOCHS):
        n_batches = len(loader)
        served.append(go_through(batches, loader, epoch))
        assert n_batches == len(served[-1])
    assert served == whole(selector)


@pytest.mark.parametrize("selector", [RandomBatches(), D2ACE(warmup_epochs=1)], ids=str)
def test_workers_are_served_the_same(selector):
    batches, loader = begin(selector, num_workers=2)
    served = [go_through(batches, loader, epoch) for epoch in range(3)]
    assert served == whole(selector)[:3]


@pytest.mark.parametrize("stop", [1, 3])
@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_another_sampler_goes_on_by_a_state(selector, stop, tmp_path):
    first, loader = begin(selector)
    served = [go_through(first, loader, epoch) for epoch in range(stop)]
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second, loader = begin(selector, seed=99)
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    served += [go_through(second, loader, epoch) for epoch in range(stop, N_EPOCHS)]
    assert served == whole(selector)


SETTINGS = D2ACE(warmup_epochs=1)


class Growing(BatchSelector):
    """One batch more in each epoch."""

    def _order(self, epoch):
        return super()._order(epoch)[: (epoch + 1) * self.batch_size_]


def test_trainers_that_say_the_epoch():
    """Lightning says it to the sampler of the batch sampler, accelerate to both."""
    batches, loader = begin(SETTINGS)
    served = []
    for epoch in range(N_EPOCHS):
        loader.batch_sampler.set_epoch(epoch)
        loader.batch_sampler.sampler.set_epoch(epoch)
        served.append(go_through(batches, loader, epoch))
    assert served == whole(SETTINGS)
    with pytest.raises(ValueError, match=r"Epoch 0 \(from 0\).* epoch 5 has been .*start\(\)"):
        batches.set_epoch(0)


def test_workers_go_on_by_a_state():
    first, loader = begin(SETTINGS)
    for epoch in range(2):
        go_through(first, loader, epoch)
    second, loader = begin(SETTINGS, seed=99, num_workers=1)
    second.load_state_dict(first.state_dict())
    assert go_through(second, loader, 2) == whole(SETTINGS)[2]


@pytest.mark.parametrize("settings", [{}, {"num_workers": 1}], ids=["alone", "worker"])
def test_an_epoch_that_is_named_when_it_has_begun(settings):
    """Lightning asks for the length, takes an iterator, says the epoch, and takes another."""
    batches, loader = begin(Growing(), **settings)
    n_served = []
    for epoch in range(3):
        n_batches = len(loader)
        iterator = iter(loader)
        batches.set_epoch(epoch)
        if epoch > 0:
            iterator = iter(loader)
        for _ in range(n_batches):
            index, _, _ = next(iterator)
            batches.update(index, *COMMON["predictions"](index, epoch))
        n_served.append(n_batches)
    assert n_served == [1, 2, 3]


def test_a_look_costs_no_epoch():
    batches, loader = begin(SETTINGS)
    next(iter(loader))
    next(iter(loader))
    assert [go_through(batches, loader, epoch) for epoch in range(N_EPOCHS)] == whole(SETTINGS)


def test_a_look_for_which_workers_drew_a_whole_epoch_is_taken_back():
    batches, loader = begin(SETTINGS, num_workers=2)
    next(iter(loader))
    batches.set_epoch(0)
    assert [go_through(batches, loader, epoch) for epoch in range(2)] == whole(SETTINGS)[:2]


def test_a_look_costs_no_epoch_that_was_taken_back():
    batches, loader = begin(SETTINGS)
    go_through(batches, loader, 0)
    state = batches.state_dict()
    go_through(batches, loader, 1)
    batches.load_state_dict(state)
    next(iter(loader))
    assert [go_through(batches, loader, epoch) for epoch in (1, 2)] == whole(SETTINGS)[1:3]


def test_loops_that_leave_before_the_end_or_at_it():
    """Those that count batches never ask for one too many."""
    batches, loader = begin(SETTINGS)
    for n_steps in (4, 4, 2, 2, 4):
        epoch = batches.selector.epoch_ + 1
        for (index, _, _), _ in zip(loader, range(n_steps), strict=False):
            batches.update(index, *COMMON["predictions"](index, 0))
        assert batches.selector.epoch_ == epoch, "each pass is the next epoch"


def test_only_a_started_selector_is_served():
    with pytest.raises(RuntimeError, match=r"before its start\(\)"):
        SelectedBatchSampler(D2ACE())


def test_weights_multiply_losses_of_all_labels():
    for selector, columns in ((D2ACE(warmup_epochs=0, unbiased=True), 1), (Balance(), 4)):
        batches, loader = begin(selector)
        index, _, y = next(iter(loader))
        assert batches.loss_weights(index, y).shape == (len(index), columns)


class Noting(HardImb):
    """Notes what each batch was drawn by."""

    def _draw(self, probabilities):
        for index in super()._draw(probabilities):
            vars(self).setdefault("drawn_", []).append(self.probabilities_.clone())
            yield index


@pytest.mark.parametrize("n_workers", [0, 2])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_weights_are_by_the_probabilities_that_a_batch_was_drawn_by(batch_size, n_workers):
    """Those of batches drawn ahead are others by then; of one instance many batches are alike."""
    X, Y = torch.zeros(24, 2), (torch.arange(48).view(24, 2) % 3 == 0).float()
    selector = Noting(warmup_epochs=0, unbiased=True, pressure_decay=False)
    selector.start(X, Y, n_epochs=3, batch_size=batch_size, random_state=0)
    batches = SelectedBatchSampler(selector)
    dataset = TensorDataset(torch.arange(24), Y)
    loader = DataLoader(dataset, batch_sampler=batches, num_workers=n_workers)
    trained_on = []
    for epoch in range(3):
        for index, y in loader:
            weights = batches.loss_weights(index, y)
            trained_on.append((index, weights[:, 0]))
            # As often as one asks.
            torch.testing.assert_close(batches.loss_weights(index, y), weights)
            losses = torch.rand(y.shape, generator=torch.Generator().manual_seed(epoch)) * 9
            batches.update(index, torch.exp(-losses), losses)
    assert len({tuple(p.tolist()) for p in selector.drawn_}) > 3
    for (index, weights), p in zip(trained_on, selector.drawn_, strict=True):
        torch.testing.assert_close(weights, (1 / (24 * p[index])).float())


def train(n_steps_between, autocast):
    """Two epochs of a network in half precision, gradients summed over some batches."""
    batches, loader = begin(HardImb(warmup_epochs=1))
    torch.manual_seed(0)
    network = nn.Linear(3, COMMON["Q"])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(2):
        for step, (index, x, y) in enumerate(loader, start=1):
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                logits = network(x)
            losses = nn.functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
            (losses.mean() / n_steps_between).backward()
            batches.update(index, logits.sigmoid(), losses)
            if step % n_steps_between == 0 or step == len(loader):
                optimizer.step()
                optimizer.zero_grad()
    return batches.selector


def test_accumulated_gradients_and_mixed_precision():
    exact, mixed = train(2, autocast=False), train(2, autocast=True)
    assert exact.seen_
    assert (exact.losses_ != mixed.losses_).any(), "half precision was there"
    torch.testing.assert_close(exact.losses_, mixed.losses_, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool])
def test_weights_are_fractions_whatever_the_labels_are(dtype):
    batches, loader = begin(OnlineBatch(unbiased=True))
    for epoch in range(2):
        go_through(batches, loader, epoch)
    for index, _, y in loader:
        expected = batches.loss_weights(index, y)
        assert (expected != expected.round()).any()
        assert torch.equal(batches.loss_weights(index, y.to(dtype)), expected)

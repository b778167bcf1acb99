"""Epochs of other lengths than ceil(n / batch_size), and what goes by how long they are."""

import re

import pytest
import torch
from skorch.callbacks import Callback

from skd2ace import MultiLabelNetClassifier
from skd2ace.selection import D2ACE, MLROS, InfoBatch, RandomSubset, RepeatFactor
from skd2ace.training import LinearWarmup, SelectedBatches, TensorDataset

BATCH_SIZE, N_EPOCHS = 8, 6
SELECTORS = [
    InfoBatch(full_epochs=1),
    RepeatFactor(threshold=1.0),
    MLROS(growth=0.5),
    RandomSubset(share=0.2),
    RandomSubset(like=InfoBatch(full_epochs=1)),
    D2ACE(),
]


class Steps(Callback):
    """The epoch and the rate of each step."""

    def on_train_begin(self, net, **kwargs):
        self.rates = []

    def on_grad_computed(self, net, *args, **kwargs):
        self.rates.append((len(net.history), net.optimizer_.param_groups[0]["lr"]))


@pytest.fixture
def fit(mlp, data):
    def fit(selector, verbose=0, **callbacks):
        steps = Steps()
        est = MultiLabelNetClassifier(
            mlp,
            batch_selector=selector,
            batch_size=BATCH_SIZE,
            max_epochs=N_EPOCHS,
            lr=0.1,
            callbacks=[*callbacks.values(), steps],
            random_state=0,
            verbose=verbose,
        )
        return est.fit(*data), steps.rates

    return fit


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_the_learning_rate_rises_over_the_epochs_that_there_are(fit, selector):
    _, rates = fit(selector, warmup=LinearWarmup(3))
    for epoch in range(1, N_EPOCHS + 1):
        of_epoch = [rate for when, rate in rates if when == epoch]
        n = len(of_epoch)
        expected = [0.1 * min((epoch - 1 + step / n) / 3, 1) for step in range(1, n + 1)]
        assert of_epoch == pytest.approx(expected)


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_the_bar_is_as_long_as_the_epoch(fit, selector, capsys):
    est, rates = fit(selector, verbose=2)
    n_valid = -(-len(est.valid_indices_) // BATCH_SIZE)
    totals = re.findall(r"0/(\d+) \[", capsys.readouterr().err)
    counts = [sum(when == epoch for when, _ in rates) for epoch in range(1, N_EPOCHS + 1)]
    assert [int(total) for total in totals] == [count + n_valid for count in counts]


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_an_iterator_is_as_long_as_what_it_was_told_to_serve(selector):
    X, Y = torch.randn(30, 2), torch.eye(30)[:, :3]
    batches = SelectedBatches(TensorDataset(X.numpy(), Y.numpy()), batch_size=BATCH_SIZE)
    selector.start(X, Y, n_epochs=N_EPOCHS, batch_size=BATCH_SIZE, random_state=0)
    for epoch in range(3):
        batches.select(selector, epoch)
        assert len(batches) == len([*batches])
        selector.update(torch.arange(30), torch.rand(30, 3), torch.rand(30, 3), learning_rate=1.0)
    assert len(batches) == 4


@pytest.mark.parametrize("shape", [(33, 6), (33, 3, 2)])
@pytest.mark.parametrize(("selector", "batch_size"), [(None, 32), (RandomSubset(share=0.5), 8)])
def test_batch_norm_says_that_a_row_is_left_over(shape, selector, batch_size):
    """Of all 33, or of 17: it has no variance of one row, in whatever form the rows are."""
    X = torch.randn(shape, generator=torch.Generator().manual_seed(0)).numpy()
    module = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.BatchNorm1d(6), torch.nn.LazyLinear(2)
    )
    est = MultiLabelNetClassifier(
        module, batch_selector=selector, batch_size=batch_size, train_split=None, verbose=0
    )
    with pytest.raises(ValueError, match=r"has one row.*another batch_size.*LayerNorm"):
        est.fit(X, (X.reshape(33, 6)[:, :2] > 0).astype(int))

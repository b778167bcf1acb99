"""What a network's own loss is told of the rows of a batch: their positions, and their weights."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Subset

from skd2ace import (
    C2AEClassifier,
    CLIFClassifier,
    DELAClassifier,
    MPVAEClassifier,
    MultiLabelNetClassifier,
    PACAClassifier,
)
from skd2ace.networks import LossOutput, known_labels, label_losses, weighted_mean
from skd2ace.selection import D2ACE, RandomBatches
from skd2ace.training import Batch

# Which rows are trained on, and in which order: the positions are places in this list.
TRAINED = torch.randperm(60, generator=torch.Generator().manual_seed(0))[:50]
HELD_OUT = [row for row in range(60) if row not in TRAINED.tolist()]


def split(dataset, y=None, **kwargs):
    return Subset(dataset, TRAINED.tolist()), Subset(dataset, HELD_OUT)


class TakesIndex(nn.Linear):
    """Notes the first feature of the rows, which says which they are, beside their positions."""

    def __init__(self, n_features, n_labels):
        super().__init__(n_features, n_labels)
        self.told = []

    def training_loss(self, X, Y, weights=None, *, index=None):
        self.told.append((X[:, 0].int(), index))
        logits = self(X)
        losses = label_losses(logits, *known_labels(Y))
        return LossOutput(weighted_mean(losses, weights), logits, losses, {})


class TakesAnything(TakesIndex):
    def training_loss(self, X, Y, weights=None, **further):
        self.told.append(further)
        return super().training_loss(X, Y, weights)


@pytest.fixture
def numbered(data):
    """Rows whose first feature is their number, so that a loss can tell them."""
    X, Y = data
    return np.hstack([np.arange(len(X))[:, None], X[:, 1:]]), Y


def make(module, **params):
    few = {"max_epochs": 3, "batch_size": 16, "lr": 1e-6, "random_state": 0, "verbose": 0}
    return MultiLabelNetClassifier(module, **(few | params))


@pytest.mark.parametrize("train_split", [split, None], ids=["held out", "all"])
@pytest.mark.parametrize(
    "selector",
    [None, RandomBatches(), D2ACE(warmup_epochs=1, unbiased=True)],
    ids=["none", "shuffled", "unbiased"],
)
def test_positions_are_those_in_the_training_part(numbered, train_split, selector):
    est = make(TakesIndex, train_split=train_split, batch_selector=selector).fit(*numbered)
    rows = TRAINED if train_split else torch.arange(60)
    assert len(est.module_.told) == 3 * 4
    for row, index in est.module_.told:
        assert torch.equal(rows[index].int(), row)
    assert len(torch.cat([index for _, index in est.module_.told]).unique()) > 40


def test_a_compiled_loss_is_told_them_too(numbered):
    def as_it_is(graph, inputs):
        return graph.forward

    torch._dynamo.reset()
    est = make(TakesIndex, train_split=split, compile=True, compile__backend=as_it_is)
    told = est.fit(*numbered).module_._orig_mod.told
    assert all(torch.equal(TRAINED[index].int(), row) for row, index in told)
    assert len(told) > 0


def test_a_loss_that_does_not_ask_is_told_nothing(numbered):
    """One that takes anything hands it on, maybe to one that does not."""
    est = make(TakesAnything, train_split=split).fit(*numbered)
    asked = [told for told in est.module_.told if isinstance(told, dict)]
    assert asked == [{}] * 12


def test_rows_without_positions(numbered):
    """Iterators other than ours give pairs."""
    est = make(TakesIndex).fit(*numbered)
    est.train_step((torch.zeros(5, 8), torch.zeros(5, 4)))
    assert est.module_.told[-1][1] is None


@pytest.mark.parametrize("held", [0.0, 1.0, 7.0])
@pytest.mark.parametrize(
    "est",
    [
        make(nn.LazyLinear, module__out_features=4),
        make(TakesIndex),
        CLIFClassifier(max_epochs=1, verbose=0, random_state=0),
        DELAClassifier(max_epochs=1, verbose=0, random_state=0),
        PACAClassifier(max_epochs=1, verbose=0, random_state=0),
        MPVAEClassifier(max_epochs=1, verbose=0, random_state=0),
        C2AEClassifier(max_epochs=1, verbose=0, random_state=0),
    ],
    ids=["plain", "own loss", "CLIF", "DELA", "PACA", "MPVAE", "C2AE"],
)
def test_a_step_takes_no_notice_of_unknown_labels(est, data, held):
    X, Y = (torch.from_numpy(part[:16]).float() for part in data)
    est.fit(*data)
    weights = torch.rand(16, 4, generator=torch.Generator().manual_seed(0)) + 0.1
    hidden = torch.zeros(16, 4, dtype=torch.bool)
    hidden[2], hidden[:, 1] = True, True
    labels, outcomes = torch.where(hidden, torch.nan, Y), []
    for own in (weights, torch.where(hidden, held, weights)):
        torch.manual_seed(0)
        est.module_.zero_grad()
        step = est.train_step_single(Batch(X, labels, torch.arange(16), own))
        slopes = [p.grad for p in est.module_.parameters() if p.grad is not None]
        outcomes.append([step["loss"], step["y_pred"], step["label_losses"], *slopes])
    assert all(map(torch.equal, *outcomes))
    assert torch.isfinite(outcomes[0][0])
    assert (outcomes[0][2][hidden] == 0).all()

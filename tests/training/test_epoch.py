"""Losses and terms in the history, and errors for those that are not finite."""

import numpy as np
import pytest
import torch
from torch import nn

from skd2ace import MultiLabelNetClassifier
from skd2ace.networks import LossOutput


class TwoTerms(nn.Module):
    """Counts its steps, and lets one term go wrong at one of them."""

    def __init__(self, n_features, n_labels, bad_step=None):
        super().__init__()
        self.linear = nn.Linear(n_features, n_labels)
        self.bad_step, self.step = bad_step, 0

    def forward(self, X):
        return self.linear(X)

    def training_loss(self, X, Y, weights=None):
        self.step += 1
        logits = self(X)
        losses = nn.functional.binary_cross_entropy_with_logits(logits, Y, reduction="none")
        extra = torch.tensor(float("nan") if self.step == self.bad_step else self.step)
        terms = {"bce": losses.mean(), "extra": extra}
        return LossOutput(losses.mean() + 0.0 * extra, logits, losses, terms)


def make(**params):
    settings = {"max_epochs": 3, "batch_size": 16, "train_split": None, "verbose": 0}
    return MultiLabelNetClassifier(TwoTerms, random_state=0, **settings, **params)


def test_terms_are_means_over_instances(data):
    history = make().fit(*data).history
    sizes = [16, 16, 16, 12]
    for epoch in range(3):
        steps = [4 * epoch + k for k in (1, 2, 3, 4)]
        assert history[epoch]["train_extra"] == pytest.approx(np.average(steps, weights=sizes))
        assert history[epoch]["train_bce"] == pytest.approx(history[epoch]["train_loss"])
        assert history[epoch]["train_batch_count"] == 4
        assert [row["train_batch_size"] for row in history[epoch]["batches"]] == sizes


def test_the_bad_term_and_its_epoch_are_named(data):
    est = make(module__bad_step=7)
    with pytest.raises(ValueError, match=r"Epoch 2: the train loss term 'extra' is nan"):
        est.fit(*data)


class BreaksInEvaluation(nn.Linear):
    def __init__(self, n_features, n_labels):
        super().__init__(n_features, n_labels)

    def forward(self, X):
        return super().forward(X) if self.training else super().forward(X) + float("inf")


def test_a_bad_prediction_in_validation_is_named(data):
    est = MultiLabelNetClassifier(BreaksInEvaluation, max_epochs=2, verbose=0, random_state=0)
    with pytest.raises(ValueError, match=r"Epoch 1: the valid loss is nan"):
        est.fit(*data)

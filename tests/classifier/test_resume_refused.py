"""A checkpoint serves only the training that it is of: same data, same settings."""

from functools import partial

import numpy as np
import pytest
import scipy.sparse
import torch
from skorch.dataset import ValidSplit

from skd2ace import MultiLabelNetClassifier
from skd2ace.selection import HardImb
from skd2ace.training import Checkpointing


def other_mlp(n_features, n_labels, hidden=16):
    shape = (n_features, hidden), (hidden, n_labels)
    return torch.nn.Sequential(
        torch.nn.Linear(*shape[0]), torch.nn.Tanh(), torch.nn.Linear(*shape[1])
    )


def sparse(X, Y, shift=0):
    return scipy.sparse.csr_array(np.roll(np.where(X > 0.5, X, 0), shift, axis=1)), Y


OTHER = {
    "max_epochs": ({"max_epochs": 9}, None, "max_epochs: 5 there, 9 here"),
    "seed": ({"random_state": 1}, None, "other random_state"),
    "learning rate": ({"lr": 0.02}, None, "other lr"),
    "batch size": ({"batch_size": 8}, None, "other batch_size"),
    "optimizer": (
        {"optimizer": torch.optim.AdamW},
        None,
        "other optimizer: .*AdamW",
    ),
    "its parameters": ({"optimizer__betas": (0.5, 0.9)}, None, "optimizer__betas"),
    "selector": ({"batch_selector": HardImb()}, None, "batch_selector"),
    "its schedule": ({"batch_selector__mix_epochs": (0.3, 0.9)}, None, "mix_epochs"),
    "network": ({"module": other_mlp}, None, "other module: .*make_mlp there, .*other_mlp"),
    "its size": ({"module__hidden": 8}, None, "module__hidden"),
    "thresholds": ({"threshold": [0.1, 0.2, 0.3, 0.4]}, None, "threshold"),
    "features": ({}, lambda X, Y: (X + 1e-6, Y), "other data"),
    "labels": ({}, lambda X, Y: (X, 1 - Y), "other data"),
}


@pytest.mark.parametrize("what", OTHER)
def test_another_training_is_refused(make, data, tmp_path, what):
    params, change, message = OTHER[what]
    make(callbacks=[Checkpointing(tmp_path)]).fit(*data)
    est = make().set_params(**params)
    with pytest.raises(ValueError, match=message):
        est.fit(*(change(*data) if change else data), resume=tmp_path)
    assert not hasattr(est, "module_")


class Gate(torch.nn.Module):
    """With a setting that its repr hides."""

    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, logits):
        return self.slope * logits


def make_gate(n_features, n_labels, slope):
    return torch.nn.Sequential(torch.nn.Linear(n_features, n_labels), Gate(slope))


ALIKE = {
    "criterion__pos_weight": lambda n: torch.full((4,), n),
    "criterion": lambda n: torch.nn.BCEWithLogitsLoss(reduction="none", pos_weight=torch.tensor(n)),
    "module": lambda n: partial(make_gate, slope=n),
    "module ": lambda n: make_gate(8, 4, slope=n),
    "train_split": lambda n: ValidSplit(int(n)),
}


@pytest.mark.parametrize("what", ALIKE)
def test_settings_of_one_type_are_told_apart(mlp, data, tmp_path, what):
    def estimator(n, **params):
        varied = {"module": mlp, what.strip(): ALIKE[what](n)}
        return MultiLabelNetClassifier(max_epochs=2, verbose=0, **varied, **params)

    estimator(2.0, callbacks=[Checkpointing(tmp_path)]).fit(*data)
    with pytest.raises(ValueError, match=f"other {what.strip()}:"):
        estimator(3.0).fit(*data, resume=tmp_path)
    assert len(estimator(2.0).fit(*data, resume=tmp_path).history) == 2


def test_another_pattern_of_the_same_numbers_is_refused(make, data, tmp_path):
    make(callbacks=[Checkpointing(tmp_path)]).fit(*sparse(*data))
    with pytest.raises(ValueError, match="other data"):
        make().fit(*sparse(*data, shift=1), resume=tmp_path)
    X, Y = sparse(*data)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    assert len(make().fit(X, Y, resume=tmp_path).history) == 5


def test_another_kind_of_estimator_is_refused(make_dela, make_paca, data, tmp_path):
    make_dela(callbacks=[Checkpointing(tmp_path)]).fit(*data)
    with pytest.raises(ValueError, match="other estimator: DELAClassifier there"):
        make_paca().fit(*data, resume=tmp_path)


def test_numbers_of_any_type_are_the_same(make, data, tmp_path):
    make(callbacks=[Checkpointing(tmp_path)], max_epochs=np.int64(5)).fit(*data)
    resumed = make(threshold=np.float64(0.5)).fit(*data, resume=tmp_path)
    assert len(resumed.history) == 5

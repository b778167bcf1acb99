"""Data sets that are read item by item train as the arrays do that they hold."""

import copy
import inspect

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from skorch.dataset import Dataset as SkorchDataset
from skorch.helper import SliceDataset, predefined_split
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset
from torch.utils.data import TensorDataset as TorchDataset

import skd2ace.selection
from skd2ace import MultiLabelNetClassifier
from skd2ace.selection import D2ACE, ActiveBias, BatchSelector, HardImb
from skd2ace.training import Checkpointing, SelectedBatches, TensorDataset

SELECTORS = [
    cls
    for name in skd2ace.selection.__all__
    if inspect.isclass(cls := getattr(skd2ace.selection, name)) and BatchSelector in cls.__mro__[1:]
]


class Numbered(Dataset):
    """Rows of X and Y, with noise drawn anew each time, that notes which were asked for."""

    def __init__(self, X, Y, noise=0.0):
        self.X, self.Y, self.noise, self.asked = X, Y, noise, []

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        self.asked.append(int(i))
        x = torch.as_tensor(self.X[i], dtype=torch.float32)
        return (x + self.noise * torch.randn(x.shape) if self.noise else x), self.Y[i]


class Doubled(SkorchDataset):
    """One of skorch's with a transform of its own."""

    def transform(self, X, y):
        return super().transform(2 * X, y)


def warm(cls, **params):
    known = cls().get_params()
    return cls(**{"warmup_epochs": 1} if "warmup_epochs" in known else {}, **params)


@pytest.mark.parametrize("cls", SELECTORS)
def test_every_selector(make, data, assert_same, cls):
    est = make(batch_selector=warm(cls)).fit(*data)
    assert_same(make(batch_selector=warm(cls)).fit(Numbered(*data)), est, data[0])


def test_networks(make_two, data, assert_same):
    est = make_two(preprocessor=None).fit(*data)
    again = make_two(preprocessor=None).fit(Numbered(*data))
    assert_same(again, est, data[0])
    np.testing.assert_array_equal(again.predict_proba(Numbered(*data)), est.predict_proba(data[0]))


FORMS = {
    "with Y": lambda X, Y: (Numbered(X, Y), Y),
    "y is None": lambda X, Y: (Numbered(X, Y), None),
    "tensors": lambda X, Y: (Numbered(torch.tensor(X), torch.tensor(Y)), None),
    "subset": lambda X, Y: (Subset(Numbered(X, Y), range(len(X))), None),
    "list in a subset": lambda X, Y: (Subset(list(zip(X, Y, strict=True)), range(len(X))), None),
    "slices": lambda X, Y: (SliceDataset(Numbered(X, Y)), SliceDataset(Numbered(X, Y), 1)),
    "slice": lambda X, Y: (SliceDataset(Numbered(X, Y)), Y),
    "skorch": lambda X, Y: (SkorchDataset(X, Y), None),
    "skorch, transformed": lambda X, Y: (Doubled(X / 2, Y), None),
    "torch": lambda X, Y: (TorchDataset(torch.tensor(X), torch.tensor(Y)), None),
    "ours": lambda X, Y: (TensorDataset(X, Y), None),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(make, data, assert_same, form):
    X, Y = FORMS[form](*data)
    est = make().fit(*data)
    again = make().fit(X, Y)
    assert_same(again, est, data[0])
    np.testing.assert_array_equal(again.predict_proba(X), est.predict_proba(data[0]))
    assert again.score(X, Y) == est.score(*data)


def test_one_dimensional_labels(make, data):
    X, y = data[0], np.where(data[1][:, 0], "yes", "no")
    est, again = make().fit(X, y), make().fit(Numbered(X, y))
    assert again.predict(X).tolist() == est.predict(X).tolist()
    assert again.score(Numbered(X, y)) == est.score(X, y)


def test_unknown_labels(make, data, assert_same):
    Y = data[1].astype(float)
    Y[np.random.default_rng(0).random(Y.shape) < 0.2] = np.nan
    settings = {"train_split": None}
    est = make(**settings).fit(data[0], Y)
    assert_same(make(**settings).fit(Numbered(data[0], Y)), est, data[0])


def test_workers_give_the_same_items(make, data, assert_same):
    """Shuffled batches depend on no update: drawn ahead they are the same."""
    workers = {"iterator_train__num_workers": 2, "iterator_valid__num_workers": 1}
    est = make(batch_selector=None).fit(*data)
    again = make(batch_selector=None, **workers).fit(Numbered(*data))
    assert_same(again, est, data[0])


@pytest.mark.parametrize("n_workers", [0, 2])
def test_augmentation_is_drawn_anew_and_by_the_seed(make, data, assert_same, n_workers):
    def fit(**params):
        workers = {"iterator_train__num_workers": n_workers}
        return make(**workers, **params).fit(Numbered(*data, noise=0.5))

    before = torch.get_rng_state()
    est = fit()
    assert torch.equal(torch.get_rng_state(), before)
    assert_same(fit(), est, data[0])
    assert (fit(random_state=1).predict_proba(data[0]) != est.predict_proba(data[0])).any()
    # No two epochs see the same features: a rate of 0 leaves only these to change the loss.
    losses = fit(lr=1e-30, batch_size=-1, batch_selector=None, train_split=None).history
    assert len(set(losses[:, "train_loss"])) == len(losses)


def test_only_what_a_batch_wants_is_read(make, data):
    dataset = Numbered(*data)
    make(batch_selector=ActiveBias(warmup_epochs=1), max_epochs=3, train_split=None).fit(dataset)
    # For the labels, and an epoch each; and the first one to see the shape.
    assert len(dataset.asked) <= 60 * (1 + 3) + 3
    dataset.asked.clear()
    make(batch_selector=HardImb(warmup_epochs=1), max_epochs=3, train_split=None).fit(dataset)
    assert 60 * (2 + 3) <= len(dataset.asked) <= 60 * (2 + 3) + 3, "and once for the neighbours"


def test_batches_are_drawn_when_they_are_wanted(data):
    """Without workers none is drawn before the step on the last one has ended."""
    events = []

    class InTurn(BatchSelector):
        def batches(self, epoch):
            for index in super().batches(epoch):
                events.append("draw")
                yield index

    Y = torch.tensor(data[1])
    selector = InTurn().start(data[0], Y, n_epochs=1, batch_size=16, random_state=0)
    batches = SelectedBatches(Numbered(*data), batch_size=16)
    batches.select(selector, 0)
    for batch in batches:
        np.testing.assert_array_equal(batch[0], data[0][batch.instances].astype(np.float32))
        np.testing.assert_array_equal(batch[1], data[1][batch.instances])
        events.append("step")
    assert events == ["draw", "step"] * 4


def test_files(make, data, mlp, assert_same, tmp_path):
    dataset = Numbered(*data, noise=0.1)
    settings = {"max_epochs": 4, "callbacks": [Checkpointing(tmp_path / "run")]}
    est = make(**settings).fit(dataset)
    (tmp_path / "run" / "epoch-000004.skd2ace").unlink()
    assert_same(make(**settings).fit(dataset, resume=tmp_path / "run"), est, data[0])
    for other in (Numbered(data[0], 1 - data[1]), Numbered(data[0][:, :7], data[1])):
        with pytest.raises(ValueError, match="of a training with other data"):
            make(**settings).fit(other, resume=tmp_path / "run")
    est.set_params(callbacks=None).save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", module=mlp)
    assert_same(again, est, data[0])
    assert_same(again.partial_fit(dataset), copy.deepcopy(est).partial_fit(dataset), data[0])


def test_model_selection(make, data):
    X, Y = data
    sliced, labels = SliceDataset(Numbered(X, Y)), SliceDataset(Numbered(X, Y), 1)
    expected = cross_validate(make(), X, Y, cv=3, error_score="raise")["test_score"]
    found = cross_validate(make(), sliced, labels, cv=3, error_score="raise")["test_score"]
    np.testing.assert_array_equal(found, expected)
    proba = cross_val_predict(make(), sliced, Y, cv=3, method="decision_function")
    np.testing.assert_array_equal(
        proba, cross_val_predict(make(), X, Y, cv=3, method="decision_function")
    )
    search = GridSearchCV(make(), {"lr": [0.01, 0.1]}, cv=2, error_score="raise")
    assert search.fit(sliced, Y).predict(sliced).shape == Y.shape


def test_validation_on_another_data_set(make, data):
    X, Y = data
    splits = [predefined_split(d) for d in (SkorchDataset(X, Y.astype("f")), Numbered(X, Y))]
    usual, items = (make(train_split=split).fit(Numbered(X, Y)) for split in splits)
    assert usual.history[:, "valid_macro_auc"] == items.history[:, "valid_macro_auc"]


def test_data_loader(make, data, assert_same):
    loader = {"batch_selector": None, "iterator_train": DataLoader}
    est = make(**loader).fit(*data)
    assert_same(make(**loader).fit(Numbered(*data)), est, data[0])


def test_lazy_images(data):
    images = np.random.default_rng(0).normal(size=(60, 3, 5, 5))

    def make_cnn(n_features, n_labels):
        return nn.Sequential(nn.Conv2d(n_features, 2, 3), nn.Flatten(), nn.LazyLinear(n_labels))

    settings = {"max_epochs": 3, "batch_size": 16, "random_state": 0, "verbose": 0}
    est, again = (
        MultiLabelNetClassifier(make_cnn, batch_selector=D2ACE(warmup_epochs=1), **settings).fit(*d)
        for d in ((images, data[1]), (Numbered(images, data[1]),))
    )
    assert again.n_features_in_ == est.n_features_in_ == 3
    np.testing.assert_array_equal(again.predict_proba(images), est.predict_proba(images))


class Endless(IterableDataset):
    def __iter__(self):
        return iter([])


REFUSED = {
    "no labels": (lambda X, Y: Subset(list(X), range(9)), ValueError, "pairs"),
    "not 0/1": (lambda X, Y: Numbered(X, Y + 1), ValueError, "Y must"),
    "iterable": (lambda X, Y: Endless(), TypeError, "map style"),
    "empty": (lambda X, Y: Numbered(X[:0], Y[:0]), ValueError, r"0 sample\(s\)"),
    "words": (lambda X, Y: Subset([("a", [0, 1])] * 9, range(9)), ValueError, "array of numbers"),
    "numbers": (lambda X, Y: Subset([(1.0, [0, 1])] * 9, range(9)), ValueError, "a dimension"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(make, data, name):
    dataset, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        make().fit(dataset(*data))


def test_another_number_of_features_is_refused(make, data):
    X, Y = data
    est = make().fit(Numbered(X, Y))
    with pytest.raises(ValueError, match="expecting 8 features"):
        est.partial_fit(Numbered(X[:, :7], Y))
    with pytest.raises(ValueError, match="expecting 8 features"):
        est.predict(SliceDataset(Numbered(X[:, :7], Y)))
    with pytest.raises(ValueError, match="expecting 8 features"):
        est.predict(X[:, :7])


@pytest.mark.parametrize(
    ("held", "parameter"),
    [("cell_weight", "sample_weight"), ("neighbor_features", "neighbor_features")],
)
def test_weights_of_a_data_set_are_not_left_out_in_silence(held, parameter):
    X, Y = np.random.default_rng(0).random((20, 3)), np.eye(20, 2)
    dataset = TensorDataset(X, Y, **{held: torch.ones(20, 1)})
    with pytest.raises(ValueError, match=f"has {held}, .*{parameter}="):
        MultiLabelNetClassifier(nn.Sequential(nn.Linear(3, 2))).fit(dataset)

"""Memory maps stay in their file, and training from them has the bits of training in memory."""

import copy
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch import NeuralNet
from torch import nn
from torch.utils.data import DataLoader

from skd2ace import ImageClassifier, MultiLabelNetClassifier
from skd2ace._stored import StoredFeatures
from skd2ace.selection import D2ACE, Balance, BatchSelector, HardImb, RandomBatches, ReducibleLoss
from skd2ace.training import Checkpointing, SelectedBatches, TensorDataset


class LooksAtUpdates(BatchSelector):
    """Serves the instances of least loss so far next, whatever the last step told."""

    def batches(self, epoch):
        left = torch.cat(list(super().batches(epoch)))
        while len(left):
            least = self.losses_[left].argsort(stable=True)[: self.batch_size_]
            yield left[least]
            left = torch.tensor(sorted(set(left.tolist()) - set(left[least].tolist())))

    def _start(self, X, Y):
        self.losses_ = torch.zeros(len(Y))

    def _update(self, index, proba, losses, learning_rate):
        self.losses_[index] = losses.mean(1)
        self.losses_ += self.losses_.flip(0) / 3


class WeightsByUpdates(RandomBatches):
    """Weights the loss by what the last step told."""

    latest = 1.0

    def _update(self, index, proba, losses, learning_rate):
        self.latest = float(losses.mean())

    def loss_weights(self, index, Y):
        return torch.full((len(index),), self.latest)


@pytest.fixture
def store(tmp_path):
    """Put an array into a file, and map it."""

    def save(array, dtype=np.float32, mode="r"):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.npy"
        np.save(path, np.asarray(array).astype(dtype))
        return np.load(path, mmap_mode=mode)

    return save


@pytest.fixture
def reads(monkeypatch):
    """Numbers of rows that were read from files together."""
    sizes, read = [], StoredFeatures.read

    def note(self, rows, out):
        sizes.append(np.size(rows))
        return read(self, rows, out)

    monkeypatch.setattr(StoredFeatures, "read", note)
    return sizes


@pytest.mark.parametrize(
    "selector",
    [
        None,
        D2ACE(n_neighbors=0, warmup_epochs=1),
        D2ACE(n_neighbors=3, warmup_epochs=1),
        D2ACE(n_neighbors=3, warmup_epochs=1, refresh="epoch", unbiased=True),
        HardImb(warmup_epochs=1, recompute="batch", chain=False, unbiased=True),
        ReducibleLoss(),
        Balance(warmup_epochs=1),
        LooksAtUpdates(),
        WeightsByUpdates(),
    ],
    ids=lambda selector: type(selector).__name__,
)
def test_selectors(make, data, store, outcome, selector):
    X, Y = store(data[0]), data[1]
    est = make(batch_selector=selector).fit(np.array(X), Y)
    again = make(batch_selector=selector).fit(X, Y)
    assert outcome(again) == outcome(est)


FORMS = {
    "uint8": lambda store, X: store(10 * np.abs(X), np.uint8),
    "float16": lambda store, X: store(X, np.float16),
    "big-endian": lambda store, X: store(X, ">f8"),
    "every other row": lambda store, X: store(X.repeat(2, axis=0))[::2],
    "backwards": lambda store, X: store(X[::-1])[::-1],
    "some columns": lambda store, X: store(np.hstack([X, X]))[:, 3:11],
    "Fortran's order": lambda store, X: store(np.asfortranarray(X)),
    "copy-on-write": lambda store, X: store(X, mode="c"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(make, data, store, outcome, form):
    X, Y = FORMS[form](store, data[0]), data[1]
    assert isinstance(X, np.memmap)
    in_memory = np.array(X)
    est, again = make(max_epochs=2).fit(in_memory, Y), make(max_epochs=2).fit(X, Y)
    assert outcome(again) == outcome(est)
    np.testing.assert_array_equal(again.predict_proba(X), est.predict_proba(in_memory))
    np.testing.assert_array_equal(again.predict(X[:7]), est.predict(in_memory[:7]))
    assert again.score(X, Y) == est.score(in_memory, Y)


def test_rows_are_read_by_batches(make, data, store, reads):
    X, Y = store(data[0]), data[1]
    settings = {"max_epochs": 2, "batch_size": 16}
    est = make(batch_selector=D2ACE(n_neighbors=0, warmup_epochs=1), **settings).fit(X, Y)
    est.predict_proba(X)
    assert sum(reads) == 60 + 60 + 60
    make(batch_selector=HardImb(), **settings).fit(X, Y, neighbor_features=data[0][:, :2])
    assert max(reads) == 16
    reads.clear()
    make(batch_selector=HardImb(), **settings).fit(X, Y)
    assert sorted(reads)[-2:] == [16, 54], "once for the neighbours of the training part"


@pytest.mark.parametrize("form", ["every other row", "some columns", "big-endian"])
def test_of_a_view_no_more_is_read(store, form):
    """Reading some rows takes their memory, and not that of all, whatever the array looks like."""
    features = StoredFeatures(FORMS[form](store, np.ones((5000, 8))))
    tracemalloc.start()
    features[np.arange(10)]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5000 * 4


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_what_is_not_finite_is_named(make, data, store, outcome, bad):
    X, Y = store(data[0], np.float64), data[1]
    broken = np.array(X)
    broken[37, 2] = bad
    broken = store(broken, np.float64)
    est = make(max_epochs=2).fit(X, Y)
    before = outcome(est)
    what = "NaN" if np.isnan(bad) else r"infinity or a value too large for dtype\('float32'\)"
    for method in (est.fit, est.partial_fit, lambda X, Y: est.predict(X)):
        with pytest.raises(ValueError, match=rf"Input X contains {what}\. It is in row 37\."):
            method(broken, Y)
        assert outcome(est) == before
    with pytest.raises(ValueError, match=r"It is in row 0\."):
        est.predict_proba(broken[37:40])


def test_shapes_are_those_of_fit(make, make_clif, data, store):
    X, Y = store(data[0]), data[1]
    est = make(max_epochs=1).fit(X, Y)
    with pytest.raises(ValueError, match=r"X has 7 features, but .* is expecting 8"):
        est.predict(X[:, :7])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        est.fit(X[:50], Y)
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        est.predict(X[:0])
    with pytest.raises(ValueError, match="dim 3"):
        make_clif().fit(store(data[0].reshape(60, 2, 4)), Y)


def test_weights_unknown_labels_and_further_training(make, data, store, assert_same):
    X, Y = store(data[0]), data[1].astype(float)
    rng = np.random.default_rng(0)
    Y[rng.random(Y.shape) < 0.1] = np.nan
    weight = rng.random(60)
    in_memory = np.array(X)
    est, again = make(train_split=0.2), make(train_split=0.2)
    for _ in range(2):
        est.partial_fit(in_memory, Y, sample_weight=weight)
        again.partial_fit(X, Y, sample_weight=weight)
        assert_same(again, est, in_memory)


def test_copies_files_and_checkpoints(make, data, store, mlp, assert_same, tmp_path):
    X, Y = store(data[0]), data[1]
    in_memory = np.array(X)
    est = make().fit(X, Y)
    assert_same(clone(est).fit(X, Y), est, X)
    est.save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", module=mlp)
    assert_same(again, est, X)
    assert_same(again.partial_fit(X, Y), copy.deepcopy(est).partial_fit(in_memory, Y), X)
    # What was begun in memory goes on from a file that has the same features.
    settings = {"callbacks": [Checkpointing(tmp_path / "run", every_n_epochs=3)]}
    est = make(**settings).fit(in_memory, Y)
    (tmp_path / "run" / "epoch-000005.skd2ace").unlink()
    assert_same(make(**settings).fit(X, Y, resume=tmp_path / "run"), est, X)
    with pytest.raises(ValueError, match="of a training with other data"):
        make(**settings).fit(store(data[0] + 1), Y, resume=tmp_path / "run")


def test_cross_fitting_leaves_rows_in_the_file(make, data, store, reads):
    X, Y = store(data[0]), data[1]
    settings = {"threshold": "tune", "train_split": None, "batch_selector": None, "max_epochs": 2}
    est, again = make(**settings).fit(np.array(X), Y), make(**settings).fit(X, Y)
    np.testing.assert_array_equal(again.thresholds_, est.thresholds_)
    assert max(reads) == 16
    prepared = settings | {"preprocessor": "auto"}
    est, again = make(**prepared).fit(np.array(X), Y), make(**prepared).fit(X, Y)
    np.testing.assert_array_equal(again.thresholds_, est.thresholds_)


def test_a_large_file_that_is_read_whole_is_warned_of(make, data, store, monkeypatch):
    monkeypatch.setattr("skd2ace._stored._LARGE", 60 * 8 * 4)
    X, Y = store(data[0]), data[1]
    with pytest.warns(UserWarning, match=r"all of X, .* GB, is read.*neighbor_features.*n_neigh"):
        make(batch_selector=D2ACE(), max_epochs=1).fit(X, Y)
    with pytest.warns(UserWarning, match=r"all of X, .* GB, is read.*preprocessor=None"):
        make(batch_selector=None, preprocessor="auto", max_epochs=1).fit(X, Y)
    # A warning would be an error.
    make(batch_selector=D2ACE(n_neighbors=0), max_epochs=1).fit(X, Y)
    make(batch_selector=D2ACE(), max_epochs=1).fit(X, Y, neighbor_features=data[0])


def test_iterators_of_others(make, data, store, assert_same):
    X, Y = store(data[0], np.float64), data[1]
    settings = {"iterator_train": DataLoader, "iterator_valid": DataLoader, "batch_selector": None}
    est, again = make(**settings).fit(np.array(X), Y), make(**settings).fit(X, Y)
    assert_same(again, est, X)


def test_a_plain_net(data, store, reads):
    X, Y = store(data[0]), data[1].astype(np.float32)

    def fit(X):
        torch.manual_seed(0)
        return NeuralNet(
            nn.Linear(8, 4),
            criterion=nn.BCEWithLogitsLoss,
            iterator_train=SelectedBatches,
            dataset=TensorDataset,
            train_split=None,
            batch_size=16,
            max_epochs=2,
            verbose=0,
        ).fit(X, Y)

    est, again = fit(np.array(X)), fit(X)
    assert est.history[:, "train_loss"] == again.history[:, "train_loss"]
    assert reads == 2 * [16, 16, 16, 12]


def test_images_and_their_features(data, store, outcome, tmp_path):
    images = store(np.random.default_rng(0).integers(256, size=(60, 1, 6, 6)), np.uint8)
    backbone = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    shared = {"max_epochs": 1, "random_state": 0, "verbose": 0}
    for params in ({}, {"frozen": True, "head": "ml-gcn", "cache_dir": tmp_path / "cache"}):
        params = {**shared, **params}
        est = ImageClassifier(backbone, **params).fit(np.array(images), data[1])
        again = ImageClassifier(backbone, **params).fit(images, data[1])
        assert outcome(again) == outcome(est)
        proba = again.predict_proba(images)
        np.testing.assert_array_equal(proba, est.predict_proba(np.array(images)))


MEMORY = """
import re, sys
import numpy as np, torch
from skd2ace import MultiLabelNetClassifier

def anonymous():
    with open("/proc/self/status") as status:
        return int(re.search(r"RssAnon:\\s+(\\d+) kB", status.read()).group(1)) / 1000

class Watched(MultiLabelNetClassifier):
    most = 0.0

    def infer(self, x, **params):
        Watched.most = max(Watched.most, anonymous())
        return super().infer(x, **params)

X = np.load(sys.argv[1], mmap_mode="r")
Y = np.arange(4 * len(X)).reshape(-1, 4) % 7 == 0
est = Watched(lambda: torch.nn.Linear(8000, 4), max_epochs=1, batch_size=32, verbose=0)
est.fit(X[:500], Y[:500]).predict(X[:500])
before, Watched.most = anonymous(), 0.0
est.fit(X, Y).predict_proba(X)
from_file = Watched.most - before
copied = np.array(X)
print(from_file, anonymous() - before)
"""


def test_memory(tmp_path):
    """A file of 304 MB trains and is predicted in a third of the memory that it would take."""
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, (9500, 8000))
    X[::500] = 1
    X.flush()
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "X.npy")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    from_file, copied = map(float, printed.split())
    assert copied > 270, "the measure sees a copy"
    assert from_file < 100

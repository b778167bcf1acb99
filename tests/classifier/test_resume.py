"""Going on from a checkpoint: same bits, and no mixing of what does not belong together."""

import shutil
from collections import Counter

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EarlyStopping, EpochScoring, LRScheduler
from torch.optim.lr_scheduler import OneCycleLR

from skd2ace import selection
from skd2ace.metrics import micro_f1_scorer
from skd2ace.selection import D2ACE, BatchSelector, HardImb
from skd2ace.training import Checkpointing, LinearDecay

SELECTORS = [
    name
    for name in selection.__all__
    if BatchSelector in getattr(getattr(selection, name), "__mro__", ())[1:]
]


class PowerFailureError(Exception):
    pass


class CrashesAt(Callback):
    """Ends a training in the middle of an epoch, as a power failure would."""

    def __init__(self, epoch=None):
        self.epoch = epoch

    def on_batch_end(self, net, training=None, **kwargs):
        if training and len(net.history) == self.epoch:
            raise PowerFailureError


class Remembers(Callback):
    """With attributes of every style, on which the training depends."""

    n_epochs = 0

    def initialize(self):
        self.decay = torch.ones(1)
        self._factors = {0: (1.0, [2])}
        self.running_ = torch.nn.BatchNorm1d(1)
        return self

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs += 1
        self.decay *= 0.9
        self._factors[self.n_epochs] = (float(self.decay), [self.n_epochs])
        self.running_(torch.full((2, 1), float(self.n_epochs)))
        factor = self._factors[self.n_epochs][0] - 0.01 * len(self._factors)
        with torch.no_grad():
            net.module_[0].bias.mul_(factor).add_(self.running_.running_mean)


OTHERS = {
    "none": list,
    "a schedule by epochs": lambda: [LRScheduler("ReduceLROnPlateau", patience=1)],
    "a schedule by steps": lambda: [LRScheduler("StepLR", step_size=3, step_every="batch")],
    "one cycle": lambda: [LRScheduler(OneCycleLR, max_lr=0.1, total_steps=200, step_every="batch")],
    "early stopping": lambda: [EarlyStopping(patience=2, load_best=True)],
    "the best of the beginning": lambda: [
        EarlyStopping("train_loss", lower_is_better=False, patience=50, load_best=True)
    ],
    "a linear decay": lambda: [LinearDecay()],
    "a memory of its own": lambda: [Remembers()],
    "a score": lambda: [EpochScoring(micro_f1_scorer, name="f1", lower_is_better=False)],
}


def interrupted_and_whole(make, X, Y, folder, others=list, crash=5, **params):
    def fit(name, epoch, **how):
        callbacks = [*others(), CrashesAt(epoch), Checkpointing(folder / name)]
        return make(callbacks=callbacks, max_epochs=8, **params).fit(X, Y, **how)

    whole = fit("whole", None)
    with pytest.raises(PowerFailureError):
        fit("parts", crash)
    return fit("parts", None, resume=folder / "parts"), whole


@pytest.mark.parametrize("others", OTHERS)
def test_same_bits_beside_other_callbacks(make, data, tmp_path, others, outcome):
    parts, whole = interrupted_and_whole(make, *data, tmp_path, OTHERS[others])
    assert outcome(parts) == outcome(whole)


@pytest.mark.parametrize("name", SELECTORS)
def test_same_bits_with_every_selector(make, data, tmp_path, name, outcome):
    chosen = getattr(selection, name)()
    if "warmup_epochs" in chosen.get_params():
        chosen.set_params(warmup_epochs=2)
    parts, whole = interrupted_and_whole(make, *data, tmp_path, batch_selector=chosen)
    assert outcome(parts) == outcome(whole)
    assert parts.batch_selector_.n_epochs_ == 8


@pytest.mark.parametrize("crash", [1, 2, 3, 8])
def test_same_bits_for_every_network(make_any, data, tmp_path, crash, outcome):
    """Also within the warm-ups of selector and learning rate."""
    parts, whole = interrupted_and_whole(make_any, *data, tmp_path, crash=crash)
    assert outcome(parts) == outcome(whole)


@pytest.mark.parametrize(
    "params",
    [
        {"batch_selector": HardImb(warmup_epochs=2, chain=True)},
        {"batch_selector": D2ACE(warmup_epochs=2, refresh="epoch")},
        {"batch_selector": D2ACE(warmup_epochs=2, unbiased=True)},
        {"train_split": None},
        {"threshold": "tune"},
        {"threshold": "tune", "train_split": None},
        {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9},
    ],
    ids=repr,
)
def test_same_bits_with_other_settings(make, data, tmp_path, params, outcome):
    parts, whole = interrupted_and_whole(make, *data, tmp_path, **params)
    assert outcome(parts) == outcome(whole)
    np.testing.assert_array_equal(parts.predict(data[0]), whole.predict(data[0]))


def test_sparse_features_in_a_pipeline(make, data, tmp_path, outcome):
    X, Y = scipy.sparse.csr_array(np.where(data[0] > 0, data[0], 0)), data[1]

    def fit(name, epoch, **how):
        est = make(callbacks=[CrashesAt(epoch), Checkpointing(tmp_path / name)])
        model = make_pipeline(StandardScaler(with_mean=False), est)
        return model.fit(X, Y, **how)[-1]

    with pytest.raises(PowerFailureError):
        fit("parts", 4)
    parts = fit("parts", None, multilabelnetclassifier__resume=tmp_path / "parts")
    assert outcome(parts) == outcome(fit("whole", None))


def test_without_a_seed_the_drawn_one_is_kept(make, data, tmp_path, outcome):
    def fit(epoch):
        callbacks = [CrashesAt(epoch), Checkpointing(tmp_path)]
        return make(random_state=None, callbacks=callbacks).fit(*data, resume=tmp_path)

    with pytest.raises(PowerFailureError):
        fit(4)
    shutil.copytree(tmp_path, tmp_path / "copy")
    first = fit(None)
    for path in tmp_path.glob("*.skd2ace"):
        path.unlink()
    for path in (tmp_path / "copy").iterdir():
        path.rename(tmp_path / path.name)
    assert outcome(fit(None)) == outcome(first)


def test_what_goes_on_by_itself_after_the_end(make, data, tmp_path, outcome):
    """Resuming an ended training trains no more; partial_fit then goes on as always."""
    est = make(callbacks=[Checkpointing(tmp_path)]).fit(*data)
    again = make(callbacks=[Checkpointing(tmp_path)]).fit(*data, resume=tmp_path)
    assert outcome(again) == outcome(est)
    further = [net.set_params(callbacks=None).partial_fit(*data) for net in (again, est)]
    assert outcome(further[0]) == outcome(further[1])


def test_resuming_comes_before_a_warm_start(make, data, tmp_path, outcome):
    whole = make(callbacks=[Checkpointing(tmp_path)]).fit(*data)
    est = make(warm_start=True).fit(data[0], 1 - data[1])
    assert outcome(est.fit(*data, resume=tmp_path)) == outcome(whole)


class Scaled(torch.nn.BCEWithLogitsLoss):
    """A criterion that changes as it is used."""

    def __init__(self, reduction):
        super().__init__(reduction=reduction)
        self.register_buffer("scale", torch.ones(()))

    def forward(self, logits, Y):
        self.scale *= 0.99
        return self.scale * super().forward(logits, Y)


def test_a_criterion_with_a_state(make, data, tmp_path, outcome):
    parts, whole = interrupted_and_whole(make, *data, tmp_path, criterion=Scaled)
    assert outcome(parts) == outcome(whole)


class Keeps(Callback):
    def on_train_begin(self, net, **kwargs):
        self.function_, self.thing_ = print, Counter("ab")


class MakesLate(Callback):
    def on_epoch_end(self, net, **kwargs):
        if not hasattr(self, "average_"):
            self.average_ = torch.nn.BatchNorm1d(1)


def test_what_a_callback_keeps_and_nobody_can_write(make, data, tmp_path):
    with pytest.warns(UserWarning, match=r"thing_ of the callback Keeps \(Counter\) does not"):
        make(callbacks=[Keeps(), Checkpointing(tmp_path / "1")]).fit(*data)
    make(callbacks=[MakesLate(), Checkpointing(tmp_path / "2")]).fit(*data)
    with pytest.warns(UserWarning, match="average_ of the callback MakesLate"):
        make(callbacks=[MakesLate()]).fit(*data, resume=tmp_path / "2")

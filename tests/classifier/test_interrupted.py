"""Ctrl-C ends a training early and leaves an estimator that predicts, saves and goes on."""

import signal

import numpy as np
import pytest
from skorch.callbacks import Callback

from skd2ace import MultiLabelNetClassifier
from skd2ace.training import Checkpointing, WeightAverage


class PressesCtrlC(Callback):
    """At the given step of the given epoch, as the terminal does it."""

    def __init__(self, epoch, step):
        self.epoch = epoch
        self.step = step

    def on_epoch_begin(self, net, **kwargs):
        self.steps_ = 0

    def on_batch_end(self, net, training=None, **kwargs):
        self.steps_ += bool(training)
        if training and len(net.history) == self.epoch and self.steps_ == self.step:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("epoch", [1, 3, 5])
@pytest.mark.parametrize("threshold", [0.5, "tune"])
def test_usable_afterwards(make_any, data, epoch, threshold, tmp_path):
    X, Y = data
    est = make_any(callbacks=[PressesCtrlC(epoch, 2)], threshold=threshold).fit(X, Y)
    assert len(est.history) == epoch
    assert 1 <= est.best_epoch_ <= epoch
    proba = est.predict_proba(X)
    assert np.isfinite(proba).all()
    assert est.predict(X).shape == Y.shape
    est.save(tmp_path / "est")
    module = {"module": est.module} if type(est) is MultiLabelNetClassifier else {}
    again = type(est).load(tmp_path / "est", callbacks=None, **module)
    np.testing.assert_array_equal(again.predict_proba(X), proba)
    est.set_params(callbacks=None).partial_fit(X, Y)
    assert len(est.history) == epoch + 5
    assert np.isfinite(est.predict_proba(X)).all()


@pytest.mark.parametrize("others", [[], [WeightAverage()]], ids=["weights", "averaged"])
def test_the_best_whole_epoch_comes_back(make_clif, data, others):
    """Not the weights of the part of an epoch: those of the best of the three before it."""
    est = make_clif(callbacks=[PressesCtrlC(4, 1), *others]).fit(*data)
    shorter = make_clif(callbacks=[PressesCtrlC(est.best_epoch_ + 1, 1), *others]).fit(*data)
    assert len(shorter.history) == est.best_epoch_ + 1 < 5
    np.testing.assert_array_equal(est.predict_proba(data[0]), shorter.predict_proba(data[0]))


def test_going_on_from_the_checkpoint_before_it(make_clif, data, tmp_path):
    """What the interrupted epoch had done is done again, from its beginning."""
    callbacks = [PressesCtrlC(4, 2), Checkpointing(tmp_path)]
    make_clif(callbacks=callbacks).fit(*data)
    est = make_clif(callbacks=[Checkpointing(tmp_path)]).fit(*data, resume=tmp_path)
    whole = make_clif().fit(*data)
    assert est.history[:, "train_loss"] == whole.history[:, "train_loss"]
    np.testing.assert_array_equal(est.predict_proba(data[0]), whole.predict_proba(data[0]))


def test_before_training_begins_nothing_is_fitted(make, data):
    class PressesAtOnce(Callback):
        def on_train_begin(self, net, **kwargs):
            signal.raise_signal(signal.SIGINT)

    est = make(callbacks=[PressesAtOnce()])
    with pytest.raises(KeyboardInterrupt):
        est.fit(*data)
    assert not hasattr(est, "module_")

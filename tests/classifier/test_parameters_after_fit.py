"""What ``set_params`` changes on a fitted estimator, and what it leaves as it was trained."""

import numpy as np
import pytest
import torch
from skorch.callbacks import EpochScoring

from skd2ace.metrics import micro_f1_scorer
from skd2ace.training import BestEpoch, SelectedBatches, TensorDataset


def test_optimizer_settings_outlive_the_optimizer(make_two, data):
    est = make_two().fit(*data)
    est.set_params(optimizer__weight_decay=0.25)
    assert est.optimizer_.param_groups[0]["weight_decay"] == 0.25
    assert est.fit(*data).optimizer_.param_groups[0]["weight_decay"] == 0.25


def test_learning_rate_after_fit(make_two, data):
    est = make_two().fit(*data).set_params(lr=0.5)
    assert est.optimizer_.param_groups[0]["lr"] == 0.5
    assert est.lr == 0.5


def test_another_network_after_fit_begins_anew(make_clif, data):
    """What was trained stays until the next training, which does not go on from it."""
    X, Y = data
    est = make_clif().fit(X, Y)
    before, state = est.predict_proba(X), torch.get_rng_state()
    est.set_params(module__hidden_size=32, module__dropout=0.0)
    np.testing.assert_array_equal(est.predict_proba(X), before)
    assert torch.equal(torch.get_rng_state(), state)
    est.partial_fit(X, Y)
    fresh = make_clif(module__hidden_size=32, module__dropout=0.0).fit(X, Y)
    assert len(est.history) == 5
    np.testing.assert_array_equal(est.predict_proba(X), fresh.predict_proba(X))


def test_other_components_after_fit(make_two, data):
    est = make_two().fit(*data)
    est.set_params(
        optimizer=torch.optim.AdamW, dataset=TensorDataset, iterator_train=SelectedBatches
    )
    assert isinstance(est.fit(*data).optimizer_, torch.optim.AdamW)


@pytest.mark.parametrize(
    ("name", "value"),
    [("iterator_train__batch_size", 7), ("dataset__placement", "host"), ("module__dropout", 0.0)],
)
def test_components_after_fit(make_clif, data, name, value):
    est = make_clif().fit(*data).set_params(**{name: value})
    assert est.get_params()[name] == value
    est.fit(*data)
    assert est.history[0]["train_batch_count"] == (8 if value == 7 else 4)


def test_another_device_after_fit(make_two, data):
    """There is one device here: what can be seen is that nothing is lost on the way."""
    parts = make_two(batch_selector=None, max_epochs=3).fit(*data)
    parts.set_params(device=torch.device("cpu")).partial_fit(*data)
    whole = make_two(batch_selector=None, max_epochs=6).fit(*data)
    assert parts.history[:, "train_loss"] == whole.history[:, "train_loss"]


def test_callbacks_after_fit_keep_their_state(make_clif, data):
    """In the middle of the warm-up of the learning rate."""
    parts = make_clif(batch_selector=None, max_epochs=3).fit(*data)
    parts.set_params(callbacks__best_epoch__monitor="valid_macro_auc", callbacks__print_log=None)
    assert "print_log" not in dict(parts.callbacks_)
    parts.partial_fit(*data)
    whole = make_clif(batch_selector=None, max_epochs=6).fit(*data)
    assert parts.history[:, "train_loss"] == whole.history[:, "train_loss"]
    assert parts.best_epoch_ == whole.best_epoch_


def test_another_score_after_fit(make_two, data, best_epoch):
    """The recipe of docs/validation.md, late."""
    est = make_two().fit(*data)
    scoring = EpochScoring(micro_f1_scorer, name="f1", lower_is_better=False)
    est.set_params(
        callbacks__valid_macro_auc=scoring,
        callbacks__best_epoch__monitor="f1",
        callbacks__print_log__keys_ignored=["dur"],
    )
    est.partial_fit(*data)
    assert est.best_epoch_ == best_epoch(est.history, "f1", first=6)
    assert "dur" in dict(est.callbacks_)["print_log"].keys_ignored_


def test_a_callback_of_ones_own_keeps_its_state(make_two, data):
    def make_parts(n_epochs):
        best = BestEpoch("valid_loss", lower_is_better=True)
        return make_two(batch_selector=None, callbacks__best_epoch=best, max_epochs=n_epochs)

    parts = make_parts(3).fit(*data).set_params(callbacks__print_log=None).partial_fit(*data)
    whole = make_parts(6).fit(*data)
    assert parts.best_epoch_ == whole.best_epoch_
    assert parts.history[:, "train_loss"] == whole.history[:, "train_loss"]


def test_a_component_and_its_parameter_in_one_call(make, data):
    est = make().fit(*data)
    est.set_params(optimizer=torch.optim.SGD, optimizer__momentum=0.5).fit(*data)
    assert est.optimizer_.param_groups[0]["momentum"] == 0.5


def test_no_bridge_after_fit_is_refused(make_two, data):
    est = make_two().fit(*data)
    with pytest.raises(ValueError, match="there are 0"):
        est.set_params(callbacks="disable")


def test_setting_what_is_there_changes_nothing(make_two, data):
    est = make_two().fit(*data)
    est.set_params(**est.get_params(deep=False)).partial_fit(*data)
    assert len(est.history) == 10


def test_a_device_that_is_not_there(make_two, data):
    est = make_two().fit(*data)
    with pytest.raises((RuntimeError, AssertionError)):
        est.set_params(device="no such device")
    assert est.predict(data[0]).shape == (60, 4)


def test_nothing_of_an_earlier_fit_is_left(make_two, data):
    X, Y = data
    est = make_two(threshold="tune").fit(X, Y)
    est.set_params(threshold=0.5, callbacks__best_epoch=None).fit(X, Y[:, :2])
    assert not hasattr(est, "thresholds_")
    assert not hasattr(est, "best_epoch_")


def test_a_callback_is_given_up(make_two, data):
    est = make_two().fit(*data).set_params(callbacks__best_epoch=None)
    assert "best_epoch" not in dict(est.callbacks_)


def test_a_parameter_of_the_network_set_to_none(make_tabm, data, tmp_path):
    est = make_tabm().fit(*data).set_params(module__n_parts=None)
    with pytest.raises(ValueError, match="fit again before saving"):
        est.save(tmp_path / "est")
    est.partial_fit(*data)
    assert len(est.history) == 5
    assert not hasattr(est, "oob_score_")
    est.save(tmp_path / "est")


def test_the_size_of_training_batches(make_two, data):
    assert make_two(iterator_train__batch_size=7).fit(*data).batch_size_ == 7

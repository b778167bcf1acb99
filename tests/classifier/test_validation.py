"""The held-out part: its size, its score, its replacement; thresholds tuned on it."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import f1_score, roc_auc_score
from skorch.callbacks import EpochScoring
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split

from skd2ace.metrics import macro_f1, macro_f1_scorer, micro_f1_scorer


def test_a_seeded_tenth_is_held_out(make_two, data):
    first, second = (make_two(random_state=seed).fit(*data) for seed in (0, 1))
    for est in (first, second):
        assert est.batch_selector_.n_instances_ == 54
        assert sum(row.get("valid_batch_size", 0) for row in est.history[0]["batches"]) == 6
        assert set(est.history[0]) >= {"train_loss", "valid_loss", "valid_macro_auc", "dur"}
    a, b = (est.history[0, "valid_macro_auc"] for est in (first, second))
    assert a != b


def test_score_and_weights_are_those_of_the_best_epoch(make_two, data, best_epoch):
    X, Y = data
    est = make_two(
        preprocessor=None, max_epochs=12, train_split=predefined_split(Dataset(X, Y))
    ).fit(X, Y)
    scores = est.history[:, "valid_macro_auc"]
    assert est.best_epoch_ == best_epoch(est.history, "valid_macro_auc")
    ours = roc_auc_score(Y, est.predict_proba(X), average="macro")
    assert ours == pytest.approx(max(scores))


@pytest.mark.parametrize(
    "split", [ValidSplit(0.25), ValidSplit(4), ValidSplit(0.25, random_state=3)]
)
def test_splits_of_skorch(make_two, data, split):
    state = split.random_state
    first, second = (make_two(train_split=split).fit(*data) for _ in range(2))
    assert first.batch_selector_.n_instances_ == 45
    assert first.history[:, "valid_loss"] == second.history[:, "valid_loss"]
    assert split.random_state == state


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_predefined_split(make_two, data, dtype):
    X, Y = data
    valid = Dataset(X[:20].astype(dtype), Y[:20])
    est = make_two(preprocessor=None, train_split=predefined_split(valid)).fit(X[20:], Y[20:])
    assert est.batch_selector_.n_instances_ == 40
    assert len(est.history[:, "valid_macro_auc"]) == 5


def test_predefined_split_of_a_vector(make_two, data):
    X, Y = data
    valid = predefined_split(Dataset(X[:20], Y[:20, 0]))
    est = make_two(preprocessor=None, train_split=valid).fit(X[20:], Y[20:, 0])
    expected = roc_auc_score(Y[:20, 0], est.predict_proba(X[:20])[:, 1])
    assert est.history[est.best_epoch_ - 1, "valid_macro_auc"] == pytest.approx(expected)


def test_predefined_labels_are_looked_at(make_two, data):
    X, Y = data
    for wrong in (2 * Y - 1, Y[:, :2]):
        with pytest.raises(ValueError, match="held out for validation"):
            make_two(preprocessor=None, train_split=predefined_split(Dataset(X, wrong))).fit(X, Y)


def test_no_split_keeps_the_last_weights(make_two, data):
    est = make_two(train_split=None).fit(*data)
    assert est.best_epoch_ == 5
    assert est.batch_selector_.n_instances_ == 60
    assert "valid_loss" not in est.history[0]


def test_another_score_decides(make_two, data, best_epoch):
    scoring = EpochScoring(micro_f1_scorer, lower_is_better=False, name="valid_micro_f1")
    est = make_two(
        callbacks__valid_macro_auc=scoring,
        callbacks__best_epoch__monitor="valid_micro_f1",
        max_epochs=8,
    ).fit(*data)
    assert est.best_epoch_ == best_epoch(est.history, "valid_micro_f1")


def test_scores_without_caching_are_refused_beside_a_preprocessor(make, data):
    """For these skorch takes features out of the data set, where they are prepared already."""
    slow = EpochScoring(macro_f1_scorer, use_caching=False, name="slow", lower_is_better=False)
    est = make(preprocessor="auto", callbacks=[("slow", slow)])
    with pytest.raises(ValueError, match="callback slow has use_caching=False"):
        est.fit(*data)
    with pytest.raises(ValueError, match="has use_caching=False"):
        make(preprocessor="auto", use_caching=False).fit(*data)
    make(preprocessor="auto", use_caching=True, callbacks=[("slow", slow)]).fit(*data)


def test_scores_of_scikit_learn_in_callbacks(make_two, data):
    callbacks = [
        ("ap", EpochScoring("average_precision", lower_is_better=False, name="ap")),
        ("f1", EpochScoring(macro_f1_scorer, lower_is_better=False, name="f1", on_train=True)),
        ("slow", EpochScoring("roc_auc", use_caching=False, name="slow", lower_is_better=False)),
    ]
    X = np.random.default_rng(0).normal(size=(90, 8))
    est = make_two(preprocessor=None, callbacks=callbacks, train_split=ValidSplit(3)).fit(
        X, (X[:, :4] > 0)
    )
    assert set(est.history[-1]) >= {"ap", "f1", "slow"}
    assert est.history[-1, "slow"] == pytest.approx(est.history[-1, "valid_macro_auc"])


@pytest.mark.parametrize("form", [list, np.array, pd.Series, torch.tensor])
def test_fixed_thresholds(make_two, data, form):
    X, Y = data
    est = make_two(threshold=form([0.1, 0.5, 0.9, 0.0])).fit(X, Y)
    proba = est.predict_proba(X)
    np.testing.assert_array_equal(est.predict(X), proba >= [0.1, 0.5, 0.9, 0.0])
    est.set_params(threshold=0.3)
    np.testing.assert_array_equal(est.predict(X), proba >= 0.3)


@pytest.mark.parametrize("threshold", [[0.5, 0.5], [0.5, 0.5, 0.5, 1.5], np.full((4, 1), 0.5)])
def test_impossible_thresholds(make_two, data, threshold):
    with pytest.raises(ValueError, match="threshold"):
        make_two(threshold=threshold).fit(*data)


def test_tuned_thresholds_have_the_best_f1(make_two, data):
    X, Y = data
    est = make_two(
        preprocessor=None, threshold="tune", train_split=predefined_split(Dataset(X, Y))
    ).fit(X, Y)
    proba = est.predict_proba(X)
    assert est.thresholds_.shape == (4,)
    np.testing.assert_array_equal(est.predict(X), proba >= est.thresholds_)
    # Those that a network has out of bag come before those of a held-out part.
    proba = getattr(est, "oob_proba_", proba)
    for label in range(4):
        best = max(f1_score(Y[:, label], proba[:, label] >= t) for t in proba[:, label])
        found = f1_score(Y[:, label], proba[:, label] >= est.thresholds_[label])
        assert found == pytest.approx(best)


def test_tuning_finds_rare_labels(make_clif, yeast):
    X, Y = yeast
    est = make_clif(threshold="tune", max_epochs=8, batch_size=128, train_split=0.3)
    est.fit(X[:1500], Y[:1500])
    tuned = macro_f1(Y[1500:], est.predict(X[1500:]))
    fixed = macro_f1(Y[1500:], est.set_params(threshold=0.5).predict(X[1500:]))
    assert tuned > fixed + 0.05


def test_thresholds_are_tuned_by_fit(make_two, data):
    est = make_two().fit(*data).set_params(threshold="tune")
    with pytest.raises(ValueError, match="must be set before fit"):
        est.predict(data[0])


def test_tuning_for_a_vector(make_two, data):
    X, Y = data
    est = make_two(threshold="tune").fit(X, Y[:, 0])
    np.testing.assert_array_equal(est.predict(X), est.predict_proba(X)[:, 1] >= est.thresholds_)

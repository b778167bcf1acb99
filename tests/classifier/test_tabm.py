"""TabMClassifier: what its members predict of rows that they did not see."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import ShuffleSplit, TimeSeriesSplit
from skorch import NeuralNet
from skorch.callbacks import EpochScoring
from torch.utils.data import Subset

from skd2ace import MultiLabelNetClassifier, TabMClassifier
from skd2ace.metrics import macro_auc
from skd2ace.networks import MLP, AsymmetricLoss, TabM
from skd2ace.training import BestEpoch, Checkpointing, OutOfBagScore, TensorDataset
from skd2ace.training._out_of_bag import predict_out_of_bag


def make(**params):
    small = {"module__width": 32, "module__k": 8, "max_epochs": 8, "random_state": 0, "verbose": 0}
    return TabMClassifier(**(small | params))


@pytest.fixture
def noise():
    """Features of which labels know nothing: what is learned of them is learned by heart."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 20)), rng.integers(0, 2, size=(300, 4))


def slow_correction(est, X, Y, weight=None):
    """By loops over labels and members: within the rows of one member, less over all rows."""
    prepared = torch.from_numpy(est.preprocessor_.transform(X))
    proba = est.module_.eval().member_logits(prepared).detach().double().sigmoid().numpy()
    blind = est.module_.blindness(torch.arange(len(X))).numpy()
    first = [np.flatnonzero(row) for row in blind]

    def area(rows, member, label):
        y, p = (
            Y[rows, label],
            np.array([proba[i, m, label] for i, m in zip(rows, member, strict=True)]),
        )
        w = np.ones(len(y)) if weight is None else weight[rows, label]
        known = ~np.isnan(y) & (w > 0)
        if len({*y[known]}) < 2:
            return None
        return roc_auc_score(y[known], p[known], sample_weight=w[known])

    lost = []
    for label in range(Y.shape[1]):
        within, pairs = [], []
        for m in range(blind.shape[1]):
            rows = np.flatnonzero(blind[:, m])
            if (found := area(rows, [m] * len(rows), label)) is not None:
                within.append(found)
                pairs.append((Y[rows, label] == 1).sum() * (Y[rows, label] == 0).sum())
        pooled = []
        for j in range(max(map(len, first))):
            rows = [i for i in range(len(X)) if len(first[i]) > j]
            pooled.append(area(rows, [first[i][j] for i in rows], label))
        lost.append(np.average(within, weights=pairs) - np.mean(pooled))
    return np.mean(lost)


def slow_out_of_bag(est, X):
    """Each row alone, by each member that is blind to it."""
    prepared = torch.from_numpy(est.preprocessor_.transform(X))
    members = est.module_.eval().member_logits(prepared).detach().double().sigmoid()
    proba = np.full((len(X), members.shape[2]), np.nan)
    for position, row in enumerate(est.train_indices_):
        blind = est.module_.blindness(torch.tensor([position]))[0]
        if blind.any():
            proba[row] = members[row][blind].mean(0)
    return proba


@pytest.mark.parametrize("n_parts", [4, 12])
@pytest.mark.parametrize("train_split", [None, 0.25])
def test_predictions_are_those_of_members_that_did_not_see_a_row(data, train_split, n_parts):
    X, Y = data
    est = make(train_split=train_split, module__n_parts=n_parts).fit(X, Y)
    expected = slow_out_of_bag(est, X)
    np.testing.assert_allclose(est.oob_proba_, expected, rtol=1e-5)
    assert np.isnan(est.oob_proba_[est.valid_indices_]).all()
    some = np.isnan(est.oob_proba_[est.train_indices_]).any()
    assert some == (n_parts == 12)
    known = ~np.isnan(expected).any(1)
    plain = macro_auc(Y[known], expected[known])
    assert max(est.history[:, "oob_macro_auc"]) == pytest.approx(plain)
    if train_split is None:
        correction = slow_correction(est, X, Y)
        assert abs(correction) > 1e-3
        assert est.oob_score_ == pytest.approx(plain + correction)


def test_what_is_learned_by_heart_is_not_predicted_out_of_bag(noise):
    """The honesty of it: on noise, training rows are known and unseen ones are at chance."""
    X, Y = noise
    est = make(max_epochs=60, module__dropout=0.0, callbacks__best_epoch=None).fit(X, Y)
    assert macro_auc(Y, est.predict_proba(X)) > 0.8
    # Five standard errors of a Macro-AUC over four labels of 150 positives and negatives.
    assert abs(est.oob_score_ - 0.5) < 5 * (301 / (12 * 150 * 150) / 4) ** 0.5


def test_the_best_epoch_is_that_of_the_best_score(data):
    est = make().fit(*data)
    scores = est.history[:, "oob_macro_auc"]
    assert est.best_epoch_ == 1 + int(np.argmax(scores))
    assert macro_auc(data[1], est.oob_proba_) == pytest.approx(max(scores))
    last = make(callbacks__best_epoch=None).fit(*data)
    assert macro_auc(data[1], last.oob_proba_) == pytest.approx(scores[-1])


def test_another_score_may_choose(data):
    best = BestEpoch("train_loss", lower_is_better=True)
    est = make(callbacks__best_epoch=best, callbacks__out_of_bag=None).fit(*data)
    assert "oob_macro_auc" not in est.history[0]
    losses = est.history[:, "train_loss"]
    assert est.best_epoch_ == 1 + losses.index(min(losses))


def test_weights_count(data):
    X, Y = data
    weight = np.random.default_rng(0).random(Y.shape)
    est = make().fit(X, Y, sample_weight=weight)
    expected = macro_auc(Y, est.oob_proba_, sample_weight=weight)
    correction = slow_correction(est, X, Y, weight)
    assert est.oob_score_ == pytest.approx(expected + correction)
    hidden = np.where(weight < 0.3, np.nan, Y)
    est = make().fit(X, hidden)
    expected = macro_auc(hidden, est.oob_proba_)
    assert est.oob_score_ == pytest.approx(expected + slow_correction(est, X, hidden))


def test_labels_of_which_nothing_but_their_share_can_be_learned_are_at_chance():
    """Without the correction far below: a row's own label is missing in its members' share."""
    rng = np.random.default_rng(0)
    X, Y = np.ones((200, 3)), np.zeros((200, 30), dtype=int)
    for label in Y.T:
        label[rng.choice(200, 10, replace=False)] = 1
    est = make(max_epochs=30, callbacks__best_epoch=None).fit(X, Y)
    plain = macro_auc(Y, est.oob_proba_)
    assert plain < 0.4
    assert abs(est.oob_score_ - 0.5) < 0.5 * (0.5 - plain)


def test_one_member_has_none(data):
    est = make(module__k=1).fit(*data)
    assert not hasattr(est, "oob_score_")
    assert "oob_macro_auc" not in est.history[0]
    # It trains all its epochs, or those that a held-out part chooses.
    assert est.best_epoch_ == 8
    est = make(module__k=1, train_split=0.3).fit(*data)
    scores = est.history[:, "valid_macro_auc"]
    assert scores[est.best_epoch_ - 1] == max(scores)


def test_an_mlp_takes_any_criterion(data):
    """One member has the loss of the ensemble; the plain network leaves it open."""
    params = {"max_epochs": 3, "random_state": 0, "verbose": 0, "module__width": 8}
    est = MultiLabelNetClassifier(MLP, criterion=AsymmetricLoss, **params).fit(*data)
    plain = MultiLabelNetClassifier(MLP, **params).fit(*data)
    assert (est.predict_proba(data[0]) != plain.predict_proba(data[0])).all()


def test_a_fit_without_forgets_what_one_with_left(data):
    est = make().fit(*data)
    est.set_params(module__k=1).fit(*data)
    assert not hasattr(est, "oob_proba_")


def test_one_label_has_two_columns(data):
    X, Y = data
    est = make().fit(X, Y[:, 0])
    assert est.oob_proba_.shape == (len(X), 2)
    np.testing.assert_allclose(est.oob_proba_.sum(axis=1), 1)


def test_saved(data, tmp_path):
    est = make().fit(*data)
    est.save(tmp_path / "tabm")
    again = TabMClassifier.load(tmp_path / "tabm")
    np.testing.assert_array_equal(again.oob_proba_, est.oob_proba_)
    assert (again.oob_score_, again.batch_size_) == (est.oob_score_, est.batch_size_)
    np.testing.assert_array_equal(again.predict_proba(data[0]), est.predict_proba(data[0]))


def test_batches_without_positions_cannot_hide_rows(data):
    X, Y = (part.astype("float32") for part in data)
    loader = {"iterator_train": torch.utils.data.DataLoader, "preprocessor": None}
    with pytest.raises(TypeError, match="hides rows from its members by their positions"):
        make(**loader).fit(X, Y)
    est = make(module__n_parts=None, **loader).fit(X, Y)
    assert not hasattr(est, "oob_proba_")


def test_in_a_plain_skorch_net(data):
    X, Y = (torch.from_numpy(np.asarray(part, dtype="float32")) for part in data)
    module = TabM(X.shape[1], Y.shape[1], width=8, k=4).eval()
    part = Subset(TensorDataset(X, Y), [3, 1, 4, 1, 5])
    net = NeuralNet(module, torch.nn.BCEWithLogitsLoss).initialize()
    seen = predict_out_of_bag(net, part)
    rows = torch.tensor([3, 1, 4, 1, 5])
    expected = module.out_of_bag_logits(X[rows], torch.arange(5)).sigmoid().detach()
    np.testing.assert_allclose(seen.proba, expected, rtol=1e-5)
    np.testing.assert_array_equal(seen.Y, Y[rows])


def test_parameters_and_callbacks():
    est = TabMClassifier()
    assert repr(est) == "TabMClassifier()"
    names = [name for name, _ in est.set_params(module__n_features=2, module__n_labels=2)
             .initialize().callbacks_]  # fmt: skip
    assert names.index("weight_average") < names.index("out_of_bag") < names.index("best_epoch")
    assert isinstance(dict(est.callbacks_)["out_of_bag"], OutOfBagScore)
    assert not any(isinstance(cb, EpochScoring) for name, cb in est.callbacks_ if "bag" in name)


@pytest.mark.parametrize(
    "splitter", [ShuffleSplit(1, test_size=0.1, train_size=0.5, random_state=0), TimeSeriesSplit(3)]
)
def test_out_of_bag_where_a_split_leaves_rows_out(make_tabm, data, splitter):
    est = make_tabm(train_split=splitter).fit(*data)
    assert est.oob_proba_.shape == data[1].shape
    is_trained_on = np.isin(np.arange(60), est.train_indices_)
    assert np.isnan(est.oob_proba_[~is_trained_on]).all()
    assert not np.isnan(est.oob_proba_[is_trained_on]).all()


def test_a_corrected_score_is_at_most_1():
    """The correction of a label that a category says is too large."""
    code = np.arange(80) % 4
    X = pd.DataFrame({"code": code.astype(str), "noise": np.random.default_rng(0).random(80)})
    Y = np.column_stack((code % 2, code % 2 == 0)).astype(int)
    est = TabMClassifier(random_state=0, verbose=0).fit(X, Y)
    assert est.oob_score_ == 1.0 == macro_auc(Y, est.oob_proba_)


def go_on(est, X, Y, tmp_path, how):
    if how == "warm_start":
        return est.set_params(warm_start=True).fit(X, Y)
    if how == "file":
        est.save(tmp_path / "est")
        est = TabMClassifier.load(tmp_path / "est")
    return est.partial_fit(X, Y)


@pytest.mark.parametrize("how", ["partial_fit", "warm_start", "file"])
@pytest.mark.parametrize("rows", [np.random.default_rng(1).permutation(300), np.arange(10, 300)])
def test_rows_that_were_seen_elsewhere_are_not_out_of_bag(noise, tmp_path, rows, how):
    """Members are blind to positions: of rows that moved they know the labels by heart."""
    X, Y = noise
    est = make(max_epochs=30).fit(X, Y)
    n_scores = len(est.history)
    with pytest.warns(UserWarning, match="no predictions out of bag"):
        est = go_on(est, X[rows], Y[rows], tmp_path, how)
    # The same rows as at first do not help: some members saw them at other positions.
    est = go_on(est, X, Y, tmp_path, how)
    assert not hasattr(est, "oob_proba_")
    assert not hasattr(est, "oob_score_")
    assert all("oob_macro_auc" not in row for row in est.history[n_scores:])
    assert est.best_epoch_ == len(est.history)
    with pytest.raises(ValueError, match="needs a held-out part"):
        est.set_params(threshold="tune").partial_fit(X, Y)
    again = est.set_params(threshold=0.5, warm_start=False).fit(X, Y)
    assert abs(again.oob_score_ - 0.5) < 0.1


@pytest.mark.parametrize("is_stored", [False, True])
def test_features_tell_rows_apart_that_have_the_same_labels(noise, tmp_path, is_stored):
    X, Y = noise[0].astype(np.float32), np.ones((300, 2), dtype=int)
    if is_stored:
        np.save(tmp_path / "X.npy", X)
    stored = np.load(tmp_path / "X.npy", mmap_mode="r") if is_stored else X
    est = make(max_epochs=2, preprocessor=None).fit(stored, Y)
    # From a file they are the same rows.
    assert est.partial_fit(X, Y).oob_score_ is not None
    moved = np.concatenate((X[:200], X[:199:-1]))
    with pytest.warns(UserWarning, match="no predictions out of bag"):
        est.partial_fit(moved, Y)


def test_a_module_that_is_made_anew_has_seen_no_rows(noise):
    X, Y = noise
    est = make(max_epochs=2).fit(X, Y)
    assert 0 < est.initialize().partial_fit(X[::-1], Y[::-1]).oob_score_ < 1
    # Nor after a training that had none out of bag any more.
    with pytest.warns(UserWarning, match="no predictions out of bag"):
        est.partial_fit(X, Y)
    assert 0 < est.initialize().partial_fit(X, Y).oob_score_ < 1


def test_the_same_rows_stay_out_of_bag(noise, tmp_path):
    X, Y = noise
    est = make(max_epochs=30).fit(X, Y)
    for how in ("partial_fit", "file", "warm_start"):
        est = go_on(est, X, Y, tmp_path, how)
        assert abs(est.oob_score_ - 0.5) < 0.1
        assert "oob_macro_auc" in est.history[-1]


def test_a_checkpoint_knows_what_was_trained_on_before(noise, tmp_path):
    X, Y = noise
    with pytest.warns(UserWarning, match="no predictions out of bag"):
        make(max_epochs=2).fit(X, Y).set_params(
            callbacks=[Checkpointing(tmp_path)], max_epochs=2
        ).partial_fit(X[::-1], Y[::-1])
    est = make(max_epochs=2).fit(X[::-1], Y[::-1], resume=tmp_path)
    assert len(est.history) == 4
    assert not hasattr(est, "oob_score_")


def test_a_ranking_that_is_perfect_at_once_does_not_end_the_learning():
    """Of epochs that rank all rows rightly the latest counts: the first has hardly learnt."""
    X = np.tile(np.eye(4), (10, 1))
    Y = np.tile([[1, 0], [0, 1], [1, 1], [0, 0]], (10, 1))
    est = TabMClassifier(lr=0.03, module__width=32, random_state=0, verbose=0).fit(X, Y)
    scores = est.history[:, "oob_macro_auc"]
    assert scores.count(1.0) > 1
    assert scores[est.best_epoch_ - 1] == 1
    assert 1.0 not in scores[est.best_epoch_ :]
    np.testing.assert_array_equal(est.predict(X), Y)

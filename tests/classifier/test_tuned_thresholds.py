"""Thresholds by any metric, tuned on what was held out, by cross-fitting, or out of bag."""

from copy import copy

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, KFold
from skorch.callbacks import Callback, Checkpoint
from torch.utils.data import TensorDataset

from skd2ace import MultiLabelNetClassifier
from skd2ace._describe import describe
from skd2ace._seeding import derive_seed
from skd2ace.metrics import best_thresholds, macro_f1_scorer, micro_f1
from skd2ace.model_selection import IterativeStratifiedKFold
from skd2ace.training import Checkpointing


def samples_f1(Y_true, Y_pred):
    """As scikit-learn's with average="samples", and faster."""
    marked = (Y_true + Y_pred).sum(axis=1)
    return (2 * (Y_true * Y_pred).sum(axis=1) / np.maximum(marked, 1)).mean()


METRICS = ["macro_f1", "micro_f1", "hamming_loss", micro_f1, samples_f1]


@pytest.fixture
def noisy():
    """Labels that can be learned by heart, and are hardly to be foreseen."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(90, 8))
    Y = (X[:, :4] + 2 * rng.normal(size=(90, 4)) > [0, 0.5, 1, 2]).astype(int)
    return X, Y


def predict_by_thirds(est, X, Y, **fit_params):
    """Each third of the instances by another estimator, trained on the others."""
    proba = np.full(Y.shape, np.nan)
    folds = IterativeStratifiedKFold(3, random_state=est.split_seed_ % 2**32)
    for fold, (train, test) in enumerate(folds.split(X, Y)):
        other = MultiLabelNetClassifier(**est.get_params(deep=False))
        seed = derive_seed(est.split_seed_, fold) % 2**32
        other.set_params(threshold=0.5, random_state=seed)
        of_part = {name: value[train] for name, value in fit_params.items()}
        proba[test] = other.fit(X[train], Y[train], **of_part).predict_proba(X[test])
    return proba


@pytest.mark.parametrize("metric", METRICS)
def test_on_the_held_out_part(make, noisy, metric):
    X, Y = noisy
    est = make(threshold="tune", threshold_metric=metric, train_split=0.4).fit(X, Y)
    valid = est.valid_indices_
    expected = best_thresholds(Y[valid], est.predict_proba(X[valid]), metric=metric)
    np.testing.assert_array_equal(est.thresholds_, expected)
    np.testing.assert_array_equal(est.predict(X), est.predict_proba(X) >= expected)


@pytest.mark.parametrize("metric", ["macro_f1", samples_f1])
def test_by_cross_fitting(make, noisy, metric, outcome):
    X, Y = noisy
    params = {"train_split": None, "lr": 0.05, "max_epochs": 30, "batch_selector": None}
    est = make(threshold="tune", threshold_metric=metric, **params).fit(X, Y)
    proba = predict_by_thirds(est, X, Y)
    assert not np.isnan(proba).any()
    np.testing.assert_array_equal(est.thresholds_, best_thresholds(Y, proba, metric=metric))
    # On what it was trained on it would have found others.
    assert (est.thresholds_ != best_thresholds(Y, est.predict_proba(X), metric=metric)).any()
    assert outcome(est) == outcome(make(**params).fit(X, Y))
    assert not hasattr(est, "_cross_fitting") or est._cross_fitting is None


def test_cross_fitting_of_every_network(make_two, data):
    params = {"threshold": "tune", "train_split": None, "max_epochs": 1, "batch_selector": None}
    first, second = (make_two(**params).fit(*data) for _ in range(2))
    np.testing.assert_array_equal(first.thresholds_, second.thresholds_)
    other = make_two(**params | {"random_state": 1}).fit(*data)
    assert (first.thresholds_ != other.thresholds_).any()


def test_cross_fitting_heeds_weights_unknown_labels_and_neighbors(make, noisy):
    X, Y = noisy
    rng = np.random.default_rng(0)
    hidden = np.where(rng.random(Y.shape) < 0.2, np.nan, Y)
    beside = {
        "sample_weight": rng.random(Y.shape) ** 8,
        "neighbor_features": rng.normal(size=(90, 3)),
    }
    est = make(threshold="tune", train_split=None, label_weight=[1, 2, 3, 4])
    est.fit(X, hidden, **beside)
    proba = predict_by_thirds(est, X, hidden, **beside)
    expected = best_thresholds(hidden, proba, sample_weight=beside["sample_weight"])
    np.testing.assert_array_equal(est.thresholds_, expected)
    assert (expected != best_thresholds(hidden, proba)).any()


FORMS = {
    "frame": pd.DataFrame,
    "list": np.ndarray.tolist,
    "tensor": torch.from_numpy,
    "csr": sp.csr_array,
    "coo": sp.coo_array,
    "cube": lambda X: X.reshape(-1, 2, 4),
}


class Items(torch.utils.data.Dataset):
    def __init__(self, X, Y):
        self.X, self.Y = X.astype(np.float32), Y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        return self.X[i], self.Y[i]


@pytest.mark.parametrize("form", [*FORMS, "items", "data set"])
def test_cross_fitting_in_every_container(make, noisy, mlp, form):
    X, Y = noisy

    def network(n_features, n_labels):
        return torch.nn.Sequential(torch.nn.Flatten(), mlp(8, n_labels))

    params = {"threshold": "tune", "train_split": None, "max_epochs": 2, "batch_selector": None}
    expected = make(**params).set_params(module=network).fit(X, Y).thresholds_
    if form in FORMS:
        given = (FORMS[form](X), Y)
    elif form == "items":
        given = (Items(X, Y),)
    else:
        given = (TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)),)
    est = make(**params).set_params(module=network).fit(*given)
    np.testing.assert_array_equal(est.thresholds_, expected)


def test_cross_fitting_for_a_vector(make, noisy):
    X, Y = noisy
    y = np.where(Y[:, 1] == 1, "yes", "no")
    est = make(threshold="tune", train_split=None).fit(X, y)
    assert est.thresholds_.shape == (1,)
    expected = np.where(est.predict_proba(X)[:, 1] >= est.thresholds_, "yes", "no")
    np.testing.assert_array_equal(est.predict(X), expected)


class CountsEpochs(Callback):
    def __init__(self, counts):
        self.counts = counts

    def on_epoch_end(self, net, **kwargs):
        self.counts.append(len(net.history))


@pytest.mark.parametrize("go_on", ["partial_fit", "warm start", "first partial_fit"])
def test_where_training_goes_on_a_part_must_be_held_out(make, data, go_on):
    est = make(threshold="tune", train_split=None, batch_selector=None)
    est.set_params(warm_start=go_on == "warm start")
    if go_on != "first partial_fit":
        est.fit(*data)
    train = est.fit if go_on == "warm start" else est.partial_fit
    n_epochs = len(est.history or [])
    with pytest.raises(ValueError, match="needs a held-out part where training goes on"):
        train(*data)
    assert len(est.history or []) == n_epochs
    est.set_params(train_split=0.3)
    assert len(train(*data).history) == n_epochs + 5


def test_what_cannot_be_cross_fitted_is_said_first(make, data):
    counts = []
    est = make(threshold="tune", train_split=None, callbacks=[CountsEpochs(counts)])
    with pytest.raises(ValueError, match="n_splits=3 is more than the 2 instances"):
        est.fit(data[0][:2], data[1][:2])
    assert counts == []


def test_cross_fitting_writes_no_files(make, data, tmp_path):
    """Those of the training stay as it left them."""
    params = {"threshold": "tune", "train_split": None, "max_epochs": 3}
    for name, callbacks in {
        "ours": {"callbacks": [Checkpointing(tmp_path / "ours")]},
        "named": {"callbacks": [("files", Checkpointing(tmp_path / "named"))]},
        "skorch's": {"callbacks": [Checkpoint("train_loss_best", dirname=tmp_path / "skorch's")]},
    }.items():
        est = make(**params, **callbacks).fit(*data)
        whole = make(**params | {"threshold": 0.5}).fit(*data)
        if name == "skorch's":
            weights = torch.load(tmp_path / name / "params.pt")
            for key, weight in whole.module_.state_dict().items():
                np.testing.assert_array_equal(weights[key], weight)
        else:
            again = make(**params, **callbacks).fit(*data, resume=tmp_path / name)
            np.testing.assert_array_equal(again.thresholds_, est.thresholds_)


@pytest.mark.parametrize("metric", ["macro_f1", "micro_f1", "hamming_loss"])
@pytest.mark.parametrize("train_split", [None, 0.2])
def test_out_of_bag(make_tabm, noisy, metric, train_split):
    X, Y = noisy
    # One group of three members for four parts: a quarter of the rows has no blind member.
    few = {"module__k": 3, "module__n_parts": 4, "train_split": train_split}
    est = make_tabm(threshold="tune", threshold_metric=metric, **few).fit(X, Y)
    seen = ~np.isnan(est.oob_proba_).any(axis=1)
    assert 0.3 < seen.mean() < 0.9
    assert not seen[est.valid_indices_].any()
    expected = best_thresholds(Y[seen], est.oob_proba_[seen], metric=metric)
    np.testing.assert_array_equal(est.thresholds_, expected)
    assert est.partial_fit(X, Y).thresholds_.shape == (4,)


def test_grid_over_metrics(make, noisy):
    grid = {"threshold_metric": METRICS}
    est = make(threshold="tune", train_split=0.3, max_epochs=2)
    search = GridSearchCV(est, grid, scoring=macro_f1_scorer, cv=KFold(3), error_score="raise")
    scores = search.fit(*noisy).cv_results_["mean_test_score"]
    assert len(set(scores)) > 1


def test_routed_weights(make, noisy):
    X, Y = noisy
    weight = np.random.default_rng(0).random(90)
    plain = make(threshold="tune", train_split=None, max_epochs=1).fit(X, Y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        routed = copy(plain).set_fit_request(sample_weight=True).fit(X, Y, sample_weight=weight)
    np.testing.assert_array_equal(routed.thresholds_, plain.thresholds_)


@pytest.mark.parametrize("metric", ["macro_auc", "f1", None, 0.5])
def test_metrics_that_there_are_not(make, data, metric):
    with pytest.raises(ValueError, match="'threshold_metric' parameter"):
        make(threshold_metric=metric).fit(*data)


def test_the_metric_is_saved(make_clif, noisy, tmp_path):
    X, Y = noisy
    est = make_clif(threshold="tune", threshold_metric="micro_f1").fit(X, Y)
    est.save(tmp_path / "est")
    again = type(est).load(tmp_path / "est")
    assert again.threshold_metric == "micro_f1"
    np.testing.assert_array_equal(again.predict(X), est.predict(X))


def test_what_0_1_did_is_described_as_it_was(make):
    assert "threshold_metric" not in describe(make())
    assert "threshold_metric" in describe(make(threshold_metric="micro_f1"))
    assert "threshold_metric" in describe(make(threshold_metric=None))

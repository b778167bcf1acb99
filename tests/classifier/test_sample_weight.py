"""Weights of instances, of labels and of cells, in the whole of a training."""

from itertools import product
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, GroupShuffleSplit, KFold, cross_validate
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.dataset import ValidSplit
from torch import nn

from skd2ace import (
    C2AEClassifier,
    CLIFClassifier,
    DELAClassifier,
    MPVAEClassifier,
    MultiLabelNetClassifier,
    PACAClassifier,
)
from skd2ace.metrics import best_f1_thresholds, macro_auc
from skd2ace.networks import DELA, MPVAE, PACA
from skd2ace.selection import BatchSelector, RandomBatches

# One step of gradient descent an epoch, on everything: what it does depends on sums alone.
WHOLE = {
    "batch_selector": None,
    "batch_size": -1,
    "optimizer": torch.optim.SGD,
    "train_split": None,
    "max_epochs": 20,
    "lr": 0.5,
}


@pytest.fixture
def counts():
    return np.random.default_rng(1).integers(5, size=60)


@pytest.fixture(params=["mlp", "clif"])
def make_exact(request, make, make_clif):
    """Make one of those whose training draws nothing once dropout is off."""
    if request.param == "mlp":
        return lambda **params: make(**(WHOLE | params))
    of_clif = {"module__dropout": 0.0, "optimizer__weight_decay": 0.0}
    return lambda **params: make_clif(**(WHOLE | of_clif | params))


@pytest.mark.parametrize(
    "settings", [{}, {"label_weight": [0.5, 2, 1, 3]}, {"pos_weight": "balanced"}]
)
def test_weights_are_repetitions(make_exact, data, counts, settings):
    X, Y = data
    weighted = make_exact(**settings).fit(X, Y, sample_weight=counts)
    repeated = make_exact(**settings).fit(np.repeat(X, counts, 0), np.repeat(Y, counts, 0))
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), rtol=0, atol=1e-4
    )
    plain = make_exact(**settings).fit(X, Y)
    assert np.abs(weighted.predict_proba(X) - plain.predict_proba(X)).max() > 1e-2


@pytest.mark.parametrize("network", [DELA, PACA, MPVAE])
@pytest.mark.parametrize("of_labels", [False, True])
def test_weights_are_repetitions_in_losses_that_draw(network, of_labels, data, counts):
    X, Y = (torch.tensor(part, dtype=torch.float32) for part in data)
    torch.manual_seed(0)
    module = network(n_features=8, n_labels=4, hidden_sizes=(8, 8), latent_size=4).eval()
    repeats = torch.from_numpy(counts)
    weights = repeats.float() / repeats.float().mean()
    beside = {}
    if of_labels:
        weights, beside = weights[:, None].expand(60, 4), {"instance_weights": weights}
    weighted = module.training_loss(X, Y, weights, **beside)
    repeated = module.training_loss(
        X.repeat_interleave(repeats, 0), Y.repeat_interleave(repeats, 0)
    )
    torch.testing.assert_close(weighted.loss, repeated.loss)
    for name, term in weighted.terms.items():
        torch.testing.assert_close(term, repeated.terms[name])


@pytest.mark.parametrize(
    "weight", [np.ones(60), np.full(60, 0.3), np.full((60, 4), 7)], ids=["1", "0.3", "7"]
)
def test_equal_weights_are_none(make_any, data, outcome, weight):
    weighted = make_any().fit(*data, sample_weight=weight)
    assert outcome(weighted) == outcome(make_any().fit(*data))


def test_weights_of_cells_that_rows_share_are_those_of_rows(make_any, data, counts):
    of_rows = make_any().fit(*data, sample_weight=counts)
    of_cells = make_any().fit(*data, sample_weight=np.tile(counts[:, None], 4))
    np.testing.assert_allclose(
        of_cells.predict_proba(data[0]), of_rows.predict_proba(data[0]), atol=2e-3
    )


@pytest.mark.parametrize("anything", [1, -1, np.nan, np.inf, "odd"], ids=str)
def test_rows_without_weight_may_hold_anything(make_any, data, counts, outcome, anything):
    X, Y = data
    other = Y.astype(object)
    other[counts == 0] = anything
    before = make_any().fit(X, Y, sample_weight=counts)
    assert outcome(make_any().fit(X, other, sample_weight=counts)) == outcome(before)


def test_validation_counts_by_weight(make, data, counts):
    X, Y = data
    est = make(max_epochs=1, train_split=0.4).fit(X, Y, sample_weight=counts + 0.5)
    valid = est.valid_indices_
    weight, proba = (counts + 0.5)[valid], est.predict_proba(X[valid])
    losses = -np.log(np.where(Y[valid] == 1, proba, 1 - proba)).mean(1)
    assert est.history[-1, "valid_loss"] == pytest.approx(
        np.average(losses, weights=weight), rel=1e-5
    )
    expected = macro_auc(Y[valid], proba, sample_weight=weight)
    assert est.history[-1, "valid_macro_auc"] == pytest.approx(expected)
    assert expected != pytest.approx(macro_auc(Y[valid], proba))


def test_thresholds_count_by_weight(make, data, counts):
    X, Y = data
    est = make(threshold="tune", train_split=0.4).fit(X, Y, sample_weight=counts)
    valid = est.valid_indices_
    proba = est.predict_proba(X[valid])
    expected = best_f1_thresholds(Y[valid], proba, sample_weight=counts[valid])
    np.testing.assert_array_equal(est.thresholds_, expected)
    assert (expected != best_f1_thresholds(Y[valid], proba)).any()


class Spy(BatchSelector):
    """Keeps the losses that it is told, and what it is started with."""

    def _start(self, X, Y):
        self.told_ = []

    def start(self, *args, **kwargs):
        self.started_with_ = kwargs
        return super().start(*args, **kwargs)

    def _update(self, index, proba, losses, learning_rate):
        self.told_.append((index, proba, losses))


def test_selectors_are_told_weights_once_and_losses_without(make, data, counts):
    X, Y = data
    settings = {"batch_selector": Spy(), "label_weight": [1, 2, 3, 4], "pos_weight": [5] * 4}
    est = make(**settings, train_split=None).fit(X, Y, sample_weight=counts)
    spy = est.batch_selector_
    cells = counts[:, None] * np.array([1, 2, 3, 4])
    told = spy.started_with_["cell_weight"]
    np.testing.assert_allclose(told, cells / cells.mean(), rtol=1e-6)
    for index, proba, losses in spy.told_:
        truth = torch.from_numpy(Y[index]).float() * (told[index] > 0)
        expected = nn.functional.binary_cross_entropy(proba, truth, reduction="none")
        torch.testing.assert_close(losses, expected * (told[index] > 0), rtol=1e-4, atol=1e-5)


def test_positive_weights_are_those_of_torch(make, data):
    X, Y = data
    factors = [1.0, 2.0, 0.5, 8.0]
    ours = make(pos_weight=factors, batch_selector=None).fit(X, Y)
    torchs = make(criterion__pos_weight=torch.tensor(factors), batch_selector=None).fit(X, Y)
    np.testing.assert_allclose(ours.predict_proba(X), torchs.predict_proba(X), atol=1e-4)
    np.testing.assert_allclose(
        ours.history[:, "valid_loss"], torchs.history[:, "valid_loss"], rtol=1e-4
    )


def test_balanced(make_exact, data):
    X, Y = data
    positives = Y.sum(0)
    for name, vector in {
        "label_weight": positives.mean() / positives,
        "pos_weight": (60 - positives) / positives,
    }.items():
        named, given = make_exact(**{name: "balanced"}), make_exact(**{name: vector})
        np.testing.assert_allclose(
            named.fit(X, Y).predict_proba(X), given.fit(X, Y).predict_proba(X), atol=1e-5
        )


def test_balanced_has_no_scale(make_exact, data, counts):
    X, Y = data[0], data[1].copy()
    Y[:, 1] = 0
    for name in ("label_weight", "pos_weight"):
        small, large = (
            make_exact(**{name: "balanced"}).fit(X, Y, sample_weight=scale * counts)
            for scale in (1e-4, 100)
        )
        np.testing.assert_allclose(small.predict_proba(X), large.predict_proba(X), atol=1e-5)


def test_weights_reach_every_network(make_any, data):
    X, Y = data
    plain = make_any(batch_selector=RandomBatches()).fit(X, Y).predict_proba(X)
    for params in ({"pos_weight": [50, 1, 1, 1]}, {"label_weight": [50, 1, 1, 1]}):
        proba = make_any(batch_selector=RandomBatches(), **params).fit(X, Y).predict_proba(X)
        assert np.abs(proba - plain).max() > 1e-3
        if "pos_weight" in params:
            assert proba[:, 0].mean() > plain[:, 0].mean()


def test_one_weight_of_all_positives(make_any, data):
    each = make_any(pos_weight=[3] * 4).fit(*data)
    for value in (3, np.float32(3), np.array(3)):
        one = make_any(pos_weight=value).fit(*data)
        np.testing.assert_array_equal(one.predict_proba(data[0]), each.predict_proba(data[0]))
    np.testing.assert_array_equal(one.pos_weight_, [3] * 4)
    assert not hasattr(one.set_params(pos_weight=None).fit(*data), "pos_weight_")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *product(
            ["label_weight", "pos_weight"],
            [
                [1, 2, 3],
                [1, 2, 3, -1],
                [1, 2, 3, np.nan],
                [1, 2, 3, 1e39],
                "even",
                -1.0,
                np.inf,
                np.nan,
            ],
        ),
        ("label_weight", 2.0),
    ],
    ids=str,
)
def test_refused_weights_of_labels(make_any, data, name, value):
    message = f"{name}.* of the 4 labels" if isinstance(value, list) else f"'{name}' parameter"
    with pytest.raises(ValueError, match=message):
        make_any(**{name: value}).fit(*data)


def test_refused_weights_of_the_criterion(make, data):
    with pytest.raises(ValueError, match=r"criterion__pos_weight .* of the 4 labels"):
        make(criterion__pos_weight=torch.ones(3)).fit(*data)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("rubbish", "must hold numbers"),
        (np.ones(59), r"shape \(60,\) or \(60, 4\).*got \(59,\)"),
        (np.ones((60, 3)), r"got \(60, 3\)"),
        (np.full(60, np.nan), "sample_weight contains NaN"),
        (-np.ones(60), "must not be negative"),
        (np.zeros((60, 4)), "zero everywhere"),
        (["heavy"] * 60, "must hold numbers"),
    ],
    ids=str,
)
def test_refused_weights(make, data, weight, message):
    with pytest.raises(ValueError, match=message):
        make().fit(*data, sample_weight=weight)


class Recorder(MultiLabelNetClassifier):
    """Keeps the weights that fit and score are given."""

    seen: ClassVar[list] = []

    def fit(self, X, y, sample_weight=None, **params):
        self.seen.append(("fit", len(X), sample_weight))
        return super().fit(X, y, sample_weight, **params)

    def score(self, X, y, sample_weight=None):
        self.seen.append(("score", len(X), sample_weight))
        return super().score(X, y, sample_weight)


@pytest.fixture
def recorder(mlp):
    Recorder.seen.clear()
    return Recorder(mlp, max_epochs=1, random_state=0, verbose=0)


def test_through_scikit_learn(recorder, data, counts):
    X, Y = data
    pipeline = make_pipeline(StandardScaler(), recorder)
    pipeline.fit(X, Y, recorder__sample_weight=counts)
    folds = KFold(3)
    cross_validate(recorder, X, Y, cv=folds, params={"sample_weight": counts})
    per_label = MultiOutputClassifier(recorder).fit(X, Y, sample_weight=counts)
    assert len(per_label.estimators_) == 4
    fits = [weight for kind, _, weight in Recorder.seen if kind == "fit"]
    wanted = [counts, *(counts[train] for train, _ in folds.split(X)), *[counts] * 4]
    assert len(fits) == len(wanted)
    for weight, expected in zip(fits, wanted, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_routed(recorder, data, counts):
    X, Y = data
    scored = []

    def score(truth, proba, sample_weight):
        scored.append(sample_weight)
        return macro_auc(truth, proba, sample_weight=sample_weight)

    with config_context(enable_metadata_routing=True):
        est = recorder.set_fit_request(sample_weight=True)
        scorer = make_scorer(score, response_method="predict_proba")
        scorer.set_score_request(sample_weight=True)
        search = GridSearchCV(est, {"lr": [0.1]}, cv=KFold(2), scoring=scorer, refit=False)
        search.fit(X, Y, sample_weight=counts)
    halves = [counts[:30], counts[30:]]
    for weight, expected in zip([w for _, _, w in Recorder.seen], halves[::-1], strict=True):
        np.testing.assert_array_equal(weight, expected)
    for weight, expected in zip(scored, halves, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_groups_are_routed_to_a_splitter(make, data):
    groups = np.arange(60) // 6
    with config_context(enable_metadata_routing=True):
        for train_split in (GroupShuffleSplit(1, test_size=0.3), ValidSplit(GroupShuffleSplit(1))):
            est = make(train_split=train_split).fit(*data, groups=groups)
            assert not {*groups[est.train_indices_]} & {*groups[est.valid_indices_]}


@pytest.mark.parametrize("routing", [False, True])
def test_what_nobody_takes_is_an_error(make_any, data, routing):
    with config_context(enable_metadata_routing=routing):
        est = make_any()
        for params in ({"sample_weights": np.ones(60)}, {"groups": np.ones(60)}, {"odd": 1}):
            with pytest.raises(TypeError, match=f"unexpected argument '{next(iter(params))}'"):
                est.fit(*data, **params)
        if routing:
            est.set_fit_request(sample_weight=True)
        with pytest.raises(ValueError, match="sample_weight must hold numbers"):
            est.fit(*data, sample_weight="rubbish")


def test_score_counts_by_weight(make, data, counts):
    X, Y = data
    est = make().fit(X, Y)
    correct = (est.predict(X) == Y).all(1)
    assert est.score(X, Y, sample_weight=counts) == pytest.approx(
        np.average(correct, weights=counts)
    )
    assert est.score(X, Y) == pytest.approx(correct.mean())


def test_neighbor_features_are_split_with_the_rest(make, data, counts):
    X, Y = data
    features = np.arange(120.0).reshape(60, 2)
    est = make(batch_selector=Spy(), train_split=0.3)
    est.fit(X, Y, neighbor_features=features, sample_weight=counts + 1)
    started = est.batch_selector_.started_with_
    rows = est.train_indices_
    np.testing.assert_array_equal(started["neighbor_features"], features[rows])
    weight = (counts + 1)[rows]
    np.testing.assert_allclose(started["cell_weight"], weight / weight.mean(), rtol=1e-6)


@pytest.mark.parametrize(
    "kind",
    [CLIFClassifier, DELAClassifier, PACAClassifier, MPVAEClassifier, C2AEClassifier],
)
def test_parameters_are_those_of_every_classifier(kind):
    params = kind(label_weight="balanced", pos_weight=[1, 2]).get_params()
    assert (params["label_weight"], params["pos_weight"]) == ("balanced", [1, 2])


@pytest.mark.parametrize("name", ["iterator_train", "iterator_valid"])
def test_batches_without_weights(make, data, counts, name):
    est = make(batch_selector=None, **{name: torch.utils.data.DataLoader})
    est.fit(*data)
    with pytest.raises(TypeError, match=r"fit was given weights, which batches .* do not carry"):
        est.fit(*data, sample_weight=counts)

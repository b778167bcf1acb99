"""Whatever container labels, features, answers and weights come in: the bits are the ndarray's."""

from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import BaseEstimator, ClassifierMixin

from skd2ace import (
    CLIFClassifier,
    MultiLabelNetClassifier,
    datasets,
    metrics,
)
from skd2ace._containers import read_container
from skd2ace.metrics._records import METRICS
from skd2ace.model_selection import IterativeStratifiedKFold, IterativeStratifiedShuffleSplit
from skd2ace.neighbors import MLkNN
from skd2ace.selection import D2ACE

N, D, Q = 24, 5, 3


def name_columns(Y):
    return [f"column {i}" for i in range(Y.shape[1])]


def frame(Y):
    return pd.DataFrame(Y, columns=name_columns(Y))


def polars(Y):
    return pl.DataFrame(Y, schema=name_columns(Y))


def sparse_frame(Y):
    return pd.DataFrame.sparse.from_spmatrix(sp.csr_array(Y), columns=name_columns(Y))


def with_none(Y):
    return [[None if cell != cell else cell for cell in row] for row in Y.tolist()]


def polars_with_null(Y):
    return pl.DataFrame(with_none(Y), name_columns(Y), orient="row")


# Of any numbers.
NUMBERS = {
    "list": np.ndarray.tolist,
    "tuple": lambda Y: tuple(map(tuple, Y.tolist())),
    "list of arrays": list,
    "object": lambda Y: Y.astype(object),
    "decimals": lambda Y: [list(map(Decimal, row)) for row in Y.astype(float).tolist()],
    "Fortran order": np.asfortranarray,
    "read-only": lambda Y: np.frombuffer(Y.tobytes(), Y.dtype).reshape(Y.shape),
    "masked": np.ma.asarray,
    **{
        f"{form}_{kind}": getattr(sp, f"{form}_{kind}")
        for form in ("csr", "csc", "coo", "lil")
        for kind in ("array", "matrix")
    },
    "dok_array": sp.dok_array,
    "bsr_array": sp.bsr_array,
    "dia_array": sp.dia_array,
    "frame": frame,
    "sparse frame": sparse_frame,
    "sparse frame of NaN": lambda Y: frame(Y).astype(pd.SparseDtype(float, np.nan)),
    "Float64": lambda Y: frame(Y).astype("Float64"),
    "object frame": lambda Y: frame(Y).astype(object),
    "category": lambda Y: frame(Y).astype("category"),
    "polars": polars,
    "tensor": torch.tensor,
    "coo tensor": lambda Y: torch.tensor(Y).to_sparse(),
    "csr tensor": lambda Y: torch.tensor(Y).to_sparse_csr(),
    "csc tensor": lambda Y: torch.tensor(Y).to_sparse_csc(),
}
# Of 0, 1 and NaN.
UNKNOWN = {
    "list with None": with_none,
    "object with None": lambda Y: np.array(with_none(Y), dtype=object),
    "float32": lambda Y: Y.astype(np.float32),
    "masked cells": lambda Y: np.ma.masked_array(np.nan_to_num(Y, nan=-5), np.isnan(Y)),
    "Int64": lambda Y: frame(Y).astype("Int64"),
    "boolean": lambda Y: frame(Y).astype("boolean"),
    "nullable in part": lambda Y: frame(Y).astype({"column 0": "Int64"}),
    "frame with None": lambda Y: frame(np.array(with_none(Y), dtype=object)),
    "polars with null": polars_with_null,
    "polars of Int8": lambda Y: polars_with_null(Y).cast(pl.Int8),
    "polars of Boolean": lambda Y: polars_with_null(Y).cast(pl.Boolean),
    "bfloat16": lambda Y: torch.tensor(Y).bfloat16(),
    "float16": lambda Y: torch.tensor(Y).half(),
}
# Of 0 and 1.
BINARY = {
    "int8": lambda Y: Y.astype(np.int8),
    "uint64": lambda Y: Y.astype(np.uint64),
    "bool": lambda Y: Y.astype(bool),
    "list of bool": lambda Y: Y.astype(bool).tolist(),
    "csr of bool": lambda Y: sp.csr_array(Y.astype(bool)),
    "coo of int8": lambda Y: sp.coo_array(Y.astype(np.int8)),
    "frame of bool": lambda Y: frame(Y.astype(bool)),
    "sparse frame of bool": lambda Y: frame(Y.astype(bool)).astype(pd.SparseDtype(bool, False)),
    "sparse frame of True": lambda Y: frame(Y.astype(bool)).astype(pd.SparseDtype(bool, True)),
    "sparse frame in part": lambda Y: frame(Y).astype({"column 0": pd.SparseDtype(float, 0)}),
    "category of int": lambda Y: frame(Y.astype(int)).astype("category"),
    "tensor of bool": lambda Y: torch.tensor(Y).bool(),
    "tensor of int8": lambda Y: torch.tensor(Y).to(torch.int8),
    "tensor with gradient": lambda Y: torch.tensor(Y, requires_grad=True),
    "coo tensor of bool": lambda Y: torch.tensor(Y).bool().to_sparse(),
}
LABELS = NUMBERS | UNKNOWN | BINARY
VECTORS = {
    "list": list,
    "series": pd.Series,
    "nullable": lambda y: pd.Series(y).astype("Int64"),
    "category": lambda y: pd.Series(y).astype("category"),
    "sparse": lambda y: pd.Series(y).astype(pd.SparseDtype(float, 0)),
    "bool": lambda y: y.astype(bool),
    "polars": pl.Series,
    "tensor": torch.tensor,
    "masked": np.ma.asarray,
    "coo tensor": lambda y: torch.tensor(y).to_sparse(),
}

rng = np.random.default_rng(0)
X = rng.normal(size=(N, D)) * (rng.random((N, D)) < 0.7)
X = X.astype(np.float32).astype(np.float64)
Y = (X[:, :Q] + 0.5 * rng.normal(size=(N, Q)) > 0).astype(float)
HIDDEN = np.where(rng.random(Y.shape) < 0.3, np.nan, Y)
SCORES = rng.random((N, Q))


def linear(n_features, n_labels):
    return torch.nn.Linear(n_features, n_labels)


def small(kind, *args, **params):
    shared = {"max_epochs": 1, "batch_size": -1, "random_state": 0, "verbose": 0}
    return kind(*args, **(shared | params))


# One without a loss of its own and one with; the others read X and Y by the same code.
NETWORKS = {
    "linear": lambda **params: small(MultiLabelNetClassifier, linear, **params),
    "CLIF": lambda **params: small(
        CLIFClassifier, train_split=None, module__hidden_size=8, module__embedding_size=4, **params
    ),
}
ESTIMATORS = NETWORKS | {"MLkNN": lambda **params: MLkNN(3)}
SPLITTERS = {
    "iterstrat": IterativeStratifiedKFold(3, random_state=0),
    "skmultilearn": IterativeStratifiedKFold(3, random_state=0, method="skmultilearn"),
    "shuffle": IterativeStratifiedShuffleSplit(2, test_size=0.25, random_state=0),
}
FUNCTIONS = {name: (record.function, record.response) for name, record in METRICS.items()} | {
    name: (getattr(metrics, name), "predict_proba")
    for name in ("roc_auc_per_label", "best_f1_thresholds", "best_thresholds")
}


def answer(name, n_labels):
    scores = SCORES[:, :n_labels]
    return scores if FUNCTIONS[name][1] == "predict_proba" else (scores > 0.5).astype(float)


def fitted_on(make):
    return lambda Y: make().fit(X, Y).predict_proba(X)


def indices(splitter):
    return lambda Y: np.concatenate([part for parts in splitter.split(X, Y) for part in parts])


def measure(Y):
    """Every metric, as one array."""
    n_labels = dense(Y).shape[1]
    return np.hstack(
        [function(Y, answer(name, n_labels)) for name, (function, _) in FUNCTIONS.items()]
    )


def dense(values):
    values = read_container(values)
    return values.toarray() if sp.issparse(values) else values


class Known(ClassifierMixin, BaseEstimator):
    """A classifier whose answers a test knows."""

    def __init__(self, n_labels):
        self.classes_ = np.tile([0, 1], (n_labels, 1))

    def predict_proba(self, X):
        return SCORES[:, : len(self.classes_)]

    def predict(self, X):
        return (self.predict_proba(X) > 0.5).astype(int)


@cache
def fit_once(n_labels):
    return NETWORKS["linear"]().fit(X, Y[:, :n_labels])


def score(Y):
    """By every scorer, and by the estimator itself."""
    n_labels = dense(Y).shape[1]
    values = [getattr(metrics, f"{name}_scorer")(Known(n_labels), X, Y) for name in METRICS]
    return np.array([*values, fit_once(n_labels).score(X, Y)])


def go_on(Y):
    est = NETWORKS["linear"](train_split=None).fit(X, dense(Y))
    return est.partial_fit(X, Y).predict_proba(X)


def balance(Y):
    est = NETWORKS["linear"](label_weight="balanced", pos_weight="balanced", threshold="tune")
    return np.append(est.fit(X, Y).predict_proba(X), est.thresholds_)


def select(Y):
    selector, split = D2ACE(n_neighbors=2, warmup_epochs=1), SPLITTERS["shuffle"]
    est = NETWORKS["linear"](batch_selector=selector, max_epochs=2, train_split=split)
    return est.fit(X, Y).predict_proba(X)


def describe(Y):
    """All of its numbers: names are those of the container."""
    parts = map(np.ravel, datasets.describe(Y))
    return np.hstack([part for part in parts if part.dtype.kind in "biuf"])


TAKE_UNKNOWN = {
    **{name: fitted_on(make) for name, make in NETWORKS.items()},
    "D2ACE, split": select,
    "balanced, tuned": balance,
    "partial_fit": go_on,
    **{name: indices(splitter) for name, splitter in SPLITTERS.items()},
    "metrics": measure,
    "scorers": score,
    "describe": describe,
    "drop_rare_labels": lambda Y: dense(datasets.drop_rare_labels(Y, 2)),
    "drop_unlabelled": lambda Y: np.hstack(list(map(dense, datasets.drop_unlabelled(X, Y)))),
}
CONSUMERS = TAKE_UNKNOWN | {"MLkNN": fitted_on(ESTIMATORS["MLkNN"])}
expected = {}
pytestmark = pytest.mark.filterwarnings("ignore:A column-vector y")


def assert_like_array(consumer, container, Y, key, name=""):
    """The ndarray's own result is computed once."""
    if (consumer, key) not in expected:
        expected[consumer, key] = CONSUMERS[consumer](Y)
    found = CONSUMERS[consumer](container)
    np.testing.assert_array_equal(found, expected[consumer, key], err_msg=name)


@pytest.mark.parametrize("container", LABELS)
@pytest.mark.parametrize("consumer", CONSUMERS)
def test_labels(consumer, container):
    assert_like_array(consumer, LABELS[container](Y), Y, "all")


@pytest.mark.parametrize("consumer", TAKE_UNKNOWN)
def test_unknown_labels(consumer):
    for name, make in (NUMBERS | UNKNOWN).items():
        assert_like_array(consumer, make(HIDDEN), HIDDEN, "unknown", name)


# A network made anew for each container takes long, and is the same in all of these.
@pytest.mark.parametrize("consumer", sorted(set(CONSUMERS) - {"CLIF"}))
def test_one_column(consumer):
    for name, make in LABELS.items():
        assert_like_array(consumer, make(Y[:, :1]), Y[:, :1], "one", name)


@pytest.mark.parametrize("container", VECTORS)
@pytest.mark.parametrize("consumer", ["linear", "partial_fit", "MLkNN", *SPLITTERS])
def test_vectors(consumer, container):
    assert_like_array(consumer, VECTORS[container](Y[:, 0]), Y[:, 0], "vector")


@pytest.mark.parametrize("container", VECTORS)
def test_vectors_of_labels_and_answers(container):
    make = VECTORS[container]
    for name, (function, _) in FUNCTIONS.items():
        answers = answer(name, 1)[:, 0]
        np.testing.assert_array_equal(function(make(Y[:, 0]), answers), function(Y[:, 0], answers))
        # Answers of the type that the container has for labels.
        np.testing.assert_array_equal(
            function(HIDDEN[:, 1], make(Y[:, 0])), function(HIDDEN[:, 1], Y[:, 0])
        )


@pytest.mark.parametrize("container", NUMBERS)
def test_answers(container):
    for name, (function, _) in FUNCTIONS.items():
        answers = answer(name, Q)
        found = function(HIDDEN, NUMBERS[container](answers))
        np.testing.assert_array_equal(found, function(HIDDEN, answers))


@pytest.mark.parametrize("container", UNKNOWN | BINARY)
def test_answers_of_zero_and_one(container):
    answers = (SCORES > 0.5).astype(float)
    for function, _ in FUNCTIONS.values():
        np.testing.assert_array_equal(
            function(HIDDEN, (UNKNOWN | BINARY)[container](answers)), function(HIDDEN, answers)
        )


def weigh(sample_weight):
    """By everything that takes weights."""
    est = NETWORKS["linear"](threshold="tune").fit(X, HIDDEN, sample_weight=sample_weight)
    est.partial_fit(X, Y, sample_weight=sample_weight)
    parts = [est.predict_proba(X), est.thresholds_, est.score(X, Y, sample_weight=sample_weight)]
    for name, (function, _) in FUNCTIONS.items():
        parts.append(function(HIDDEN, answer(name, Q), sample_weight=sample_weight))
    for name in METRICS:
        scorer = getattr(metrics, f"{name}_scorer")
        parts.append(scorer(Known(Q), X, Y, sample_weight=sample_weight))
    return np.hstack([np.ravel(part) for part in parts])


OF_CELLS = rng.integers(0, 4, (N, Q)).astype(float)


@pytest.mark.parametrize("container", NUMBERS)
def test_weights_of_cells(container):
    np.testing.assert_array_equal(weigh(NUMBERS[container](OF_CELLS)), weigh(OF_CELLS))


@pytest.mark.parametrize("container", sorted(set(VECTORS) - {"bool"}))
def test_weights_of_instances(container):
    answers = OF_CELLS[:, 0]
    np.testing.assert_array_equal(weigh(VECTORS[container](answers)), weigh(answers))


@pytest.mark.parametrize("make", [lambda w: w[:, None], lambda w: pd.DataFrame(w), sp.coo_array])
def test_a_column_of_weights_is_none_of_instances(make):
    """scikit-learn refuses it too."""
    column = make(OF_CELLS[:, :1]) if make is sp.coo_array else make(OF_CELLS[:, 0])
    with pytest.raises(ValueError, match="sample_weight must have shape"):
        NETWORKS["linear"]().fit(X, Y, sample_weight=column)
    with pytest.raises(ValueError, match="sample_weight must have shape"):
        metrics.macro_auc(Y, SCORES, sample_weight=column)


OF_LABELS = VECTORS | {
    "Float64": lambda w: pd.Series(w).astype("Float64"),
    "read-only": lambda w: np.frombuffer(w.tobytes()),
    "tensor with gradient": lambda w: torch.tensor(w, requires_grad=True),
    "bfloat16": lambda w: torch.tensor(w).bfloat16(),
}


@pytest.mark.parametrize("container", sorted(set(OF_LABELS) - {"bool", "nullable"}))
@pytest.mark.parametrize("parameter", ["label_weight", "pos_weight", "threshold"])
def test_numbers_of_labels(parameter, container):
    values, make = np.array([0.5, 1, 0.25]), NETWORKS["linear"]
    both = OF_LABELS[container](values), values
    found, other = (make(**{parameter: given}).fit(X, Y) for given in both)
    np.testing.assert_array_equal(found.predict_proba(X), other.predict_proba(X))
    np.testing.assert_array_equal(found.predict(X), other.predict(X))


# Of features: half precision and zeros and ones hold others.
FEATURES = NUMBERS | {
    "float32": lambda X: X.astype(np.float32),
    "read-only float32": lambda X: NUMBERS["read-only"](X.astype(np.float32)),
    "tensor with gradient": lambda X: torch.tensor(X, requires_grad=True),
    "nullable in part": lambda X: frame(X).astype({"column 0": "Float64"}),
    "polars of Float32": lambda X: polars(X).cast(pl.Float32),
}


@pytest.mark.parametrize("container", FEATURES)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_features(name, container):
    changed, make = FEATURES[container](X), ESTIMATORS[name]
    if ("features", name) not in expected:
        expected["features", name] = make().fit(X, Y).predict_proba(X)
    found = make().fit(changed, Y).predict_proba(changed)
    np.testing.assert_array_equal(found, expected["features", name])


@pytest.mark.parametrize("container", BINARY)
@pytest.mark.filterwarnings("ignore:pandas.DataFrame with sparse columns found")
def test_features_of_zero_and_one(container):
    found = [
        NETWORKS["linear"](batch_selector=D2ACE(n_neighbors=2, warmup_epochs=1), max_epochs=2)
        .fit(ones, Y, neighbor_features=ones)
        .predict_proba(ones)
        for ones in (HIDDEN == 1, BINARY[container]((HIDDEN == 1).astype(float)))
    ]
    np.testing.assert_array_equal(*found)


def test_unknown_labels_are_not_counted_as_neighbours():
    for make in (NUMBERS | UNKNOWN).values():
        with pytest.raises(ValueError, match="y must not contain NaN"):
            MLkNN(3).fit(X, make(HIDDEN))


@pytest.mark.parametrize("container", LABELS)
def test_what_is_kept_is_in_the_same_container(container):
    """Lists and sparse tensors, which have no rows and columns to take, are arrays then."""
    made = LABELS[container](Y)
    kind = type(made)
    if isinstance(made, (list, tuple)):
        kind = np.ndarray
    elif isinstance(made, torch.Tensor) and made.layout is not torch.strided:
        kind = sp.csr_array
    elif sp.issparse(made):
        kind = type(made.tocsr())
    few = datasets.drop_rare_labels(made)
    assert [type(part) for part in datasets.drop_unlabelled(made, made)] == [kind, kind]
    assert type(few) is type(datasets.select_top_features(made, 0.5)) is kind
    if hasattr(made, "columns"):
        assert list(few.columns) == list(made.columns)
        assert list(map(str, few.dtypes)) == list(map(str, made.dtypes))


@cache
def fit_on_scores(name):
    return ESTIMATORS[name]().fit(SCORES, Y)


@pytest.mark.parametrize("container", NUMBERS | UNKNOWN)
@pytest.mark.parametrize("name", ["linear", "MLkNN"])
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_missing_features_are_refused(name, container):
    """In every form, a mask too."""
    make = ESTIMATORS[name]
    missing = (NUMBERS | UNKNOWN)[container](HIDDEN)
    with pytest.raises(ValueError, match="contains NaN"):
        make().fit(missing, Y)
    with pytest.raises(ValueError, match="contains NaN"):
        fit_on_scores(name).predict(missing)


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize("form", ["sparse", "dense"])
def test_what_a_loader_gives(form, as_frame, tmp_path):
    """Each consumer of labels takes them, and each estimator features as they are read."""
    columns = [f"@attribute a{i} numeric" for i in range(D)]
    columns += [f"@attribute l{i} {{0,1}}" for i in range(Q)]
    rows = [[*map(repr, x), *map(str, y)] for x, y in zip(X.tolist(), Y.astype(int), strict=True)]
    if form == "dense":
        rows = [",".join(row) for row in rows]
    else:
        kept = [[f"{i} {cell}" for i, cell in enumerate(row) if float(cell)] for row in rows]
        rows = [f"{{{', '.join(row)}}}" for row in kept]
    path = tmp_path / "data.arff"
    path.write_text("\n".join(["@relation data", *columns, "@data", *rows]))
    bunch = datasets.load_arff(path, labels=-Q, as_frame=as_frame)
    for consumer in CONSUMERS:
        assert_like_array(consumer, bunch.target, Y, "all")
    for make in ESTIMATORS.values():
        est = make().fit(bunch.data, bunch.target)
        found = est.predict_proba(bunch.data), est.score(bunch.data, bunch.target)
        other = make().fit(X, Y)
        np.testing.assert_array_equal(found[0], other.predict_proba(X))
        assert found[1] == other.score(X, Y)


def outcome(consumer, Y):
    """Values, or the error."""
    try:
        return CONSUMERS[consumer](Y).tolist()
    except Exception as error:
        return type(error), str(error)


@settings(max_examples=100)
@given(drawn=st.data())
def test_any_matrix_in_any_container(drawn):
    """Also where labels are all the same or unknown, and where that is refused."""
    consumer = drawn.draw(st.sampled_from(sorted(CONSUMERS)))
    values = drawn.draw(st.sampled_from([(0.0, 1.0), (0.0, 1.0, np.nan)]))
    shape = st.tuples(st.just(N), st.integers(1, Q))
    Y = drawn.draw(arrays(np.float64, shape, elements=st.sampled_from(values)))
    containers = NUMBERS | UNKNOWN if np.isnan(Y).any() else LABELS
    container = containers[drawn.draw(st.sampled_from(sorted(containers)))](Y)
    np.testing.assert_equal(outcome(consumer, container), outcome(consumer, Y))

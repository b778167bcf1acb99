"""Whatever container labels, features, answers and weights come in: the bits are the ndarray's."""

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
    DELAClassifier,
    MultiLabelNetClassifier,
    PACAClassifier,
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


def polars(Y, **kwargs):
    return pl.DataFrame(Y, schema=name_columns(Y), **kwargs)


def sparse_frame(Y):
    return pd.DataFrame.sparse.from_spmatrix(sp.csr_array(Y), columns=name_columns(Y))


def with_none(Y):
    return [[None if cell != cell else cell for cell in row] for row in Y.tolist()]


# Of any numbers.
NUMBERS = {
    "list": np.ndarray.tolist,
    "tuple": lambda Y: tuple(map(tuple, Y.tolist())),
    "list of arrays": list,
    "object": lambda Y: Y.astype(object),
    "Fortran order": np.asfortranarray,
    "read-only": lambda Y: np.frombuffer(Y.tobytes(), Y.dtype).reshape(Y.shape),
    "masked": np.ma.asarray,
    **{
        f"{form}_{kind}": getattr(sp, f"{form}_{kind}")
        for form in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
        for kind in ("array", "matrix")
    },
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
    "polars with null": lambda Y: pl.DataFrame(with_none(Y), name_columns(Y), orient="row"),
    "polars of Int8": lambda Y: pl.DataFrame(with_none(Y), name_columns(Y), orient="row").cast(
        pl.Int8
    ),
    "polars of Boolean": lambda Y: pl.DataFrame(with_none(Y), name_columns(Y), orient="row").cast(
        pl.Boolean
    ),
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
    shared = {"max_epochs": 1, "batch_size": 16, "random_state": 0, "verbose": 0}
    return kind(*args, **(shared | params))


NETWORKS = {
    "linear": lambda **params: small(MultiLabelNetClassifier, linear, **params),
    "CLIF": lambda **params: small(
        CLIFClassifier, module__hidden_size=8, module__embedding_size=4, **params
    ),
    "DELA": lambda **params: small(DELAClassifier, module__hidden_sizes=(4, 8), **params),
    "PACA": lambda **params: small(PACAClassifier, module__hidden_sizes=(4, 8), **params),
}
ESTIMATORS = NETWORKS | {"MLkNN": lambda **params: MLkNN(3)}
SPLITTERS = {
    "iterstrat": IterativeStratifiedKFold(3, random_state=0),
    "skmultilearn": IterativeStratifiedKFold(3, random_state=0, method="skmultilearn"),
    "shuffle": IterativeStratifiedShuffleSplit(2, test_size=0.25, random_state=0),
}
FUNCTIONS = {name: (record.function, record.response) for name, record in METRICS.items()} | {
    "roc_auc_per_label": (metrics.roc_auc_per_label, "predict_proba"),
    "best_f1_thresholds": (metrics.best_f1_thresholds, "predict_proba"),
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


def score(Y):
    """By every scorer, and by the estimator itself."""
    n_labels = dense(Y).shape[1]
    est = FITTED[n_labels]
    values = [getattr(metrics, f"{name}_scorer")(Known(n_labels), X, Y) for name in METRICS]
    return np.array([*values, est.score(X, Y)])


def go_on(Y):
    est = NETWORKS["linear"](train_split=None).fit(X, dense(Y))
    return est.partial_fit(X, Y).predict_proba(X)


def balance(Y):
    est = NETWORKS["linear"](label_weight="balanced", pos_weight="balanced", threshold="tune")
    return np.append(est.fit(X, Y).predict_proba(X), est.thresholds_)


def select(Y):
    est = NETWORKS["linear"](
        batch_selector=D2ACE(n_neighbors=2, warmup_epochs=1),
        max_epochs=2,
        train_split=IterativeStratifiedShuffleSplit(random_state=0),
    )
    return est.fit(X, Y).predict_proba(X)


def describe(Y):
    return np.hstack([np.ravel(part) for part in datasets.describe(Y)])


FITTED = {
    n_labels: NETWORKS["linear"]().fit(X, np.hstack([Y, Y])[:, :n_labels]) for n_labels in (2, 3, 4)
}
TAKE_UNKNOWN = {
    **{name: fitted_on(make) for name, make in NETWORKS.items()},
    "D2ACE, split": select,
    "balanced, tuned": balance,
    "partial_fit": go_on,
    **{name: indices(splitter) for name, splitter in SPLITTERS.items()},
    "metrics": measure,
    "scorers": score,
    "drop_rare_labels": lambda Y: dense(datasets.drop_rare_labels(Y, 2)),
    "drop_unlabelled": lambda Y: np.hstack(list(map(dense, datasets.drop_unlabelled(X, Y)))),
}
CONSUMERS = TAKE_UNKNOWN | {"MLkNN": fitted_on(ESTIMATORS["MLkNN"]), "describe": describe}
expected = {}
pytestmark = pytest.mark.filterwarnings("ignore:A column-vector y")


def assert_like_array(consumer, container, Y, key):
    """The ndarray's own result is computed once."""
    if (consumer, key) not in expected:
        expected[consumer, key] = CONSUMERS[consumer](Y)
    np.testing.assert_array_equal(CONSUMERS[consumer](container), expected[consumer, key])


@pytest.mark.parametrize("container", LABELS)
@pytest.mark.parametrize("consumer", CONSUMERS)
def test_labels(consumer, container):
    assert_like_array(consumer, LABELS[container](Y), Y, "all")


@pytest.mark.parametrize("container", NUMBERS | UNKNOWN)
@pytest.mark.parametrize("consumer", TAKE_UNKNOWN)
def test_unknown_labels(consumer, container):
    assert_like_array(consumer, (NUMBERS | UNKNOWN)[container](HIDDEN), HIDDEN, "unknown")


@pytest.mark.parametrize("consumer", set(CONSUMERS) - {"CLIF", "DELA", "PACA", "scorers"})
def test_one_column(consumer):
    """In every container; the network is the same in all of them."""
    for make in LABELS.values():
        assert_like_array(consumer, make(Y[:, :1]), Y[:, :1], "one")

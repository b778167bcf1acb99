"""Missing features: the same medians of the training part for every method, and said so."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import KFold

from skd2ace.benchmark import Experiment, report
from skd2ace.benchmark.run._task import Task
from skd2ace.neighbors import MLkNN

SEEN = []


class SeesFeatures(ClassifierMixin, BaseEstimator):
    """Notes in SEEN what it is given, in training and after."""

    def fit(self, X, Y):
        SEEN.append(X.copy())
        self.rate_ = Y.mean(0)
        return self

    def predict_proba(self, X):
        SEEN.append(X.copy())
        return np.tile(self.rate_, (X.shape[0], 1))

    def predict(self, X):
        return (np.tile(self.rate_, (X.shape[0], 1)) > 0.5).astype(int)


@pytest.fixture
def lacking(data):
    X, Y = data
    X = X.copy()
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    # In the first of two folds, no training instance has this feature.
    X[len(X) // 2 :, 3] = np.nan
    return X, Y


def dense(X):
    return X.toarray() if sp.issparse(X) else X


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_the_medians_of_the_training_part(lacking, kind, clif):
    X, Y = lacking
    SEEN.clear()
    methods = {"one": SeesFeatures(), "two": SeesFeatures(), "net": clif(), "knn": MLkNN(3)}
    experiment = Experiment({"d": (kind(X), Y)}, methods, KFold(2))
    results = experiment.run(progress=False)
    assert len(results) == 8
    assert experiment.failures().empty
    assert set(results["imputation"]) == {"median"}
    for fold, (train, test) in enumerate(KFold(2).split(X)):
        expected = X.copy()
        for j in range(X.shape[1]):
            known = X[train, j][~np.isnan(X[train, j])]
            expected[np.isnan(X[:, j]), j] = np.median(known) if len(known) else 0
        if kind is np.asarray:
            low, high = expected[train].min(0), expected[train].max(0)
            expected = (expected - low) / np.where(high > low, high - low, 1)
        else:
            most = abs(expected[train]).max(0)
            expected = expected / np.where(most > 0, most, 1)
        of_fold = SEEN[4 * fold : 4 * fold + 4]
        for method in (0, 2):
            np.testing.assert_allclose(dense(of_fold[method]), expected[train])
            np.testing.assert_allclose(dense(of_fold[method + 1]), expected[test])


def test_the_report_names_the_data_sets(data, lacking):
    methods = {"one": MLkNN(3), "two": MLkNN(5)}
    results = Experiment({"full": data, "holes": lacking}, methods, 3).run(progress=False)
    text = report(results)
    assert "Missing features of holes: every method got the same imputation, the median" in text
    assert "Missing features" not in report(results[results["dataset"] == "full"])
    assert "Missing features" not in report(results.drop(columns="imputation"))


def test_fits_of_full_sets_are_what_they_were(data, lacking):
    """Only imputed ones are other fits than those of before, with which none is compared."""
    full = Experiment({"d": data}, {"knn": MLkNN(3)}, 3).run(progress=False)
    holes = Experiment({"d": lacking}, {"knn": MLkNN(3)}, 3).run(progress=False)
    assert "imputation" not in full
    # Settings and folds are the same; what tells the fits apart is the imputation.
    assert full["settings"].tolist() == holes["settings"].tolist()
    assert not set(full["split"]) & set(holes["split"])
    mixed = pd.concat([full.assign(method="of before"), holes.assign(method="new")])
    left_out = re.search("Left out: (.*), whose folds", report(mixed))
    assert left_out is not None
    assert left_out[1] in ("of before", "new")
    # As stores have it already.
    rows = np.arange(4), np.arange(4, 6)
    assert Task(None, None, 7, *rows).split == "a79be7105bf44156"
    assert Task(None, None, 7, *rows, is_imputed=True).split != Task(None, None, 7, *rows).split

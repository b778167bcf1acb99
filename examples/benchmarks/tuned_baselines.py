"""Baselines with thresholds tuned as ours are: what remains of a better Macro-F1.

    export PYTHONPATH=examples/benchmarks
    python -m skd2ace.benchmark run --datasets enron --folds 5 --store tables.sqlite \
        --method "mlp tuned=tuned_baselines:make_mlp"

``TabMClassifier(threshold="tune")`` chooses each label's threshold on predictions of members that
did not see a row. A baseline has no such members: here each third of the rows is predicted by a
copy that was trained on the others, and the estimator itself is trained on all.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from skd2ace.benchmark import make_methods
from skd2ace.benchmark.run._scoring import predict_label_probabilities
from skd2ace.metrics import best_thresholds
from skd2ace.model_selection import IterativeStratifiedKFold


class TunedThresholds(ClassifierMixin, BaseEstimator):
    """Tune the thresholds of a classifier, for Macro-F1, on cross-fitted probabilities (n, q)."""

    def __init__(self, estimator, n_folds=3, random_state=None):
        self.estimator = estimator
        self.n_folds = n_folds
        self.random_state = random_state

    def fit(self, X, Y):
        proba = np.empty(Y.shape)
        folds = IterativeStratifiedKFold(self.n_folds, random_state=self.random_state)
        for train, test in folds.split(X, Y):
            copy = clone(self.estimator).fit(X[train], Y[train])
            proba[test] = predict_label_probabilities(copy, X[test])
        self.thresholds_ = best_thresholds(Y, proba)
        self.estimator_ = clone(self.estimator).fit(X, Y)
        self.classes_ = self.estimator_.classes_
        return self

    def predict_proba(self, X):
        return self.estimator_.predict_proba(X)

    def predict(self, X):
        return (predict_label_probabilities(self, X) >= self.thresholds_).astype(int)


def _make(name):
    return TunedThresholds(make_methods([], [], [name])[name])


def make_logistic_regression():
    return _make("logistic-regression")


def make_mlp():
    return _make("mlp")


def make_random_forest():
    return _make("random-forest")


def make_extra_trees():
    return _make("extra-trees")


def make_xgboost():
    return _make("xgboost")

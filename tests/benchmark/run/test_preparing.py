"""What methods are given: the same for all but those that prepare features themselves."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from skd2ace import CLIFClassifier, TabMClassifier
from skd2ace.benchmark import Experiment, report
from skd2ace.benchmark.run._data import digest_values, load_data
from skd2ace.benchmark.run._preparing import make_preparation
from skd2ace.neighbors import MLkNN
from skd2ace.preprocessing import TabularPreprocessor

SEEN = []


class SeesFeatures(ClassifierMixin, BaseEstimator):
    """Notes in SEEN what it is fitted to."""

    def __init__(self, preprocessor=None):
        self.preprocessor = preprocessor

    def fit(self, X, Y):
        SEEN.append(X.copy())
        self.rate_ = Y.mean(0)
        return self

    def predict_proba(self, X):
        return np.tile(self.rate_, (len(X), 1))

    def predict(self, X):
        return (self.predict_proba(X) > 0.5).astype(int)


@pytest.fixture
def table(data):
    """Numbers, some missing, and words, some missing and some in the last fold only."""
    X, Y = data
    frame = pd.DataFrame(X[:, :2] * 7, columns=["size", "age"])
    frame.loc[::5, "age"] = np.nan
    words = np.where(X[:, 2] > np.median(X[:, 2]), "red", "blue").astype(object)
    words[::7] = None
    words[-1] = "green"
    frame["colour"] = pd.Categorical(words)
    return frame.set_index(np.arange(len(X)) + 100), Y


def test_as_it_is_or_encoded_and_scaled(table):
    X, Y = table
    SEEN.clear()
    methods = {"own": SeesFeatures("auto"), "given": SeesFeatures()}
    results = Experiment({"d": (X, Y)}, methods, KFold(2)).run(progress=False)
    assert len(results) == 4
    for fold, (train, _) in enumerate(KFold(2).split(X)):
        own, given = SEEN[2 * fold : 2 * fold + 2]
        rows = X.iloc[train]
        np.testing.assert_array_equal(own[["size", "age"]], rows[["size", "age"]])
        assert (
            own["colour"].fillna("?").tolist() == rows["colour"].astype(object).fillna("?").tolist()
        )
        filled = rows[["size", "age"]].fillna(rows[["size", "age"]].median()).to_numpy()
        low, high = filled.min(0), filled.max(0)
        words = rows["colour"].astype(object).where(rows["colour"].notna(), None)
        names = [*sorted(words.dropna().unique()), None]
        encoded = [[word is name or word == name for name in names] for word in words]
        expected = np.hstack([(filled - low) / (high - low), np.array(encoded, float)])
        np.testing.assert_allclose(given, expected)
    imputed = results.set_index("method")["imputation"]
    assert set(imputed["given"]) == {"median"}
    assert imputed["own"].isna().all()
    told = "Missing features of d: every method but own, which reads what is missing, got the same"
    assert told in report(results)


@pytest.mark.filterwarnings("ignore:Label .* is present in all")
def test_methods_on_a_table_with_words(table, clif):
    pipeline = make_pipeline(TabularPreprocessor(), OneVsRestClassifier(LogisticRegression()))
    tabm = TabMClassifier(module__k=2, module__width=8, max_epochs=2, verbose=0)
    methods = {"pipeline": pipeline, "tabm": tabm, "knn": MLkNN(3), "clif": clif()}
    experiment = Experiment({"d": table}, methods, KFold(2))
    results = experiment.run(progress=False)
    assert experiment.failures().empty
    assert set(results["method"]) == set(methods)
    assert results.groupby("fold")["split"].nunique().eq(1).all()


@pytest.mark.parametrize(
    ("estimator", "is_own"),
    [
        (CLIFClassifier(), False),
        (CLIFClassifier(preprocessor="auto"), True),
        (TabMClassifier(), True),
        (TabMClassifier(preprocessor=None), False),
        (make_pipeline(TabularPreprocessor(), MLkNN()), True),
        (make_pipeline(MLkNN()), False),
        (MLkNN(), False),
    ],
    ids=str,
)
def test_which_methods_prepare_features_themselves(data, estimator, is_own):
    X, _ = data
    assert (make_preparation(estimator, X, is_imputed=False) == []) == is_own


def test_frames_of_numbers_are_what_they_were(data):
    """Stores know them by the values alone."""
    X, Y = data
    frame = pd.DataFrame(X).astype({0: "float32", 1: object})
    frame[0], frame[2] = X[:, 0], pd.array(X[:, 2])
    loaded, _ = load_data((frame, Y))
    assert isinstance(loaded, np.ndarray)
    assert digest_values(loaded, Y) == digest_values(X, Y)


def test_tables_are_known_by_their_values(table):
    X, Y = table
    digests = [
        digest_values(*load_data((frame, Y)))
        for frame in (
            X,
            X.reset_index(drop=True).astype({"colour": object}),
            X.assign(colour=X["colour"].cat.rename_categories({"red": "rot"})),
            X.assign(age=X["age"].fillna(0)),
            X.rename(columns={"age": "years"}),
        )
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_infinite_numbers_in_a_table_are_refused(table):
    X, Y = table
    with pytest.raises(ValueError, match="infinity"):
        load_data((X.assign(size=np.inf), Y))
    words_only, _ = load_data((X[["colour"]], Y))
    assert words_only.shape == (len(X), 1)


def test_sparse_features_go_through_as_they_are(data):
    X, Y = data
    SEEN.clear()
    sparse = sp.csr_array(X * (X > 0))

    class SeesSparse(SeesFeatures):
        def predict_proba(self, X):
            return np.tile(self.rate_, (X.shape[0], 1))

    Experiment({"d": (sparse, Y)}, {"own": SeesSparse("auto")}, KFold(2)).run(progress=False)
    (train, _), *_ = KFold(2).split(X)
    np.testing.assert_array_equal(SEEN[0].toarray(), sparse.toarray()[train])

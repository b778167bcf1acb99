"""``preprocessor=``: as if the rows to train on were prepared by hand; kept with the fit."""

import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch.utils.data import Subset

from skd2ace import MultiLabelNetClassifier, TabMClassifier
from skd2ace.preprocessing import TabularPreprocessor
from skd2ace.training import Checkpointing, TensorDataset


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5)) * [1, 10, 100, 1, 1] + 3
    return X, (X @ rng.normal(size=(5, 3)) > 0).astype(int)


@pytest.fixture
def frame(data):
    """Numbers with a gap, and words."""
    X, _ = data
    frame = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    frame["word"] = np.random.default_rng(1).choice(["x", "y", "z"], len(X))
    frame.loc[4, "a"] = np.nan
    return frame


def by_hand(est, scaler, X):
    """X as a scaler makes it that is fitted on the rows that an estimator trained on."""
    return scaler.fit(X[est.train_indices_]).transform(X).astype(np.float32)


# Selectors find neighbours, CLIF its label graph, and both count weights and unknown labels.
def test_is_the_same_as_preparing_the_rows_to_train_on_by_hand(make_two, data, other_rows):
    compare_with_preparing_by_hand(make_two, data, 0.2, other_rows)


@pytest.mark.parametrize("train_split", [None, ShuffleSplit(test_size=0.3)])
def test_is_the_same_with_any_split(make, data, other_rows, train_split):
    compare_with_preparing_by_hand(make, data, train_split, other_rows)


def compare_with_preparing_by_hand(make_two, data, train_split, other_rows):
    X, Y = data
    Y = np.where(np.random.default_rng(2).random(Y.shape) < 0.1, np.nan, Y)
    given = {"sample_weight": np.random.default_rng(3).uniform(0.5, 2, len(X))}
    inside = make_two(preprocessor=StandardScaler(), train_split=train_split).fit(X, Y, **given)
    Z = by_hand(inside, StandardScaler(), X)
    outside = make_two(preprocessor=None, train_split=train_split).fit(Z, Y, **given)
    assert_array_equal(inside.train_indices_, outside.train_indices_)
    assert_array_equal(inside.predict_proba(X), outside.predict_proba(Z))
    # Training goes on without fitting anew.
    before = inside.preprocessor_.mean_.copy()
    other = X[::-1] * 2
    with other_rows(inside):
        inside.partial_fit(other, Y, **given)
    with other_rows(outside):
        outside.partial_fit(inside.preprocessor_.transform(other).astype(np.float32), Y, **given)
    assert_array_equal(inside.preprocessor_.mean_, before)
    assert_array_equal(inside.decision_function(X), outside.decision_function(Z))


def test_the_parameter_is_left_as_it_is(make, data):
    scaler = StandardScaler()
    est = make(preprocessor=scaler).fit(*data)
    assert not hasattr(scaler, "mean_")
    assert est.preprocessor is scaler
    assert not hasattr(clone(est), "preprocessor_")


def test_tables_of_words_and_gaps(make_two, frame, data):
    _, Y = data
    est = make_two(preprocessor="auto").fit(frame, Y)
    assert est.n_features_in_ == 4
    assert est.feature_names_in_.tolist() == ["a", "b", "c", "word"]
    assert isinstance(est.preprocessor_, TabularPreprocessor)
    assert est.predict_proba(frame.iloc[:7]).shape == (7, 3)
    assert 0 <= est.score(frame, Y) <= 1
    with pytest.raises(ValueError, match="feature names"):
        est.predict(frame[["b", "a", "c", "word"]])
    with pytest.raises(ValueError, match="NaN"):
        make_two(preprocessor=None).fit(frame[["a", "b", "c"]], Y)


def test_a_table_network_prepares_by_default(frame, data):
    est = TabMClassifier(max_epochs=2, random_state=0, verbose=0).fit(frame, data[1])
    assert isinstance(est.preprocessor_, TabularPreprocessor)
    assert est.oob_proba_.shape == (60, 3)


def test_warm_start_keeps_it_and_another_one_begins_afresh(make, data):
    X, Y = data
    est = make(preprocessor=StandardScaler(), warm_start=True).fit(X, Y)
    fitted = est.preprocessor_
    est.fit(X * 3, Y)
    assert est.preprocessor_ is fitted
    assert len(est.history) == 10
    # What is set to what it is changes nothing.
    est.set_params(**est.get_params()).fit(X, Y)
    assert len(est.history) == 15
    for params in ({"preprocessor__with_mean": False}, {"preprocessor": PCA(2)}):
        est.set_params(**params).fit(X, Y)
        assert est.preprocessor_ is not fitted
        assert len(est.history) == 5
    est.set_params(preprocessor=None).fit(X, Y)
    assert not hasattr(est, "preprocessor_")
    assert est.predict(X).shape == Y.shape


def test_a_lazy_network_takes_its_new_size(data):
    class Lazy(torch.nn.Module):
        def __init__(self, n_labels):
            super().__init__()
            self.linear = torch.nn.LazyLinear(n_labels)

        def forward(self, X):
            return self.linear(X)

    X, Y = data
    est = MultiLabelNetClassifier(Lazy, max_epochs=1, verbose=0, preprocessor=PCA(2)).fit(X, Y)
    assert est.module_.linear.in_features == 2
    est.set_params(preprocessor=None).partial_fit(X, Y)
    assert est.module_.linear.in_features == 5


def test_search_over_preprocessors_and_their_parameters(make, data):
    X, Y = data
    grid = [
        {"preprocessor": [None, "auto"]},
        {"preprocessor": [PCA()], "preprocessor__whiten": [True, False]},
    ]
    search = GridSearchCV(make(max_epochs=1), grid, cv=2, error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 4


@pytest.mark.parametrize("preprocessor", [None, "auto"])
def test_parameters_of_nothing_are_refused(make, preprocessor):
    with pytest.raises(ValueError, match=r"preprocessor is .* and has no parameters"):
        make(preprocessor=preprocessor).set_params(preprocessor__with_mean=False)


@pytest.mark.parametrize("wrong", ["other", 3, MultiLabelNetClassifier, StandardScaler().fit])
def test_what_is_no_preprocessor_is_refused(make, data, wrong):
    with pytest.raises((ValueError, TypeError), match="preprocessor"):
        make(preprocessor=wrong).fit(*data)


def test_what_draws_is_seeded(make, data):
    X, Y = data
    X = np.hstack([X, np.random.default_rng(4).normal(size=(60, 60))])
    draws = PCA(2, svd_solver="randomized", iterated_power=0, n_oversamples=1)
    once, again = (make(preprocessor=draws).fit(X, Y) for _ in range(2))
    other = make(preprocessor=draws, random_state=1, train_split=None).fit(X, Y)
    same_rows = make(preprocessor=draws, train_split=None).fit(X, Y)
    assert_array_equal(once.predict_proba(X), again.predict_proba(X))
    assert not np.allclose(other.preprocessor_.components_, same_rows.preprocessor_.components_)


def test_sparse_tables_stay_sparse(make, data):
    X, Y = data
    X = sp.coo_array(X * (X > 3))
    est = make(preprocessor="auto").fit(X, Y)
    assert est.preprocessor_.is_sparse_
    assert est.predict(X.tocsr()[:4]).shape == (4, 3)


def test_texts(make, data):
    texts = [f"{'one two ' * (row % 3)} three" for row in range(60)]
    est = make(preprocessor=CountVectorizer()).fit(texts, data[1])
    assert est.predict_proba(texts[:5]).shape == (5, 3)


def test_thresholds_are_tuned_by_copies_that_prepare_their_own_rows(make, frame, data):
    est = make(preprocessor="auto", threshold="tune", train_split=None).fit(frame, data[1])
    assert est.thresholds_.shape == (3,)


def test_splitters_see_the_rows_as_they_are_given(make, frame, data):
    def hold_out_some_words(dataset, y=None, **kwargs):
        held_out = (dataset.X["word"] == "x").to_numpy()
        return Subset(dataset, np.flatnonzero(~held_out)), Subset(dataset, np.flatnonzero(held_out))

    est = make(preprocessor="auto", train_split=hold_out_some_words).fit(frame, data[1])
    assert_array_equal(est.valid_indices_, np.flatnonzero(frame["word"] == "x"))


def test_rows_of_other_data_are_refused(make, data):
    X, Y = data
    train_split = predefined_split(Dataset(X.astype(np.float32), Y.astype(np.float32)))
    with pytest.raises(TypeError, match="train_split must split the rows"):
        make(preprocessor="auto", train_split=train_split).fit(X, Y)


@pytest.mark.parametrize("dataset", [Dataset, TensorDataset])
def test_what_is_held_out_is_scored_in_any_dataset(make, frame, data, dataset):
    est = make(preprocessor="auto", dataset=dataset).fit(frame, data[1])
    expected = make(preprocessor="auto").fit(frame, data[1])
    assert est.history[:, "valid_macro_auc"] == expected.history[:, "valid_macro_auc"]


def test_data_sets_are_opened_or_refused_but_never_unprepared(make, data):
    X, Y = data
    est = make(preprocessor=StandardScaler()).fit(X, Y)
    raw = TensorDataset(X.astype(np.float32))
    expected = est.predict_proba(X.astype(np.float32))
    assert_array_equal(est.predict_proba(raw), expected)
    items = Subset(TensorDataset(X.astype(np.float32), Y), range(60))
    for use in (est.predict_proba, make(preprocessor="auto").fit):
        with pytest.raises(TypeError, match="preprocessor=None"):
            use(items)


def test_a_failed_fit_leaves_the_old_one(make, frame, data):
    est = make(preprocessor="auto").fit(frame, data[1])
    before, proba = est.preprocessor_, est.predict_proba(frame)
    with pytest.raises(ValueError, match="infinity"):
        est.fit(frame.assign(a=np.inf), data[1])
    assert est.preprocessor_ is before
    assert_array_equal(est.predict_proba(frame), proba)


@pytest.mark.parametrize("how", ["pickle", "file"])
@pytest.mark.parametrize("preprocessor", ["auto", TabularPreprocessor()])
def test_is_kept(make, frame, data, tmp_path, other_rows, how, preprocessor):
    keep_and_compare(make(preprocessor=preprocessor), frame, data, tmp_path, how, other_rows)


def test_is_kept_in_files_of_all(make_two, frame, data, tmp_path, other_rows):
    keep_and_compare(make_two(preprocessor="auto"), frame, data, tmp_path, "file", other_rows)


def keep_and_compare(est, frame, data, tmp_path, how, other_rows):
    _, Y = data
    # A rare category: all that an encoder can learn.
    frame.loc[7, "word"] = "rare"
    est.fit(frame, Y)
    if how == "pickle":
        again = pickle.loads(pickle.dumps(est))
    else:
        est.save(tmp_path / "est.skd2ace")
        params = {"module": est.module} if type(est) is MultiLabelNetClassifier else {}
        again = type(est).load(tmp_path / "est.skd2ace", **params)
    frame.loc[0, "word"] = "new"
    frame.loc[1, "b"] = np.nan
    assert_array_equal(again.predict_proba(frame), est.predict_proba(frame))
    names = [e.preprocessor_.get_feature_names_out().tolist() for e in (again, est)]
    assert names[0] == names[1]
    for one in (est, again):
        with other_rows(one):
            one.partial_fit(frame, Y)
    assert_array_equal(again.predict_proba(frame), est.predict_proba(frame))


def test_sparse_one_is_kept(make_clif, data, tmp_path):
    X, Y = data
    X = sp.csr_array(X * (X > 3))
    X.data[3] = np.nan
    est = make_clif(preprocessor="auto").fit(X, Y)
    est.save(tmp_path / "est.skd2ace")
    again = type(est).load(tmp_path / "est.skd2ace")
    assert_array_equal(again.predict_proba(X), est.predict_proba(X))


def test_a_foreign_one_is_given_to_load_as_it_was_fitted(make_clif, frame, data, tmp_path):
    path = tmp_path / "est.skd2ace"
    est = make_clif(preprocessor=OneHotEncoder(handle_unknown="ignore")).fit(frame, data[1])
    est.save(path)
    with pytest.raises(ValueError, match=r"cannot hold preprocessor=sklearn\.\S*OneHotEncoder"):
        type(est).load(path)
    for unfitted in (OneHotEncoder(), "auto"):
        with pytest.raises(ValueError, match="fitted"):
            type(est).load(path, preprocessor=unfitted)
    again = type(est).load(path, preprocessor=est.preprocessor_)
    assert_array_equal(again.predict_proba(frame), est.predict_proba(frame))


@pytest.mark.parametrize("random_state", [0, None])
def test_a_training_that_died_goes_on_to_the_same_bits(make, frame, data, tmp_path, random_state):
    _, Y = data
    est = make(
        preprocessor="auto", random_state=random_state, callbacks=[Checkpointing(tmp_path / "a")]
    ).fit(frame, Y)
    (tmp_path / "a" / "epoch-000005.skd2ace").unlink()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    again = clone(est).set_params(callbacks=[Checkpointing(tmp_path / "b")])
    again.fit(frame, Y, resume=tmp_path / "b")
    assert len(again.history) == 5
    assert_array_equal(again.predict_proba(frame), est.predict_proba(frame))
    changed = frame.assign(b=frame["b"] + np.arange(60))
    with pytest.raises(ValueError, match="other data"):
        clone(again).fit(changed, Y, resume=tmp_path / "a")


def test_tags_are_those_of_the_preprocessor(make):
    words = make(preprocessor="auto").__sklearn_tags__().input_tags
    assert words.allow_nan
    assert words.string
    numbers = make(preprocessor=PCA()).__sklearn_tags__().input_tags
    assert not numbers.allow_nan
    assert not make().__sklearn_tags__().input_tags.allow_nan


class AddsNaN(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.where(X > 3, np.nan, X)

    def __sklearn_is_fitted__(self):
        return True


def test_what_it_gives_must_be_finite(make, data):
    with pytest.raises(ValueError, match="NaN"):
        make(preprocessor=AddsNaN()).fit(*data)

"""``preprocessor=`` with all else: parts, selectors, weights, searches, files, resuming."""

from copy import deepcopy

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from torch.utils.data import TensorDataset

from skd2ace import MultiLabelNetClassifier
from skd2ace._archive import ArchiveError
from skd2ace.classifier._split import find_rows, select_parts
from skd2ace.preprocessing import TabularPreprocessor
from skd2ace.selection import D2ACE
from skd2ace.training import Checkpointing


@pytest.fixture
def table(data):
    """Features with a column of words, and gaps in it and in a column of numbers."""
    frame = pd.DataFrame(data[0], columns=list("abcdefgh"))
    words = np.random.default_rng(0).choice(["red", "green", "blue"], 60).astype(object)
    words[::9] = None
    frame.loc[::7, "a"] = np.nan
    return frame.assign(word=words), data[1]


def prepared_alike(fitted, other, X):
    one, another = fitted.transform(X), other.transform(X)
    return (one != another).nnz == 0 if sp.issparse(one) else np.array_equal(one, another)


# The rows that it is fitted on


def test_fitted_on_training_rows(make_two, table):
    X, Y = table
    est = make_two(preprocessor="auto", train_split=0.3).fit(X, Y)
    assert len(est.valid_indices_) == 18
    alone = TabularPreprocessor().fit(X.iloc[est.train_indices_])
    assert prepared_alike(est.preprocessor_, alone, X)
    assert not prepared_alike(est.preprocessor_, TabularPreprocessor().fit(X), X)


@pytest.mark.parametrize("preprocessor", ["auto", StandardScaler(), PCA(3)])
def test_held_out_rows_have_no_say(make_two, data, preprocessor, outcome):
    X, Y = data
    est = make_two(preprocessor=preprocessor, train_split=0.3, callbacks__best_epoch=None)
    weights, _, _ = outcome_without_best(est.fit(X, Y), outcome)
    other = X.copy()
    other[est.valid_indices_] *= 1000
    changed, _, _ = outcome_without_best(clone(est).fit(other, Y), outcome)
    assert changed == weights


def outcome_without_best(est, outcome):
    est.best_epoch_ = None
    return outcome(est)


@pytest.mark.parametrize("preprocessor", [StandardScaler(), PCA(3)])
def test_the_same_as_in_a_pipeline(make_two, data, preprocessor):
    X, Y = data
    est = make_two(preprocessor=preprocessor, train_split=None).fit(X, Y)
    pipeline = make_pipeline(preprocessor, make_two(preprocessor=None, train_split=None))
    expected = pipeline.fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(est.predict_proba(X), expected)


def test_groups_stay_together(make, table):
    X, Y = table
    groups = np.arange(60) // 5
    est = make(preprocessor="auto", train_split=GroupKFold(3)).fit(X, Y, groups=groups)
    assert not {*groups[est.train_indices_]} & {*groups[est.valid_indices_]}
    assert len({*est.train_indices_, *est.valid_indices_}) == 60
    alone = TabularPreprocessor().fit(X.iloc[est.train_indices_])
    assert prepared_alike(est.preprocessor_, alone, X)


@pytest.mark.parametrize(
    ("train", "valid"), [(range(9), []), ([*range(1, 9), 0], []), ([4, 2, 7], [0, 8])]
)
def test_parts_are_the_rows_that_were_split(train, valid):
    dataset = TensorDataset(torch.arange(9))
    parts = select_parts(dataset, np.array([*train]), np.array(valid, dtype=int))
    assert [*find_rows(parts[0], dataset)] == [*train]
    assert [*find_rows(parts[1], dataset)] == valid
    assert (parts[1] is None) == (not valid)


# Tables in, everywhere


def as_polars(frame):
    cells = frame.astype(object).where(frame.notna(), None)
    return pl.DataFrame({name: cells[name].to_list() for name in cells})


CONTAINERS = {
    "pandas": lambda frame: frame,
    "polars": as_polars,
    "of objects": lambda frame: frame.to_numpy(dtype=object),
    "lists": lambda frame: frame.to_numpy(dtype=object).tolist(),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_words_and_gaps(make, table, container):
    frame, Y = table
    X = CONTAINERS[container](frame)
    plain = make(preprocessor="auto").fit(frame, Y)
    est = make(preprocessor="auto").fit(X, Y)
    for method in ("predict", "predict_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(est, method)(X), getattr(plain, method)(frame))
    assert est.score(X, Y) == (est.predict(X) == Y).all(axis=1).mean()
    assert est.n_features_in_ == 9
    # scikit-learn 1.6 knows polars by a protocol that polars has given up.
    if container == "pandas" or (container == "polars" and hasattr(est, "feature_names_in_")):
        assert list(est.feature_names_in_) == [*frame.columns]


@pytest.mark.parametrize("form", [sp.csr_array, sp.coo_matrix])
def test_sparse(make, data, form):
    X, Y = form(np.where(data[0] > 0.5, data[0], 0)), data[1]
    for preprocessor in ("auto", TruncatedSVD(3, random_state=0)):
        est = make(preprocessor=preprocessor).fit(X, Y)
        proba = est.predict_proba(X)
        np.testing.assert_array_equal(est.predict_proba(sp.csr_array(X)), proba)


def test_columns_are_those_given(make, table):
    X, Y = table
    est = make(preprocessor="auto").fit(X, Y)
    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(ValueError, match="feature names should match"):
            getattr(est, method)(X[X.columns[::-1]])
        with pytest.raises(ValueError, match="now missing:\n- word"):
            getattr(est, method)(X.drop(columns="word"))
    with pytest.raises(ValueError, match="feature names should match"):
        est.partial_fit(X.rename(columns={"a": "z"}), Y)
    est.fit(X.to_numpy(dtype=object), Y)
    with pytest.raises(ValueError, match=r"X has 8 features, .* expecting 9"):
        est.predict(X.to_numpy(dtype=object)[:, :8])


@pytest.mark.parametrize("X", [np.zeros((60, 2, 2)), np.zeros(60)])
def test_what_is_no_table(make, data, X):
    with pytest.raises(ValueError, match=r"2D array|dim 3"):
        make(preprocessor="auto").fit(X, data[1])


# What goes with it in a training


class Tells(D2ACE):
    """Keeps what it was started with."""

    def start(self, X, Y, **settings):
        self.told_ = X, settings["neighbor_features"]
        return super().start(X, Y, **settings)


def test_selectors_see_what_was_prepared(make, table):
    X, Y = table
    est = make(preprocessor="auto", batch_selector=Tells(n_neighbors=3)).fit(X, Y)
    expected = est.preprocessor_.transform(X)[est.train_indices_]
    np.testing.assert_array_equal(est.batch_selector_.told_[0], expected)


def test_neighbor_features_are_not_prepared(make, table):
    X, Y = table
    features = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    est = make(preprocessor="auto", batch_selector=Tells(n_neighbors=3))
    est.fit(X, Y, neighbor_features=features)
    np.testing.assert_array_equal(est.batch_selector_.told_[1], features[est.train_indices_])


def test_weights_and_unknown_labels(make, data, outcome):
    """As on features that were prepared before."""
    X, Y = data
    rng = np.random.default_rng(0)
    Y = np.where(rng.random(Y.shape) < 0.2, np.nan, Y)
    weight = rng.uniform(size=60)
    est = make(preprocessor=StandardScaler(), train_split=None).fit(X, Y, sample_weight=weight)
    plain = make(train_split=None)
    plain.fit(StandardScaler().fit_transform(X), Y, sample_weight=weight)
    assert outcome_without_best(est, outcome) == outcome_without_best(plain, outcome)


# After a fit


@pytest.mark.parametrize("how", ["partial_fit", "warm_start"])
def test_training_on_does_not_refit_it(make, table, how):
    X, Y = table
    est = make(preprocessor="auto", warm_start=True).fit(X, Y)
    before, kept = est.preprocessor_, deepcopy(est.preprocessor_)
    (est.fit if how == "warm_start" else est.partial_fit)(X.assign(a=X["a"] * 9), Y)
    assert len(est.history) == 10
    assert est.preprocessor_ is before
    assert prepared_alike(est.preprocessor_, kept, X)


def test_partial_fit_from_the_beginning(make, table, outcome):
    X, Y = table
    est = make(preprocessor="auto").partial_fit(X, Y)
    assert outcome(est) == outcome(make(preprocessor="auto").fit(X, Y))


@pytest.mark.parametrize(
    "params",
    [{"preprocessor": PCA(2)}, {"preprocessor__n_components": 2}, {"preprocessor": None}],
)
def test_another_one_starts_afresh(make, data, params, outcome):
    X, Y = data
    est = make(preprocessor=PCA(3)).fit(X, Y)
    proba = est.predict_proba(X)
    est.set_params(**params)
    np.testing.assert_array_equal(est.predict_proba(X), proba)
    with pytest.raises(ValueError, match="preprocessor were set to others"):
        est.save("not written")
    est.partial_fit(X, Y)
    expected = make(preprocessor=PCA(3)).set_params(**params).fit(X, Y)
    assert outcome(est) == outcome(expected)
    assert hasattr(est, "preprocessor_") == (est.preprocessor is not None)


def test_what_set_params_refuses_changes_nothing(make, data, outcome):
    for preprocessor in ("auto", PCA(3)):
        est = make(preprocessor=preprocessor).fit(*data)
        with pytest.raises(ValueError, match=r"no parameters|Invalid parameter"):
            est.set_params(preprocessor__nothing=1)
        est.partial_fit(*data)
        assert len(est.history) == 10


def test_a_class_in_the_place_of_an_instance(make, data):
    with pytest.raises(TypeError, match="instance"):
        make(preprocessor=StandardScaler).fit(*data)


def test_nested_names_in_searches_and_clones(make, data):
    X, Y = data
    given = PCA(3)
    est = make(preprocessor=given)
    assert est.get_params()["preprocessor__n_components"] == 3
    copied = clone(est).set_params(preprocessor__n_components=2)
    assert (copied.preprocessor.n_components, given.n_components) == (2, 3)
    grid = {"preprocessor__n_components": [1, 8]}
    search = GridSearchCV(est, grid, cv=KFold(2), scoring="neg_log_loss").fit(X, Y[:, 0])
    best = search.best_params_["preprocessor__n_components"]
    assert search.best_estimator_.preprocessor_.n_components_ == best
    assert search.best_estimator_.module_[0].in_features == best
    assert len({*search.cv_results_["mean_test_score"]}) == 2
    # The one that was given is nobody's to fit.
    assert not hasattr(given, "components_")


# Kept and brought back


@pytest.mark.parametrize("preprocessor", ["auto", TabularPreprocessor()])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_saved(make, mlp, table, data, tmp_path, assert_same, preprocessor, is_sparse):
    X = sp.csr_array(np.where(data[0] > 0.5, data[0], 0)) if is_sparse else table[0]
    Y = data[1]
    est = make(preprocessor=preprocessor).fit(X, Y)
    est.save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", module=mlp)
    assert_same(again, est, X)
    assert_same(again.partial_fit(X, Y), est.partial_fit(X, Y), X)
    with pytest.raises(ArchiveError, match="as it was fitted, got None"):
        MultiLabelNetClassifier.load(tmp_path / "est", module=mlp, preprocessor=None)
    given = MultiLabelNetClassifier.load(tmp_path / "est", module=mlp, preprocessor="auto")
    assert prepared_alike(given.preprocessor_, est.preprocessor_, X)


def test_trimmed_and_saved(make, mlp, table, tmp_path):
    X, Y = table
    est = make(preprocessor="auto").fit(X, Y).trim_for_prediction()
    est.save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", module=mlp)
    np.testing.assert_array_equal(again.predict_proba(X), est.predict_proba(X))


def test_one_that_a_file_cannot_hold(make, mlp, data, tmp_path, assert_same):
    X, Y = data
    est = make(preprocessor=PCA(3)).fit(X, Y)
    est.save(tmp_path / "est")

    def load(**given):
        return MultiLabelNetClassifier.load(tmp_path / "est", module=mlp, **given)

    with pytest.raises(ArchiveError, match=r"give the same, load\(path, preprocessor=\.\.\.\)"):
        load()
    with pytest.raises(ArchiveError, match="not fitted"):
        load(preprocessor=PCA(3))
    for wrong in (None, "auto"):
        with pytest.raises(ArchiveError, match=f"as it was fitted, got {wrong!r}"):
            load(preprocessor=wrong)
    again = load(preprocessor=est.preprocessor_)
    assert_same(again, est, X)
    assert_same(again.partial_fit(X, Y), est.partial_fit(X, Y), X)


class PowerFailureError(Exception):
    pass


class CrashesAt(Callback):
    def __init__(self, epoch, seen):
        self.epoch, self.seen = epoch, seen

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            self.seen.append(deepcopy((net.preprocessor_, net.train_indices_)))
            raise PowerFailureError


@pytest.mark.parametrize("random_state", [0, None])
def test_resumed(make, table, tmp_path, random_state, outcome):
    """With a preprocessor that saw the rows that are trained on, seeded or not."""
    X, Y = table
    seen = []

    def build(*callbacks):
        return make(
            preprocessor="auto", random_state=random_state, train_split=0.3, callbacks=[*callbacks]
        )

    checkpoints = Checkpointing(tmp_path)
    with pytest.raises(PowerFailureError):
        build(CrashesAt(4, seen), checkpoints).fit(X, Y)
    est = build(checkpoints).fit(X, Y, resume=tmp_path)
    ((fitted, rows),) = seen
    assert len(est.history) == 5
    np.testing.assert_array_equal(est.train_indices_, rows)
    assert prepared_alike(est.preprocessor_, fitted, X)
    if random_state == 0:
        assert outcome(est) == outcome(build().fit(X, Y))


def test_resumed_with_another(make, table, tmp_path):
    X, Y = table
    X = X.drop(columns=["word", "a"])
    make(preprocessor="auto", callbacks=[Checkpointing(tmp_path)]).fit(X, Y)
    with pytest.raises(ValueError, match="of a training with other"):
        make(preprocessor=StandardScaler()).fit(X, Y, resume=tmp_path)


def test_weights_alone_do_not_prepare_features(make_tabm, data, tmp_path):
    X, Y = data
    make_tabm().fit(X, Y).save_params(f_params=tmp_path / "weights")
    sizes = {"module__n_features": X.shape[1], "module__n_labels": Y.shape[1]}
    est = make_tabm(**sizes).initialize()
    for use in (lambda: est.load_params(f_params=tmp_path / "weights"), lambda: est.predict(X)):
        with pytest.raises(NotFittedError, match="save and load keep both"):
            use()


def test_a_first_part_after_initialize(make_tabm, data, assert_same):
    X, Y = data
    sizes = {"module__n_features": X.shape[1], "module__n_labels": Y.shape[1]}
    assert_same(make_tabm(**sizes).initialize().partial_fit(X, Y), make_tabm(**sizes).fit(X, Y), X)


def test_a_preprocessor_that_looks_at_labels(make_two, data):
    X, Y = data
    est = make_two(preprocessor=SelectKBest(k=2)).fit(X, Y[:, 0])
    rows = est.train_indices_
    expected = SelectKBest(k=2).fit(X[rows], Y[rows, 0])
    np.testing.assert_array_equal(est.preprocessor_.get_support(), expected.get_support())


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_what_transformers_give_elsewhere_does_not_matter(make_tabm, data, output):
    X, Y = sp.csr_array(np.where(data[0] > 0, data[0], 0)), data[1]
    expected = make_tabm().fit(X, Y).predict_proba(X)
    with config_context(transform_output=output):
        est = make_tabm().fit(X, Y)
        np.testing.assert_array_equal(est.predict_proba(X), expected)

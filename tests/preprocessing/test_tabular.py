"""TabularPreprocessor against formulas, scikit-learn's own transformers and its checks."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from scipy.stats import norm
from sklearn import config_context
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skd2ace.preprocessing import TabularPreprocessor


@parametrize_with_checks([TabularPreprocessor()])
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture
def table():
    """Numbers with gaps, a bool, a category and a string, of sixty rows."""
    rng = np.random.default_rng(0)
    columns = {
        "size": rng.normal(size=60).round(3).tolist(),
        "on": (rng.random(60) < 0.3).tolist(),
        "kind": rng.choice(["a", "b", "c"], 60).tolist(),
    }
    columns["size"][3] = None
    columns["kind"][5] = None
    return columns


def transform(X, Z=None):
    return TabularPreprocessor().fit(X).transform(X if Z is None else Z)


def test_numbers_are_scaled_by_median_and_quartiles_and_bent():
    X = np.random.default_rng(0).standard_cauchy((200, 2)) * [1, 50] + [3, -7]
    low, middle, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
    z = (X - middle) / (high - low)
    np.testing.assert_allclose(transform(X), z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-5, atol=1e-6)


def test_numbers_with_many_ties_are_mapped_to_a_normal_distribution():
    rng = np.random.default_rng(0)
    x = np.where(rng.random(3000) < 0.8, 0, rng.exponential(size=3000))
    (out,) = transform(x[:, None]).T
    share = (x == 0).mean()
    # The middle of the ranks of all zeros, and of each other value its own.
    assert np.unique(out[x == 0]).item() == pytest.approx(norm.ppf(share / 2), abs=0.05)
    order = np.argsort(x)
    assert (np.diff(out[order]) >= 0).all()
    ranks = (np.arange(3000) + 0.5) / 3000
    inside = (ranks > share + 0.02) & (ranks < 0.98)
    np.testing.assert_allclose(out[order][inside], norm.ppf(ranks[inside]), atol=0.05)
    assert np.abs(transform(x[:, None], np.array([[-1e9], [1e9]]))).max() < 6


def test_columns_of_two_values_are_standardised_and_bounded():
    X = (np.random.default_rng(0).random((2000, 3)) < [0.5, 0.1, 0.2]).astype(float)
    X[:, 2] = np.arange(2000) == 7
    out = transform(X)
    np.testing.assert_allclose(out[:, :2], StandardScaler().fit_transform(X)[:, :2], rtol=1e-5)
    # Standardised, the only one of 2000 would lie at 44.7.
    assert out[7, 2] == 10
    np.testing.assert_allclose(out[0, 2], -1 / np.sqrt(1999), rtol=1e-5)


def test_categories_are_columns_of_their_own_and_rare_or_new_ones_are_one():
    kinds = np.repeat(["a", "b", "c", "d"], [10, 8, 2, 1]).astype(object)[:, None]
    ones = np.column_stack([kinds == "a", kinds == "b", np.isin(kinds, ["c", "d"])]).astype(float)
    np.testing.assert_array_equal(transform(kinds), ones)
    rare, new = transform(kinds, np.array([["c"], ["never seen"]], dtype=object))
    np.testing.assert_array_equal(rare, new)


def test_a_new_category_is_none_where_none_is_rare():
    kinds = np.repeat(["a", "b"], 5).astype(object)[:, None]
    np.testing.assert_array_equal(transform(kinds, np.array([["new"]], dtype=object)), [[0.0, 0.0]])


def test_missing_numbers_are_the_median_with_a_column_that_says_where():
    x = np.arange(11.0)
    x[[2, 9]] = np.nan
    value, is_missing = transform(x[:, None]).T
    assert value[2] == value[9] == 0
    expected = StandardScaler().fit_transform(np.isnan(x)[:, None].astype(float))[:, 0]
    np.testing.assert_allclose(is_missing, expected, rtol=1e-5)
    # Where nothing was missing in fit, it may be in what is predicted.
    assert transform(np.arange(11.0)[:, None], [[np.nan]]).tolist() == [[0.0]]


def test_what_has_one_value_or_none_is_dropped_and_names_say_so(table):
    table |= {"same": [4.0] * 60, "none": [None] * 60, "word": ["x"] * 60}
    preprocessor = TabularPreprocessor().fit(pd.DataFrame(table))
    names = preprocessor.get_feature_names_out().tolist()
    assert names == ["size", "on", "missingindicator_size", "kind_a", "kind_b", "kind_c",
                     "kind_infrequent_sklearn"]  # fmt: skip
    assert preprocessor.transform(pd.DataFrame(table)).shape == (60, len(names))


def test_every_container_gives_the_same(table):
    frame = pd.DataFrame(table)
    expected = transform(frame)
    assert expected.dtype == np.float32
    others = {
        "polars": pl.DataFrame(table),
        "categories": frame.astype({"kind": "category"}),
        "nullable": frame.convert_dtypes(),
        "objects": frame.to_numpy(dtype=object),
        "list": [list(row) for row in zip(*table.values(), strict=True)],
    }
    for name, other in others.items():
        np.testing.assert_array_equal(transform(other), expected, err_msg=name)


@pytest.mark.parametrize("container", [sp.csr_array, sp.coo_array, sp.csc_matrix])
def test_sparse_columns_are_divided_by_their_standard_deviation(container):
    rng = np.random.default_rng(0)
    X = np.where(rng.random((300, 6)) < 0.2, rng.exponential(size=(300, 6)), 0)
    X = X.astype(np.float32).astype(np.float64)
    X[:, 4] = 0
    out = transform(container(X))
    assert isinstance(out, sp.csr_array)
    assert out.dtype == np.float32
    kept = [0, 1, 2, 3, 5]
    expected = (X / np.where(X.std(axis=0) > 0, X.std(axis=0), 1))[:, kept].clip(-10, 10)
    np.testing.assert_allclose(out.toarray(), expected, rtol=1e-5)
    assert out.nnz == np.count_nonzero(X[:, kept])
    # The same rows, dense, where sparse ones were seen; and the other way round.
    np.testing.assert_array_equal(transform(container(X), X).toarray(), out.toarray())
    np.testing.assert_array_equal(transform(X, container(X)), transform(X))


def test_sparse_gaps_are_zero_with_a_column_that_says_where():
    X = sp.csr_array(np.array([[1.0, 0], [0, np.nan], [2, 3], [0, 0], [1, 0]]))
    preprocessor = TabularPreprocessor().fit(X)
    out = preprocessor.transform(X).toarray()
    assert out[1, 1] == 0
    assert out[:, 2].astype(bool).tolist() == [False, True, False, False, False]
    assert len(preprocessor.get_feature_names_out()) == 3


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame({"a": [1.0, np.inf, 2]}), "infinity"),
        (sp.csr_array(np.array([[1.0], [np.inf]])), "infinity"),
        (pd.DataFrame({"a": pd.to_datetime(["2026-01-01", "2026-01-02"])}), "dates"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        TabularPreprocessor().fit(X)


@pytest.mark.parametrize(
    "X",
    [
        np.ones((5, 2)),
        np.full((5, 2), 1e30),
        np.full((5, 2), np.nan),
        np.ones((1, 2)),
        sp.csr_array((5, 2)),
        sp.csr_array(np.ones((5, 2))),
        pd.DataFrame({"a": ["x"] * 5, "b": 1.0}),
        pd.DataFrame({"a": [None] * 5, "b": ["x"] * 5}, dtype=object),
    ],
    ids=["ones", "far out", "unknown", "one row", "empty", "sparse ones", "word", "nothing"],
)
def test_where_nothing_varies_one_column_stays(X):
    out = TabularPreprocessor().fit_transform(X)
    out = out.toarray() if sp.issparse(out) else out
    assert out.shape == (X.shape[0], 1)
    assert np.ptp(out) == 0
    assert abs(out).max() <= 10


def test_words_where_numbers_were_are_refused():
    preprocessor = TabularPreprocessor().fit(pd.DataFrame({"a": [1.0, 2, 3], "b": [1, 0, 1]}))
    with pytest.raises(ValueError, match="held numbers in fit"):
        preprocessor.transform(pd.DataFrame({"a": [1.0, 2], "b": ["x", "y"]}))


def test_one_row_and_one_column_can_be_transformed():
    preprocessor = TabularPreprocessor().fit([[0.0], [1], [2], [3], [4]])
    assert preprocessor.transform([[2.0]]).tolist() == [[0.0]]


def test_outputs_are_what_the_user_has_set(table):
    frame = pd.DataFrame(table, index=range(100, 160))
    expected = transform(frame)
    set_here = TabularPreprocessor().set_output(transform="pandas").fit(frame)
    with config_context(transform_output="polars"):
        everywhere = TabularPreprocessor().fit(frame)
        as_polars = everywhere.transform(frame)
    as_pandas = set_here.transform(frame)
    assert isinstance(as_polars, pl.DataFrame)
    np.testing.assert_array_equal(as_polars.to_numpy(), expected)
    np.testing.assert_array_equal(as_pandas, expected)
    assert as_pandas.index.equals(frame.index)
    assert as_pandas.columns.tolist() == everywhere.get_feature_names_out().tolist()

"""Columns of each kind by loops and formulas, in every container; what errors and names say."""

import pickle
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone

from skd2ace.preprocessing import TabularPreprocessor


def prepare(values, new=None):
    """One column, or what a fitted one makes of others."""
    fitted = TabularPreprocessor().fit(np.asarray(values).reshape(-1, 1))
    return fitted.transform(np.asarray(values if new is None else new).reshape(-1, 1))


def standardise(values):
    """Mean 0 and standard deviation 1 by the formulas, ended at -10 and 10."""
    mean = sum(values) / len(values)
    deviation = (sum((x - mean) ** 2 for x in values) / len(values)) ** 0.5
    return [min(max((x - mean) / deviation, -10), 10) for x in values]


@pytest.fixture
def table():
    """40 rows of every kind of column, with gaps in each."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "spread": rng.normal(size=40),
            "tied": np.where(rng.random(40) < 0.8, 0, rng.exponential(size=40)),
            "binary": rng.integers(0, 2, 40).astype(float),
            "word": rng.choice(["red", "green", "blue"], 40).astype(object),
        }
    )
    for j, name in enumerate(frame):
        frame.loc[j : j + 4, name] = None
    return frame


# Kinds of columns


def test_what_lies_far_out_ends_at_three():
    """Also where its square is beyond the largest number."""
    far = [-1e300, -1e160, -1e20, 1e20, 1e160, 1e300]
    np.testing.assert_allclose(prepare(np.arange(50.0), far)[:, 0], [-3] * 3 + [3] * 3)


@pytest.mark.parametrize("scale", [1e-12, 1e-4, 1, 1e6])
@pytest.mark.parametrize("sign", [-1, 1])
def test_ties_go_to_the_middle_of_their_share(scale, sign):
    """Of 900 rows quantiles are a thirtieth apart, and so shares are off by less than that."""
    rng = np.random.default_rng(0)
    values = np.where(rng.random(900) < 0.8, 0, rng.exponential(size=900)) * scale * sign
    mapped = prepare(values)[:, 0]
    order = np.argsort(values)
    assert (np.diff(mapped[order]) >= 0).all()
    shares = np.array([NormalDist().cdf(x) for x in mapped])
    for value, share in zip(values, shares, strict=True):
        expected = ((values < value).mean() + (values <= value).mean()) / 2
        assert share == pytest.approx(expected, abs=1 / 29)
    # Only ties are one.
    assert len({*mapped}) > 0.9 * len({*values})


def test_one_that_lies_far_out_parts_ties_as_before():
    rng = np.random.default_rng(0)
    values = np.where(rng.random(900) < 0.8, 0, rng.exponential(size=900))
    far = values.copy()
    far[values.argmax()] = 1e12
    # All below the highest quantile but one.
    others = values < np.sort(values)[-35]
    np.testing.assert_allclose(prepare(far)[others], prepare(values)[others], atol=1e-6)


@pytest.mark.parametrize("values", [[0, 1], [-3.0, 8.5], [False, True]])
def test_two_values_are_standardised(values):
    column = np.array(values)[[0, 0, 0, 1, 0, 1, 0]]
    np.testing.assert_allclose(prepare(column)[:, 0], standardise(column), rtol=1e-6)


def test_categories():
    """Rare ones, and those that are new, are one column; a missing one has its own."""
    words = ["a"] * 5 + ["b"] * 4 + [None] * 3 + ["c", "c", "d"]
    kinds = ["a", "b", None, "rare"]

    def one_hot(words):
        return [[(w if w in kinds else "rare") == kind for kind in kinds] for w in words]

    fitted = TabularPreprocessor().fit(np.array(words, dtype=object)[:, None])
    for some in (words, ["b", "new", None, "d"]):
        found = fitted.transform(np.array(some, dtype=object)[:, None])
        np.testing.assert_array_equal(found, one_hot(some))


@pytest.mark.parametrize(("column", "filled"), [([1.0, 2, 3, 9, 10], 3), ([0, 1, 1, 1, 0], 1)])
def test_missing_numbers(column, filled):
    """The median, or what is most frequent, and a column that says where."""
    gaps = np.array([*column, np.nan])
    prepared = prepare(gaps)
    # Scales are those of the column as it was filled in.
    np.testing.assert_allclose(prepared[:, 0], prepare([*column, filled])[:, 0], rtol=1e-6)
    np.testing.assert_allclose(prepared[:, 1], standardise([0, 0, 0, 0, 0, 1]), rtol=1e-6)


def test_missing_only_later():
    np.testing.assert_allclose(prepare([1.0, 2, 3, 9, 10], [np.nan, 3]), [[0], [0]])


def test_columns_of_one_value_are_dropped():
    """Where one is missing is kept; a column of names that are all rare is one of one value."""
    n, varying = 30, np.arange(30.0)
    gaps = np.where(varying < 9, 5.0, np.nan)
    frame = pd.DataFrame(
        {
            "none": [np.nan] * n,
            "one": [7.0] * n,
            "gaps": gaps,
            "word": ["same"] * n,
            "name": [f"row {i}" for i in range(n)],
            "varying": varying,
        }
    )
    fitted = TabularPreprocessor().fit(frame)
    assert list(fitted.get_feature_names_out()) == ["varying", "missingindicator_gaps"]
    prepared = fitted.transform(frame)
    np.testing.assert_allclose(prepared[:, 1], standardise(np.isnan(gaps)), rtol=1e-6)


# Sparse tables


@pytest.mark.parametrize("form", [sp.csr_array, sp.csc_matrix, sp.coo_array, sp.csr_matrix])
def test_sparse(form):
    rng = np.random.default_rng(0)
    dense = rng.integers(0, 5, (40, 6)) * (rng.random((40, 6)) < 0.3).astype(float)
    dense[:, 1] = 0
    dense[:, 2] = 3
    dense[3, 3] = 1e6
    dense[:4, [4, 1]] = np.nan
    prepared = TabularPreprocessor().fit_transform(form(dense))
    assert isinstance(prepared, sp.csr_array)
    assert prepared.dtype == np.float32
    filled = np.nan_to_num(dense)
    varying = [j for j in range(6) if len({*filled[:, j]}) > 1]
    assert varying == [0, 3, 4, 5]
    expected = [[min(x / filled[:, j].std(), 10) for x in filled[:, j]] for j in varying]
    expected += [np.isnan(dense[:, j]) for j in (1, 4)]
    np.testing.assert_allclose(prepared.toarray(), np.column_stack(expected), rtol=1e-5)


def test_dense_and_sparse_rows_are_turned_into_what_was_fitted():
    rng = np.random.default_rng(0)
    dense = rng.integers(0, 3, (40, 5)).astype(float)
    dense[4, 2] = np.nan
    for fitted_on, other in ((dense, sp.csr_array(dense)), (sp.csr_array(dense), dense)):
        fitted = TabularPreprocessor().fit(fitted_on)
        expected, found = fitted.transform(fitted_on), fitted.transform(other)
        assert type(found) is type(expected)
        np.testing.assert_array_equal(_dense(found), _dense(expected))


def test_sparse_frames():
    matrix = sp.random(30, 4, density=0.4, random_state=0, format="csr")
    frame = pd.DataFrame.sparse.from_spmatrix(matrix, columns=list("abcd"))
    found, expected = (TabularPreprocessor().fit_transform(X) for X in (frame, matrix))
    np.testing.assert_array_equal(found.toarray(), expected.toarray())


def _dense(X):
    return X.toarray() if sp.issparse(X) else X


# Containers


def as_nullable(frame):
    kinds = {"spread": "Float64", "tied": "Float64", "binary": "boolean", "word": "string"}
    return frame.astype(kinds)


def as_polars(frame):
    cells = frame.astype(object).where(frame.notna(), None)
    return pl.DataFrame({name: cells[name].to_list() for name in cells})


CONTAINERS = {
    "of objects": lambda frame: frame.to_numpy(dtype=object),
    "lists": lambda frame: frame.to_numpy(dtype=object).tolist(),
    "pandas, nullable": as_nullable,
    "pandas, categories": lambda frame: frame.astype({"word": "category"}),
    "polars": as_polars,
    "polars, categories": lambda frame: as_polars(frame).with_columns(
        pl.col("word").cast(pl.Categorical), pl.col("binary").cast(pl.Boolean)
    ),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.filterwarnings("ignore:X (has|does not have) .*feature names")
def test_containers(table, container):
    """The same numbers from all, whichever is fitted and whichever is transformed."""
    expected = TabularPreprocessor().fit_transform(table)
    assert expected.shape == (40, 3 + 3 + 4)
    X = CONTAINERS[container](table)
    fitted = TabularPreprocessor().fit(X)
    np.testing.assert_array_equal(fitted.transform(X), expected)
    np.testing.assert_array_equal(fitted.transform(table), expected)
    np.testing.assert_array_equal(TabularPreprocessor().fit(table).transform(X), expected)


@pytest.mark.parametrize("of", [torch.tensor, lambda x: np.ma.masked_array(x, np.isnan(x))])
def test_numbers_in_other_containers(table, of):
    numbers = table[["spread", "tied", "binary"]].to_numpy(dtype=float)
    expected = TabularPreprocessor().fit_transform(numbers)
    np.testing.assert_array_equal(TabularPreprocessor().fit_transform(of(numbers)), expected)


@pytest.mark.parametrize("codes", [[1, 2], [1.0, 2.0], ["1", "2"]])
def test_declared_categories_of_numbers(codes):
    """They are those of the words and numbers that they are written as."""
    column = pd.Series(pd.Categorical([codes[i % 2] for i in range(12)]), name="code")
    fitted = TabularPreprocessor().fit(column.to_frame())
    assert fitted.is_category_ == [True]
    assert list(fitted.get_feature_names_out()) == ["code_1", "code_2"]
    later = pd.DataFrame({"code": [2, 1]})
    np.testing.assert_allclose(fitted.transform(later), [[0, 1], [1, 0]])


def as_decimals(values, unknown=None):
    return [unknown if x != x else Decimal(str(x)) for x in values]


EXACT_NUMBERS = {
    "pandas": lambda x: pd.DataFrame({"x0": as_decimals(x)}),
    "pandas, NaN": lambda x: pd.DataFrame({"x0": as_decimals(x, np.nan)}),
    "pandas, NaN of decimals": lambda x: pd.DataFrame({"x0": as_decimals(x, Decimal("sNaN"))}),
    "polars": lambda x: pl.DataFrame({"x0": as_decimals(x)}),
    "of objects": lambda x: np.array(as_decimals(x), dtype=object)[:, None],
    "lists": lambda x: [[cell] for cell in as_decimals(x)],
    "fractions": lambda x: [[None if cell != cell else Fraction(cell)] for cell in x.tolist()],
}


@pytest.mark.parametrize("container", EXACT_NUMBERS)
@pytest.mark.filterwarnings("ignore:X (has|does not have) .*feature names")
def test_decimals_and_fractions_are_numbers(container):
    """Distinct ones too, whichever are fitted and whichever are transformed."""
    numbers = np.random.default_rng(0).normal(size=40).round(3)
    numbers[3:6] = np.nan
    X = EXACT_NUMBERS[container](numbers)
    of_floats, fitted = (TabularPreprocessor().fit(x) for x in (numbers[:, None], X))
    expected = of_floats.transform(numbers[:, None])
    assert fitted.is_category_ == [False]
    np.testing.assert_array_equal(fitted.transform(X), expected)
    np.testing.assert_array_equal(of_floats.transform(X), expected)


@pytest.mark.parametrize("number", [Decimal, Fraction])
def test_declared_categories_of_decimals_and_fractions_are_those_of_floats(number):
    codes = [1.0, 2.5, 2.0**70]
    column = pd.Series(pd.Categorical(list(map(number, codes)) * 4), name="code")
    fitted = TabularPreprocessor().fit(column.to_frame())
    later = pd.DataFrame({"code": codes})
    expected = TabularPreprocessor().fit(pd.DataFrame({"code": pd.Categorical(codes * 4)}))
    assert {*fitted.get_feature_names_out()} == {*expected.get_feature_names_out()}
    np.testing.assert_array_equal(fitted.transform(later), expected.transform(later))


# Names, pickles, errors


def test_names_say_what_columns_are(table):
    fitted = TabularPreprocessor().set_output(transform="pandas").fit(table)
    prepared = fitted.transform(table)
    assert list(prepared.columns) == list(fitted.get_feature_names_out())
    assert (prepared.dtypes == np.float32).all()
    for kind in ("red", "green", "blue", None):
        is_kind = table["word"].isna() if kind is None else table["word"] == kind
        np.testing.assert_allclose(prepared[f"word_{kind}"], is_kind)
    for name in ("spread", "tied", "binary"):
        gaps = standardise(table[name].isna())
        np.testing.assert_allclose(prepared[f"missingindicator_{name}"], gaps, rtol=1e-5)
        assert table[name].corr(prepared[name], method="spearman") == pytest.approx(1)


def test_names_of_an_array(table):
    fitted = TabularPreprocessor().fit(table.to_numpy(dtype=object))
    assert list(fitted.get_feature_names_out())[:3] == ["x0", "x1", "x2"]
    assert list(fitted.get_feature_names_out(list("abcd")))[:3] == list("abc")


def test_names_that_are_like_those_that_are_made(table):
    """They are told apart by where they stand."""
    X = table.assign(word_red=np.arange(40.0), missingindicator_tied=np.arange(40.0) ** 2)
    fitted = TabularPreprocessor().fit(X)
    renamed = X.rename(columns={"word_red": "a", "missingindicator_tied": "b"})
    expected = TabularPreprocessor().fit_transform(renamed)
    np.testing.assert_array_equal(fitted.transform(X), expected)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"b": ["None", "x", None]}, ["b_None", "b_x", "b_None_2"]),
        ({"b": ["None", "None_2", None]}, ["b_None", "b_None_2", "b_None_3"]),
        ({"a": ["b_x", "y"], "a_b": ["x", "y"]}, ["a_b_x", "a_y", "a_b_x_2", "a_b_y"]),
        (
            {"a": [1, 3, np.nan, 7], "missingindicator_a": [2, 4, 5, 6]},
            ["a", "missingindicator_a", "missingindicator_a_2"],
        ),
    ],
    ids=["None", "None and its number", "two columns", "gaps"],
)
def test_no_two_names_are_the_same(columns, expected):
    """polars takes no frame of such."""
    X = pd.DataFrame({name: cells * 6 for name, cells in columns.items()})
    fitted = TabularPreprocessor().fit(X)
    prepared = clone(fitted).set_output(transform="polars").fit(X).transform(X)
    assert prepared.columns == expected
    np.testing.assert_array_equal(prepared.to_numpy(), fitted.transform(X))
    np.testing.assert_array_equal(fitted.get_feature_names_out(), expected)


def test_a_category_none_is_named_before_the_missing_ones():
    X = pd.DataFrame({"b": ["None", "x", None] * 6})
    prepared = TabularPreprocessor().set_output(transform="pandas").fit_transform(X)
    np.testing.assert_array_equal(prepared["b_None"], X["b"] == "None")
    np.testing.assert_array_equal(prepared["b_None_2"], X["b"].isna())


def test_pickle_and_clone(table):
    fitted = TabularPreprocessor().fit(table)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(table), fitted.transform(table))
    assert not hasattr(clone(fitted), "steps_")


def test_other_columns(table):
    """The words in the table are not what is wrong with it."""
    fitted = TabularPreprocessor().fit(table)
    for other in (table[table.columns[::-1]], table[["tied", "word"]], table.assign(more=1)):
        with pytest.raises(ValueError, match="feature names should match") as caught:
            fitted.transform(other)
        assert "no number" not in str(caught.value)
    with pytest.raises(ValueError, match="expecting 4"), pytest.warns(match="feature names"):
        fitted.transform(table.to_numpy(dtype=object)[:, :3])


def test_words_where_numbers_were(table):
    fitted = TabularPreprocessor().fit(table)
    with pytest.raises(ValueError, match="Column 1 of X held numbers in fit, and holds 'many'"):
        fitted.transform(table.assign(tied="many"))


@pytest.mark.parametrize(
    "dates",
    [
        pd.date_range("2026-01-01", periods=40),
        pd.date_range("2026-01-01", periods=40).date,
        pd.period_range("2026-01-01", periods=40, freq="D"),
    ],
)
def test_dates(table, dates):
    with pytest.raises(ValueError, match="Column 'when' of X holds dates"):
        TabularPreprocessor().fit(table.assign(when=dates))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame, sp.csr_array])
def test_infinity(value, form):
    X = np.array([[1.0, 2], [value, 3], [3, 1]])
    with pytest.raises(ValueError, match="infinity"):
        TabularPreprocessor().fit(form(X))
    fitted = TabularPreprocessor().fit(form(np.nan_to_num(X, posinf=2, neginf=2)))
    with pytest.raises(ValueError, match="infinity"):
        fitted.transform(form(X))


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
def test_infinity_is_said_to_be_in_its_column(container):
    X = np.array([[1.0, 2, 3, 4], [2, 3, np.inf, -np.inf]])
    with pytest.raises(ValueError, match="infinity: in column 2"):
        TabularPreprocessor().fit(container(X))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "float16", "float32", "float64"])
def test_a_matrix_is_read_as_a_frame_of_its_columns(dtype, order):
    X = np.random.default_rng(0).normal(size=(40, 5)).round(2) * [1, 3, 9, 0.1, 0]
    X = np.asarray(X.clip(-100, 100) if dtype[0] != "u" else abs(X), dtype=dtype, order=order)
    before = X.copy()
    of_matrix, of_frame = (TabularPreprocessor().fit(x) for x in (X, pd.DataFrame(X)))
    np.testing.assert_array_equal(of_matrix.transform(X), of_frame.transform(pd.DataFrame(X)))
    np.testing.assert_array_equal(of_matrix.transform(X[:1]), of_matrix.transform(X)[:1])
    np.testing.assert_array_equal(X, before)


def test_infinity_in_all_rows():
    """Of a column that is dropped too."""
    X = np.array([[np.inf, 1], [np.inf, 2], [np.inf, 2]])
    for form in (np.asarray, sp.csr_array):
        with pytest.raises(ValueError, match="infinity"):
            TabularPreprocessor().fit(form(X))

"""What a column that fit dropped holds later says nothing, whatever it is."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skd2ace import TabMClassifier
from skd2ace.preprocessing import TabularPreprocessor

N = 12
DROPPED = {
    "None": pd.Series([None] * N, dtype=object),
    "NaN in objects": pd.Series([np.nan] * N, dtype=object),
    "str": pd.Series([None] * N, dtype="str"),
    "string": pd.Series([None] * N, dtype="string"),
    "category": pd.Series([None] * N, dtype="category"),
    "NaN": pd.Series([np.nan] * N),
    "nullable": pd.Series([None] * N, dtype="Int64"),
    "one number": pd.Series([7] * N),
    "one bool": pd.Series([True] * N),
    "one word": pd.Series(["same"] * N),
    "one category": pd.Series([3] * N, dtype="category"),
    "rare words": pd.Series([f"name {i}" for i in range(N)]),
}
LATER = {
    "words": pd.Series(["allergic", None, "same"]),
    "string": pd.Series(["allergic", None, "same"], dtype="string"),
    "categories": pd.Series(["allergic", None, "same"], dtype="category"),
    "numbers": pd.Series([1.5, np.nan, 7]),
    "bools": pd.Series([True, False, True]),
    "infinity": pd.Series([np.inf, 7, 7]),
    "objects": pd.Series([10**400, "allergic", 7.5], dtype=object),
    "dates": pd.Series(pd.date_range("2026-01-01", periods=3)),
    "dates as objects": pd.Series([datetime.date(2026, 1, 1), None, "same"], dtype=object),
}


@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
@pytest.mark.parametrize("dropped", DROPPED.values(), ids=DROPPED)
def test_whatever_it_holds_later(dropped, later):
    x = np.arange(N) ** 1.5
    fitted = TabularPreprocessor().fit(pd.DataFrame({"x": x, "remark": dropped, "y": -x}))
    assert list(fitted.get_feature_names_out()) == ["x", "y"]
    new = pd.DataFrame({"x": x[:3], "remark": later, "y": -x[:3]})
    expected = TabularPreprocessor().fit_transform(np.column_stack([x, -x]))[:3]
    np.testing.assert_array_equal(fitted.transform(new), expected)


FORMS = {
    "polars": pl.DataFrame,
    "objects": lambda columns: pd.DataFrame(columns).to_numpy(dtype=object),
    "rows": lambda columns: [list(row) for row in zip(*columns.values(), strict=True)],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_in_other_containers(form):
    fitted = TabularPreprocessor().fit(form({"a": [None] * 6, "x": [1.0, 2, 3, 4, 5, 9]}))
    for entry in ("allergic", 3.0, datetime.date(2026, 1, 1)):
        new = form({"a": [entry, None], "x": [3.5, 2]})
        expected = fitted.transform(form({"a": [None, None], "x": [3.5, 2]}))
        np.testing.assert_array_equal(fitted.transform(new), expected)


def test_a_matrix_of_numbers():
    """Only columns that were kept may not be infinite."""
    X = np.column_stack([np.full(6, 7.0), [1.0, 2, 3, 4, 5, 9], np.arange(6) % 2])
    fitted = TabularPreprocessor().fit(X)
    new = np.array([[np.inf, 1, 0]])
    np.testing.assert_array_equal(fitted.transform(new), fitted.transform(X[:1]))
    for j in (1, 2):
        new = X[:1].copy()
        new[0, j] = np.inf
        with pytest.raises(ValueError, match=f"infinity: in column {j}"):
            fitted.transform(new)


def test_dates_in_a_column_that_was_kept():
    X = pd.DataFrame({"none": [None] * 6, "x": [1.0, 2, 3, 4, 5, 9]})
    fitted = TabularPreprocessor().fit(X)
    for dates in (pd.date_range("2026-01-01", periods=6), [datetime.date(2026, 1, 1)] * 6):
        with pytest.raises(ValueError, match="Column 'x' of X holds dates"):
            fitted.transform(X.assign(x=dates))


@pytest.mark.parametrize("dtype", [object, "str", "string", "category", float])
def test_the_only_column_has_no_entry(dtype):
    """It is kept, as nothing else is there, and is no column of numbers."""
    X = pd.DataFrame({"remark": pd.Series([None] * 6, dtype=dtype)})
    fitted = TabularPreprocessor().fit(X)
    assert np.ptp(fitted.transform(X)) == 0
    later = fitted.transform(pd.DataFrame({"remark": ["allergic", None, "x"]}))
    assert later.shape == (3, 1)
    assert fitted.transform(pd.DataFrame({"remark": [1e300, np.nan]})).max() <= 10


@pytest.mark.parametrize("dtype", ["object", "str", "string", "category"])
def test_an_estimator_predicts_where_the_first_entry_is(dtype):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=30), "remark": [None] * 30}).astype({"remark": object})
    X.loc[25, "remark"] = "allergic"
    X = X.astype({"remark": dtype})
    est = TabMClassifier(max_epochs=1, random_state=0, verbose=0)
    est.fit(X[:20], rng.integers(0, 2, (20, 2)))
    expected = est.predict_proba(X[20:].assign(remark=None))
    np.testing.assert_array_equal(est.predict_proba(X[20:]), expected)

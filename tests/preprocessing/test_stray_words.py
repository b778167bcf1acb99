"""Numbers that a cell such as "?" has made words of: which are warned of, and in which words."""

import io
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skd2ace import TabMClassifier
from skd2ace.preprocessing import TabularPreprocessor

N = 40
NUMBERS = np.random.default_rng(0).normal(size=N).round(6)


def read(cells):
    """The cells as a CSV gives them."""
    text = pd.DataFrame({"lab": cells, "x": np.arange(len(cells)) % 9}).to_csv(index=False)
    return pd.read_csv(io.StringIO(text))


def with_words(words):
    """Numbers with words at the first places, where None is a gap."""
    return [*words, *NUMBERS[len(words) :]]


def find_warnings(X):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = TabularPreprocessor().fit(X)
        fitted.transform(X)
    assert all(w.category is UserWarning for w in caught)
    return [str(w.message) for w in caught]


STRAY = {
    "one": (["?"], ["?"], 39, 40),
    "a few": (["?"] * 2, ["?"], 38, 40),
    "so many that they are a category": (["?"] * 9, ["?"], 31, 40),
    "half": (["?"] * 20, ["?"], 20, 40),
    "beside gaps": (["?", *[None] * 9], ["?"], 30, 31),
    "beside a number that many rows have": (["?", *["0.0"] * 9], ["?"], 30, 40),
    "two kinds": (["?", "n/k", "?"], ["?", "n/k"], 37, 40),
    "four kinds": (["a", "b", "c", "d"], ["a", "b", "c"], 36, 40),
    "a comma": (["1,5"], ["1,5"], 39, 40),
}


@pytest.mark.parametrize(("words", "named", "n_lost", "n_known"), STRAY.values(), ids=STRAY)
def test_what_is_said(words, named, n_lost, n_known):
    (found,) = find_warnings(read(with_words(words)))
    listed = ", ".join(map(repr, named))
    assert found == (
        f"Column 'lab' of X holds {listed}, which is no number, so that its numbers are taken for "
        f"words; {n_lost} of {n_known} entries are numbers that fewer than three rows share, and "
        f"these count for nothing. Replace {listed} by NaN, or read the file with "
        f"na_values=[{listed}]; if they are codes, declare the column as a category."
    )


QUIET = {
    "numbers": NUMBERS,
    "numbers and gaps": with_words([None] * 5),
    "words": [f"name {i}" for i in range(N)],
    "fewer than half": with_words(["?"] * 21),
    "words, each of its own": with_words([f"name {i}" for i in range(21)]),
    "numbers that are categories": ["?", *[f"{i % 4}" for i in range(N)]],
    "categories of words": ["a", "b"] * 20,
    "True and False": ["True", "False", "?"] * 13,
}


@pytest.mark.parametrize("cells", QUIET.values(), ids=QUIET)
def test_what_is_meant_is_not_warned_of(cells):
    assert find_warnings(read(cells)) == []


@pytest.mark.parametrize("dtype", ["category", pd.CategoricalDtype(with_words(["?"]))])
def test_what_is_declared_is_meant(dtype):
    X = pd.DataFrame({"lab": pd.Series(with_words(["?"])).astype(dtype), "x": np.arange(N)})
    assert find_warnings(X) == []


FORMS = {
    "str": (lambda cells: pd.DataFrame({"lab": cells.astype(str)}), "'lab'"),
    "string": (lambda cells: pd.DataFrame({"lab": cells.astype(str)}, dtype="string"), "'lab'"),
    "objects": (lambda cells: pd.DataFrame({"lab": cells}), "'lab'"),
    "polars": (lambda cells: pl.DataFrame({"lab": cells.astype(str).tolist()}), "'lab'"),
    "array": (lambda cells: cells.astype(str)[:, None], "0"),
    "array of objects": (lambda cells: cells[:, None], "0"),
    "rows": (lambda cells: [[cell] for cell in cells], "0"),
}


@pytest.mark.parametrize(("form", "place"), FORMS.values(), ids=FORMS)
def test_in_every_container(form, place):
    (found,) = find_warnings(form(np.array(with_words(["?"]), dtype=object)))
    assert found.startswith(f"Column {place} of X holds '?', which is no number")


def test_all_are_words():
    """As rows of Python's csv are."""
    rows = [[f"{number}", "x"] for number in NUMBERS]
    (found,) = find_warnings(rows)
    assert found.startswith("Column 0 of X holds numbers that are written as words; 40 of 40")
    assert "Make numbers of them, as by astype(float); if they are codes, declare" in found


def test_each_column_is_warned_of():
    cells = pd.Series(with_words(["?"]), dtype=object)
    X = pd.DataFrame({"a": cells, "b": NUMBERS, "c": cells[::-1].to_numpy()})
    assert [text[:15] for text in find_warnings(X)] == ["Column 'a' of X", "Column 'c' of X"]


def test_what_is_advised_helps():
    text = read(with_words(["?"])).to_csv(index=False)
    X = pd.read_csv(io.StringIO(text), na_values=["?"])
    assert find_warnings(X) == []
    expected = TabularPreprocessor().fit_transform(read(with_words([None])))
    np.testing.assert_array_equal(TabularPreprocessor().fit_transform(X), expected)


def test_an_estimator_warns():
    est = TabMClassifier(max_epochs=1, random_state=0, verbose=0)
    Y = np.column_stack([NUMBERS > 0, NUMBERS > 1]).astype(int)
    X = read(with_words(["?"]))
    with pytest.warns(UserWarning, match=r"Column 'lab' of X holds '\?'"):
        est.fit(X, Y)
    est.predict(X)

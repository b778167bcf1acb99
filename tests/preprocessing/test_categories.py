"""Words are the same categories in a file of which a reader makes numbers of them."""

import io

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skd2ace import TabMClassifier
from skd2ace.preprocessing import TabularPreprocessor

READERS = {
    "pandas": lambda text: pd.read_csv(io.StringIO(text)),
    "nullable": lambda text: pd.read_csv(io.StringIO(text)).convert_dtypes(),
    "polars": lambda text: pl.read_csv(io.StringIO(text)),
}


def write_file(cells):
    """A file of one column beside one of numbers."""
    lines = [f"{cell},{i % 7}" for i, cell in enumerate(cells)]
    return "\n".join(["cell,number", *lines]) + "\n"


def one_hot(fitted, frame):
    """What each row of a file is, by the names of columns."""
    names = fitted.get_feature_names_out()
    prepared = pd.DataFrame(fitted.transform(frame), columns=names).iloc[:, 1:]
    assert prepared.isin([0, 1]).all(axis=None)
    return [
        row.index[row == 1].str.removeprefix("cell_").tolist() for _, row in prepared.iterrows()
    ]


WORDS = {
    "True and False": ["True", "False"],
    "true and false": ["true", "false"],
    "TRUE and FALSE": ["TRUE", "FALSE"],
    "floats": ["2.0", "3.0"],
    "two digits": ["2.50", "3.25"],
    "zeros before": ["007", "012"],
    "powers": ["1e3", "2e3"],
    "18 digits": ["100000000000000001", "100000000000000002"],
    "18 digits and a zero": ["0100000000000000001", "0100000000000000002"],
    "integers": ["4", "-5"],
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_words_are_those_of_a_file_without_other_words(reader, words):
    read = READERS[reader]
    fitted = TabularPreprocessor().fit(read(write_file([*words, "unknown"] * 5)))
    expected = [[word] for word in words]
    assert one_hot(fitted, read(write_file([*words, "unknown"]))) == [*expected, ["unknown"]]
    assert one_hot(fitted, read(write_file(words))) == expected
    assert one_hot(fitted, read(write_file(words[:1]))) == expected[:1]
    # Beside a gap they are numbers of another type: pandas itself loses digits.
    if len(words[0]) < 17:
        assert one_hot(fitted, read(write_file([*words, ""]))) == [*expected, []]


@pytest.mark.parametrize(
    "words", [["True", "TRUE"], ["1.0", "01"], ["True", "1.0"], ["2", "2.0", "02"], ["1", "True"]]
)
def test_a_number_that_two_words_read_as_is_the_one_it_is_written_as_or_none(words):
    X = pd.DataFrame({"number": np.arange(20) % 7, "cell": [*words, "x", "y", "z"][:4] * 5})
    fitted = TabularPreprocessor().fit(X)
    number = 2 if "2" in words else 1
    later = pd.DataFrame({"number": [0], "cell": [number]})
    assert one_hot(fitted, later) == [[str(number)] if str(number) in words else []]


def test_words_that_differ_stay_different():
    """A word is the number of another one only where a reader has made a number of it."""
    X = pd.DataFrame({"number": np.arange(15) % 7, "cell": ["01", "2.0", "x"] * 5})
    fitted = TabularPreprocessor().fit(X)
    later = pd.DataFrame({"number": 0, "cell": ["1", "2", "01", "true", "x"]})
    assert one_hot(fitted, later) == [[], [], ["01"], [], ["x"]]
    assert one_hot(fitted, later[:2].astype(int)) == [["01"], ["2.0"]]


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_what_was_declared_is_found_in_a_file_with_another_word(words):
    """The other way round: numbers in fit, words later."""
    declared = pd.read_csv(io.StringIO(write_file(words * 5))).astype({"cell": "category"})
    fitted = TabularPreprocessor().fit(declared)
    later = pd.read_csv(io.StringIO(write_file([*words, "unknown"])))
    assert one_hot(fitted, later) == [*one_hot(fitted, declared[:2]), []]


def test_words_and_numbers_in_one_column_are_one_category():
    """As readers give it that read a large file in parts."""
    cells = [True, "True", 2.0, "2.0", False, "x"] * 5
    X = pd.DataFrame({"number": np.arange(30) % 7, "cell": pd.Series(cells, dtype=object)})
    fitted = TabularPreprocessor().fit(X)
    kinds = ["True", "True", "2.0", "2.0", "0", "x"]
    assert one_hot(fitted, X) == [[kind] for kind in kinds * 5]
    assert one_hot(fitted, X.iloc[:5:2]) == [["True"], ["2.0"], ["0"]]


def test_an_estimator_predicts_the_same_from_both(tmp_path):
    smoker = np.random.default_rng(0).choice(["True", "False", "unknown"], 60)
    Y = np.column_stack([smoker == "True", smoker == "False"]).astype(int)
    X = pd.read_csv(io.StringIO(write_file(smoker)))
    est = TabMClassifier(max_epochs=2, random_state=0, verbose=0).fit(X, Y)
    est.save(tmp_path / "model")
    as_words = pd.DataFrame({"cell": ["True", "False"], "number": [0, 1]})
    as_bools = pd.read_csv(io.StringIO(write_file(["True", "False"])))
    assert as_bools["cell"].dtype == bool
    expected = est.predict_proba(as_words)
    assert abs(expected[0] - expected[1]).max() > 0
    for fitted in (est, TabMClassifier.load(tmp_path / "model")):
        np.testing.assert_array_equal(fitted.predict_proba(as_bools), expected)

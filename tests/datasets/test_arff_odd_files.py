"""What users' files have beside the plain format: unknown labels, words, weights, comments."""

import io
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skd2ace import CLIFClassifier
from skd2ace.datasets import ArffError, _arff_body, load_arff

HEAD = "@relation r\n@attribute a real\n@attribute b {0,1}\n@attribute c {0,1}\n@data\n"
NOMINAL = "@attribute a {x,y,'50 % z'}\n@attribute b {0,1}\n@attribute c {0,1}\n@data\n"


def dense(matrix):
    return matrix.toarray() if sp.issparse(matrix) else matrix


@pytest.mark.parametrize("block", [1, 2**22])
@pytest.mark.parametrize(
    ("rows", "target"),
    [
        ("1,?,?\n2,?,?\n", [[np.nan, np.nan]] * 2),
        ("1,0,?\n2,1,1\n3,?,0\n", [[0, np.nan], [1, 1], [np.nan, 0]]),
        ("{0 1,1 ?,2 ?}\n{1 ?,2 ?}\n", [[np.nan, np.nan]] * 2),
        ("{0 1,2 ?}\n{}\n{1 1}\n", [[0, np.nan], [0, 0], [1, 0]]),
    ],
)
def test_unknown_labels(read_arff, monkeypatch, rows, target, block):
    monkeypatch.setattr(_arff_body, "_BLOCK", block)
    found = read_arff(HEAD + rows, labels=-2)
    np.testing.assert_array_equal(dense(found.target), target)
    assert found.target.dtype == np.float64
    assert not np.isnan(dense(found.data)).any()
    frames = read_arff(HEAD + rows, labels=-2, as_frame=True)
    np.testing.assert_array_equal(frames.target.to_numpy(), target)


def test_unknown_labels_are_trained_on(read_arff):
    X, Y = read_arff(HEAD + "1,0,?\n2,1,1\n3,?,0\n4,1,0\n" * 5, labels=-2, return_X_y=True)
    est = CLIFClassifier(max_epochs=1, verbose=0, module__hidden_size=4).fit(X, Y)
    assert est.predict(X).shape == (20, 2)


@pytest.mark.parametrize("spaces", ["", " ", "\t "])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("{FALSE,TRUE}", ("FALSE", "TRUE")),
        ("{TRUE,FALSE}", ("FALSE", "TRUE")),
        ("{yes,no}", ("no", "yes")),
        ("{'No','Yes'}", ("No", "'Yes'")),
        ("{t,f}", ("f", "t")),
        ("{positive,negative}", ("negative", "positive")),
        ("{beach,absent}", ("absent", "beach")),
        ("{low,high}", ("low", "high")),
        ("{high,low}", ("high", "low")),
        ("{-1,1}", ("-1", "1")),
        ("{1,-1}", ("-1", "1")),
        ("{1.0,0.0}", ("0.0", "1.0")),
    ],
)
def test_two_words(read_arff, values, words, spaces):
    no, yes = words
    head = f"@attribute a real\n@attribute b {values}\n@attribute c {{0,1}}\n@data\n"
    rows = f"1,{spaces}{yes},1\n2,{no}{spaces},0\n3,?,1\n"
    expected = [[1, 1], [0, 0], [np.nan, 1]]
    np.testing.assert_array_equal(read_arff(head + rows, labels=-2).target, expected)
    # A sparse row leaves out the first of the values, which may be the relevant one.
    first = values.strip("{}").split(",")[0].strip("'")
    cells = {0: "" if yes.strip("'") == first else f"1 {yes}", 1: f"1 {no}", 2: "1 ?"}
    cells[1] = "" if no == first else cells[1]
    row = ["0 1", "0 2", "0 3"]
    rows = "".join(
        "{" + ",".join(filter(None, (row[i], cells[i], "2 1" if i != 1 else ""))) + "}\n"
        for i in range(3)
    )
    found = read_arff(head + rows, labels=-2)
    assert sp.issparse(found.target)
    np.testing.assert_array_equal(found.target.toarray(), expected)
    assert found.target_names == ["b", "c"]


def test_words_of_a_feature_stay_two_columns(read_arff):
    head = "@attribute a {no,yes}\n@attribute b {yes,no}\n@data\n"
    found = read_arff(head + "no,no\nyes,yes\n", labels=-1)
    assert found.feature_names == ["a=no", "a=yes"]
    assert found.target.tolist() == [[0], [1]]
    assert found.target.dtype == np.int64


@pytest.mark.parametrize("block", [1, 2**22])
@pytest.mark.parametrize(
    ("plain", "odd"),
    [
        (HEAD + "1,0,1\n2,1,1\n", HEAD + "1,0,1 % it's \"one\n2,1,1\n"),
        (HEAD + "1,0,1\n2,1,1\n", HEAD + "1,0,1%one, two\n2,1,1%{3}\n"),
        (HEAD + "1,0,1\n2,1,1\n", HEAD.replace("@data", "@data % c") + "1,0,1\n2,1,1,\n"),
        (HEAD + "1,0,1\n2,1,1\n", HEAD.replace("@data", "@data%c") + "1,0,1 ,\n2,1,1\n"),
        (HEAD + "{0 1}\n{2 1}\n", HEAD + "{0 1} % {2 1}\n{2 1,}\n"),
        (HEAD + "{0 1}\n{}\n", HEAD + "{0 1},\n{}%x\n"),
        (NOMINAL + "x,0,1\n'50 % z',1,1\n", NOMINAL + "x,0,1\n'50 % z',1,1,\n"),
        (NOMINAL + "x,0,1\ny,1,1\n", NOMINAL.replace(" %", "%") + "x,0,1 % y\ny,1,1,%\n"),
        (NOMINAL + "x,0,1\n'50 % z',1,1\n", NOMINAL + "x,0,1\n 50 % z ,1,1\n"),
    ],
)
def test_comments_and_commas_behind_rows(read_arff, monkeypatch, plain, odd, block):
    expected = read_arff(plain, labels=-2)
    monkeypatch.setattr(_arff_body, "_BLOCK", block)
    found = read_arff(odd, labels=-2)
    np.testing.assert_array_equal(dense(found.data), dense(expected.data))
    np.testing.assert_array_equal(dense(found.target), dense(expected.target))
    assert "sample_weight" not in found


@pytest.mark.parametrize("block", [1, 2**22])
@pytest.mark.parametrize(
    "rows",
    [
        "1,0,1\n2,1,1,{0.5}\n3,1,1, { 2 } % c\n4,0,0 {3},\n",
        "{0 1,2 1}\n{0 2,1 1,2 1}, {0.5}\n{0 3,1 1,2 1}{2}\n{0 4} , { 3 }%c\n",
    ],
)
def test_weights_of_instances(read_arff, monkeypatch, rows, block):
    """As Weka writes them; rows without one have weight 1."""
    monkeypatch.setattr(_arff_body, "_BLOCK", block)
    found = read_arff(HEAD + rows, labels=-2)
    assert found.sample_weight.tolist() == [1, 0.5, 2, 3]
    assert dense(found.data).ravel().tolist() == [1, 2, 3, 4]
    assert dense(found.target).tolist() == [[0, 1], [1, 1], [1, 1], [0, 0]]
    with pytest.warns(UserWarning, match="leaves out the weights of the instances"):
        read_arff(HEAD + rows, labels=-2, return_X_y=True)


ESCAPED = r"""@attribute a real
@attribute TAG_\"web\" {0,1}
@attribute 'TAG_it\'s' {0,1}
@attribute "TAG_\\back" {0,1}
@attribute TAG_plain {0,1}
@data
1,1,0,0,0
2,0,1,1,0
"""


def xml(*names):
    tags = "".join(f'<label name="{name}"></label>' for name in names)
    return f'<?xml version="1.0" encoding="utf-8"?><labels>{tags}</labels>'


@pytest.mark.parametrize(
    "names",
    [
        (r"TAG_\&quot;web\&quot;", r"TAG_it\'s", r"TAG_\\back", "TAG_plain"),
        ("TAG_&quot;web&quot;", "TAG_it's", r"TAG_\back", "TAG_plain"),
    ],
)
def test_names_with_backslashes(write_file, names):
    """MULAN's delicious has its names in the XML as they stand in the ARFF, escaped."""
    write_file(xml(*names), "file.xml")
    found = load_arff(write_file(ESCAPED))
    assert found.target_names == [r"TAG_\"web\"", "TAG_it's", r"TAG_\back", "TAG_plain"]
    assert found.target.tolist() == [[1, 0, 0, 0], [0, 1, 1, 0]]


def test_backslashes_that_name_two_attributes(write_file):
    """An attribute of that very name comes first; what could be two is none."""
    text = '@attribute a real\n@attribute b\\"c {0,1}\n@attribute b"c {0,1}\n@data\n1,1,0\n'
    path = write_file(text)
    assert load_arff(path, labels=['b"c']).target.tolist() == [[0]]
    assert load_arff(path, labels=['b\\"c']).target.tolist() == [[1]]
    with pytest.raises(ArffError, match="a label twice"):
        load_arff(write_file(ESCAPED), labels=["TAG_it's", r"TAG_it\'s"])
    with pytest.raises(ArffError, match="are no attributes here"):
        load_arff(write_file(ESCAPED), labels=[r"TAG_\nobody"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), is_sparse=st.booleans())
def test_ends_of_rows_change_nothing(read_arff, dense_text, sparse_text, data, is_sparse):
    """Whatever rows hold, quotes among it: a comma, weight and comment behind them are no cells."""
    text, labels = (sparse_text, 2) if is_sparse else (dense_text, ["thrush"])
    mark = "@data\n" if is_sparse else "@DATA\n"
    head, _, body = text.partition(mark)
    end = st.tuples(
        st.sampled_from(["", ",", " ,"]),
        st.sampled_from([None, 0, 0.25, 7]),
        st.sampled_from(["", " % c", "\t%", "%it's, {4}", " %'\"\\"]),
    )
    rows, weights = [], []
    for row in body.splitlines():
        if not row.strip() or row.startswith("%"):
            continue
        comma, weight, comment = data.draw(end)
        shown = "" if weight is None else f" {{{weight}}}"
        rows.append(f"{row}{comma}{shown}{comment}")
        weights.append(1 if weight is None else weight)
    expected = read_arff(text, labels=labels)
    found = read_arff(f"{head}{mark}" + "\n".join(rows), labels=labels)
    np.testing.assert_array_equal(dense(found.data), dense(expected.data))
    np.testing.assert_array_equal(dense(found.target), dense(expected.target))
    assert list(found.get("sample_weight", np.ones(len(rows)))) == weights


def test_no_warning_without_weights(read_arff):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X, Y = load_arff(io.StringIO(HEAD + "1,0,1\n"), labels=-2, return_X_y=True)
    assert X.shape == (1, 1)
    assert Y.shape == (1, 2)

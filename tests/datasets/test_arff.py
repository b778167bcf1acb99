"""The reader of ARFF files: what it knows of the format, what it refuses, and how fast it is."""

import bz2
import contextlib
import gzip
import pickle
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skd2ace.datasets import ArffError, _arff_body, _arff_columns, _label_xml, load_arff

DENSE = r"""% a comment
@RELATION 'two birds'

@Attribute 'wing, left' REAL % in cm
@attribute sky	{grey, 'deep blue', "it's"}
@attribute 'Steller\'s Jay' {0,1}
@attribute "a ""b" integer
@attribute thrush {0, 1}
@DATA
% another
1.5,grey,0,3,1

 -2e-3 , 'deep blue' , 1 , ? , 0
?,"it's",1,0,0
""".replace('"a ""b"', r'"a \"b"')
NAMES = ["wing, left", "sky=grey", "sky=deep blue", "sky=it's", 'a "b']
X_DENSE = [[1.5, 1, 0, 0, 3], [-0.002, 0, 1, 0, np.nan], [np.nan, 0, 0, 1, 0]]
SPARSE = """@relation 'numbers: -C 2 -split-number 3'
@attribute a {0,1}
@attribute b {1,0}
@attribute c numeric
@attribute d {0,1}
@attribute e {low,high}
@data
{0 1, 2 2.5}
{}
{1 0,4 high,2 0}
{ 3 1 , 2 ? }
"""
FAST = "@attribute a real\n@attribute b {0,1}\n@attribute c real\n"


def write(folder, text, name="file.arff"):
    path = Path(folder, name)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def both(text, folder, **kwargs):
    return load_arff(write(folder, text), **kwargs)


def test_a_dense_file(tmp_path):
    birds = both(DENSE, tmp_path, labels=["thrush", "Steller's Jay"])
    assert birds.feature_names == NAMES
    assert birds.label_names == ["thrush", "Steller's Jay"]
    np.testing.assert_array_equal(birds.X, X_DENSE)
    np.testing.assert_array_equal(birds.Y, [[1, 0], [0, 1], [0, 1]])
    assert birds.X.dtype == np.float64
    assert birds.Y.dtype == np.int64
    assert birds.DESCR == "two birds: 3 instances, 5 features, 2 labels."


def test_a_sparse_file_leaves_out_first_values(tmp_path):
    numbers = both(SPARSE, tmp_path)
    assert sp.issparse(numbers.X)
    assert numbers.X.format == numbers.Y.format == "csr"
    assert numbers.Y.dtype == np.int64
    assert numbers.X.indices.dtype == np.int32
    assert numbers.feature_names == ["c", "d", "e=low", "e=high"]
    np.testing.assert_array_equal(
        numbers.X.toarray(), [[2.5, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [np.nan, 1, 1, 0]]
    )
    np.testing.assert_array_equal(numbers.Y.toarray(), [[1, 1], [0, 1], [0, 0], [0, 1]])


@pytest.mark.parametrize("text", [DENSE, SPARSE])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
    ],
    ids=["crlf", "cr", "byte order mark", "no last line end"],
)
def test_line_ends(tmp_path, text, change):
    labels = 2 if text is SPARSE else ["thrush"]
    expected = both(text, tmp_path, labels=labels, as_frame=True)
    found = both(change(text), tmp_path, labels=labels, as_frame=True)
    pd.testing.assert_frame_equal(found.X, expected.X)
    pd.testing.assert_frame_equal(found.Y, expected.Y)


def test_other_encodings(tmp_path):
    for encoding in ("utf-8", "latin-1"):
        path = write(tmp_path, DENSE.replace("thrush", "Grünfink").encode(encoding))
        assert load_arff(path, labels=["Grünfink"]).Y.shape == (3, 1)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_archives(tmp_path, pack):
    name = f"file.arff.{'gz' if pack is gzip.compress else 'bz2'}"
    write(tmp_path, '<labels><label name="thrush"/></labels>', "file.xml")
    write(tmp_path, "<labels/>", "other.xml")
    packed = pack(DENSE.encode())
    assert load_arff(write(tmp_path, packed, name)).label_names == ["thrush"]
    for damaged in (packed[: len(packed) // 2], b"no archive", packed[:20] + b"xxxx" + packed[24:]):
        with pytest.raises(ArffError, match="damaged or cut short"):
            load_arff(write(tmp_path, damaged, name))


def test_a_bomb_is_not_unpacked(tmp_path):
    path = write(tmp_path, gzip.compress(bytes(10**8)), "bomb.arff.gz")
    assert path.stat().st_size < 10**6
    with pytest.raises(ArffError, match="more than 1000000 bytes"):
        load_arff(path, max_bytes=10**6)


def test_which_are_the_labels(tmp_path):
    text = SPARSE.replace(": -C 2 -split-number 3", "")
    path = write(tmp_path, text)
    with pytest.raises(ArffError, match="Give `labels`"):
        load_arff(path)
    assert load_arff(path, labels=1).label_names == ["a"]
    assert load_arff(write(tmp_path, text.replace("numbers", "n: -C -1 -c 2")), 2).Y.shape == (4, 2)
    meka = write(tmp_path, SPARSE.replace("{low,high}", "{0,1}").replace("high", "1"), "meka.arff")
    assert load_arff(meka).label_names == ["a", "b"]
    write(meka.parent, meka.read_text().replace("-C 2", "-C -2"), "meka.arff")
    assert load_arff(meka).label_names == ["d", "e"]
    # An XML comes before what the relation says; one of the same stem before any other.
    write(tmp_path, '<labels><label name="d"/><label name="a"/></labels>', "other.xml")
    assert load_arff(meka).label_names == ["d", "a"]
    own = write(tmp_path, '<x:labels xmlns:x="u"><x:label name="b"/></x:labels>', "meka.xml")
    assert load_arff(meka).label_names == ["b"]
    assert load_arff(path, labels=str(own)).label_names == ["b"]
    assert load_arff(path, labels=own).label_names == ["b"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (0, "`labels` is 0, and there are 5 attributes"),
        (5, "`labels` is 5"),
        (-9, "both labels and features are needed"),
        (["a", "nobody"], "1 label.* no attributes here, the first is 'nobody'"),
        ([], "names no label"),
        (["a", "a"], "a label twice"),
        (list("abcde"), "all attributes"),
        (["e"], r"label 'e' has the values \('low', 'high'\), not 0 and 1"),
        (["c"], "line 8: label 'c' is 2.5, not 0 or 1"),
    ],
)
def test_impossible_labels(tmp_path, labels, message):
    with pytest.raises(ArffError, match=message):
        both(SPARSE, tmp_path, labels=labels)


def test_a_missing_label(tmp_path):
    with pytest.raises(ArffError, match=r"file\.arff, line 4: label 'b' is missing"):
        both("@attribute a real\n@attribute b {0,1}\n@data\n1,?", tmp_path, labels=-1)


def test_sparse_rows_in_any_order(tmp_path):
    found = both(FAST + "@data\n{2 3, 0 1.5}\n{1 1,0 ?}\n", tmp_path, labels=["b"])
    np.testing.assert_array_equal(found.X.toarray(), [[1.5, 3], [np.nan, 0]])
    assert found.X.has_sorted_indices
    assert found.Y.toarray().tolist() == [[0], [1]]


def test_results(tmp_path):
    path = write(tmp_path, SPARSE)
    X, Y = load_arff(path, return_X_y=True)
    frames = load_arff(path, as_frame=True)
    np.testing.assert_array_equal(frames.X.to_numpy(), X.toarray())
    np.testing.assert_array_equal(frames.Y.to_numpy(), Y.toarray())
    assert list(frames.X.columns) == frames.feature_names
    dense = load_arff(write(tmp_path, DENSE), labels=["thrush"], as_frame=True)
    assert list(dense.Y.columns) == ["thrush"]
    assert dense.X["sky=grey"].tolist() == [1, 0, 0]


HEAD = "@attribute a real\n@attribute b {0,1}\n@attribute c {x,y}\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "without @data; is it cut short"),
        (HEAD, 4, "without @data"),
        (HEAD + "@data\n", 5, "no row follows @data"),
        ("@data\n1", 1, "before any @attribute"),
        ("hello\n", 1, "expected @relation, @attribute or @data, found 'hello'"),
        ("@attribute\n", 1, "has no name"),
        ("@attribute 'a real\n", 1, "a quote is not closed"),
        ("@attribute a\n", 1, "'a' has no type"),
        ("@attribute a string\n", 1, "'a' is of type 'string'; only numeric and nominal"),
        ("@attribute a {x,y\n", 1, "not closed"),
        ("@attribute a {x,,y}\n", 1, "an empty place"),
        ("@attribute a {}\n", 1, "an empty place"),
        ("@attribute a {x,x}\n", 1, "twice"),
        ("@attribute a {x} y\n", 1, "unexpected text after the list"),
        ("@attribute a {'x' y}\n", 1, "not closed"),
        (HEAD + "@attribute a real\n", 4, "a second attribute is called 'a'"),
        (HEAD + "@data\n1,1,x\n%\n1,1", 7, "2 value.s. where there are 3"),
        (HEAD + "@data\n1,1,x,\n", 5, "4 value.s. where there are 3"),
        (HEAD + "@data\nfoo,1,x\n", 5, "attribute 'a': 'foo' is not a number"),
        (HEAD + "@data\n1_0,1,x\n", 5, "'1_0' is not a number"),
        (HEAD + "@data\n1,2,x\n", 5, "attribute 'b': '2' is not among the values"),
        (HEAD + "@data\n1,1,'x,y'\n", 5, "is not among the values"),
        (HEAD + "@data\n1,1,'x\n", 5, "a quote is not closed"),
        (HEAD + "@data\n1,1,x\n{0 1}\n", 6, "a sparse row among dense ones"),
        (HEAD + "@data\n{0 1}\n1,1,x\n", 6, "a dense row among sparse ones"),
        (HEAD + "@data\n{0 1\n", 5, "without }"),
        (HEAD + "@data\n{3 1}\n", 5, "no attribute 3; they are 0 to 2"),
        (HEAD + "@data\n{" + "9" * 5000 + " 1}\n", 5, "no attribute 9999"),
        (HEAD + "@data\n{-1 1}\n", 5, "'-1 1' is not the number of an attribute"),
        (HEAD + "@data\n{0}\n", 5, "'0' is not the number"),
        (HEAD + "@data\n{0 1,}\n", 5, "'' is not the number"),
        (HEAD + "@data\n{0 1,0 2}\n", 5, "given twice"),
        (HEAD + "@data\n{0 1}, {5}\n", 5, "'{5' is not the number"),
        (HEAD + "@data\n{2 z}\n", 5, "attribute 'c': 'z' is not among"),
        # The fast readers take files without other nominal attributes than flags.
        (FAST + "@data\n1,1\n2,0\n", 5, "2 value.s. where there are 3"),
        (FAST + "@data\n1,1,1\n2,0\n", 6, "2 value.s. where there are 3"),
        (FAST + "@data\n1,2,1\n", 5, "attribute 'b': '2' is not among the values"),
        (FAST + "@data\n{0 1}\n{0 1,0 2}\n", 6, "given twice"),
        (FAST + "@data\n{0 1}\n{3 1}\n", 6, "no attribute 3"),
        (FAST + "@data\n{0 1}\n{-1 1}\n", 6, "'-1 1' is not the number"),
        (FAST + "@data\n{0 1 1}\n", 5, "'1 1' is not a number"),
        (FAST + "@data\n{0 1 1,2 3}\n", 5, "'1 1' is not a number"),
        (FAST + "@data\n{0 1,2}\n{1 1 1}\n", 5, "'2' is not the number"),
        (FAST + "@data\n{0 1}\n{1 2}\n", 6, "attribute 'b': '2' is not among the values"),
    ],
)
def test_broken_files(tmp_path, text, line, message):
    path = write(tmp_path, text)
    with pytest.raises(ArffError, match=message) as caught:
        load_arff(path, labels=["b"])
    assert (caught.value.path, caught.value.line) == (path, line)
    assert str(caught.value).startswith(f"{path}, line {line}: ")


def test_the_error_travels(tmp_path):
    error = ArffError("file", 3, "no type")
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "file, line 3: no type."
    assert str(ArffError("file", None, "empty")) == "file: empty."
    with pytest.raises(FileNotFoundError):
        load_arff(tmp_path / "nowhere.arff")


@pytest.mark.parametrize("row", ["1,a0", "{1 a0}", "{}"])
def test_absurd_sizes(tmp_path, monkeypatch, row):
    """A nominal attribute of many values asks for more columns than the file has bytes."""
    values = ",".join(f"a{i}" for i in range(50))
    text = f"@attribute y {{0,1}}\n@attribute a {{{values}}}\n@data\n" + f"{row}\n" * 20
    assert both(text, tmp_path, labels=1).X.shape == (20, 50)
    monkeypatch.setattr(_arff_columns, "_MAX_CELLS", 19)
    with pytest.raises(ArffError, match=r"X would have \d+ cells, and 19 is the limit"):
        both(text, tmp_path, labels=1)


LAUGHS = '<!DOCTYPE labels [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE labels [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
OUTSIDE_DTD = '<!DOCTYPE labels SYSTEM "http://127.0.0.1:9/labels.dtd">'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{LAUGHS}<labels><label name="&c;"/></labels>', "document types and entities"),
        (f"{OUTSIDE}<labels><label name='a'>&a;</label></labels>", "document types and entities"),
        (f"{OUTSIDE_DTD}<labels><label name='a'/></labels>", "document types and entities"),
        ("<labels>\n<label name='a'>", "line 2: this is no well-formed XML"),
        ("", "no well-formed XML"),
        ("<labels/>", "there is no <label>"),
        ("<labels><label/></labels>", "one without a name"),
        ("<?xml version='1.0' encoding='klingon'?><labels/>", "XML"),
    ],
)
def test_xml_of_strangers(tmp_path, text, message):
    path = write(tmp_path, text, "file.xml")
    with pytest.raises(ArffError, match=message):
        both(SPARSE, tmp_path, labels=path)


def test_a_huge_xml(tmp_path, monkeypatch):
    monkeypatch.setattr(_label_xml, "_MAX_BYTES", 100)
    write(tmp_path, f"<labels><label name='a'/>{' ' * 100}</labels>", "file.xml")
    with pytest.raises(ArffError, match="larger than 100 bytes"):
        both(SPARSE, tmp_path)


# Fuzzing -----------------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
NUMBERS = st.floats(allow_nan=False, width=64)


def quoted(text):
    marks = {"\\": r"\\", "'": r"\'", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
    return "'" + "".join(marks.get(c, c) for c in text) + "'"


@st.composite
def tables(draw):
    """Attributes (name, values or None), rows of cells (None: missing) and labels."""
    names = draw(st.lists(WORDS, min_size=2, max_size=6, unique=True))
    kinds = [draw(st.none() | st.lists(WORDS, min_size=1, max_size=4, unique=True)) for _ in names]
    kinds[0] = ["0", "1"]
    cells = [NUMBERS if kind is None else st.sampled_from(kind) for kind in kinds]
    rows = st.tuples(cells[0], *(st.none() | cell for cell in cells[1:]))
    return list(zip(names, kinds, strict=True)), draw(st.lists(rows, min_size=1, max_size=6))


def shown(value):
    if value is None:
        return "?"
    return quoted(value) if isinstance(value, str) else repr(value)


def written(attributes, rows, is_sparse):
    kinds = [
        "numeric" if kind is None else "{" + ", ".join(map(quoted, kind)) + "}"
        for _, kind in attributes
    ]
    text = "".join(
        f"@attribute {quoted(name)} {kind}\n"
        for (name, _), kind in zip(attributes, kinds, strict=True)
    )
    lines = []
    for row in rows:
        cells = [shown(value) for value in row]
        if is_sparse:
            first = [0.0 if kind is None else kind[0] for _, kind in attributes]
            kept = [i for i, value in enumerate(row) if value != first[i]]
            cells = [f"{i} {cells[i]}" for i in kept]
        line = ",".join(cells)
        lines.append(f"{{{line}}}" if is_sparse else line)
    return f"{text}@data\n" + "\n".join(lines)


def expected_columns(kind, column):
    """A slow one-hot coding."""
    if kind is None or set(kind) <= {"0", "1"}:
        return [[np.nan if v is None else float(v) for v in column]]
    return [[np.nan if v is None else float(v == value) for v in column] for value in kind]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(table=tables(), is_sparse=st.booleans())
def test_what_is_written_is_read(tmp_path, table, is_sparse):
    attributes, rows = table
    found = both(written(attributes, rows, is_sparse), tmp_path, labels=1)
    columns = list(zip(*rows, strict=True))
    pairs = list(zip(attributes, columns, strict=True))[1:]
    expected = np.array([c for (_, kind), col in pairs for c in expected_columns(kind, col)]).T
    X, Y = (m.toarray() if sp.issparse(m) else m for m in (found.X, found.Y))
    assert sp.issparse(found.X) == is_sparse
    np.testing.assert_array_equal(X, expected)
    assert Y.ravel().tolist() == [int(value) for value in columns[0]]
    assert found.label_names == [attributes[0][0]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(table=tables(), is_sparse=st.booleans(), data=st.data())
def test_the_fast_readers_agree_with_the_careful(tmp_path, monkeypatch, table, is_sparse, data):
    """Numbers and flags only; a few characters of the rows are spoiled."""
    attributes = [(name, kind if i == 0 else None) for i, (name, kind) in enumerate(table[0])]
    shapes = st.tuples(st.sampled_from("01"), *[NUMBERS | st.none() for _ in attributes[1:]])
    rows = data.draw(st.lists(shapes, min_size=1, max_size=5))
    text = written(attributes, rows, is_sparse).replace("{'0', '1'}", "{0,1}")
    header, _, body = text.partition("@data\n")
    body = body.replace("'", "")
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(body)))
        body = body[:at] + data.draw(st.sampled_from(list("{},? \n%x01e-"))) + body[at + 1 :]

    def outcome():
        try:
            found = both(f"{header}@data\n{body}", tmp_path, labels=1)
        except ArffError as error:
            return str(error)
        return [m.toarray() if sp.issparse(m) else m for m in (found.X, found.Y)]

    fast = outcome()
    with monkeypatch.context() as patch:
        for name in ("_read_dense_fast", "_read_sparse_fast"):
            patch.setattr(_arff_body, name, lambda rows, attributes: None)
        careful = outcome()
    if isinstance(careful, str):
        assert fast == careful
    else:
        np.testing.assert_array_equal(fast[0], careful[0])
        np.testing.assert_array_equal(fast[1], careful[1])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(noise=st.binary(max_size=300), start=st.sampled_from(["", HEAD, HEAD + "@data\n"]))
def test_noise_gives_the_documented_error(tmp_path, noise, start):
    path = write(tmp_path, start.encode() + noise)
    try:
        found = load_arff(path, labels=["b"])
    except ArffError:
        return
    assert found.X.shape[0] == found.Y.shape[0] > 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), text=st.sampled_from([DENSE, SPARSE]))
def test_a_spoiled_file_gives_the_documented_error(tmp_path, data, text):
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, len(text)))
    noise = data.draw(st.text(st.sampled_from("{}'\"\\,% \t\n@?019ax-"), max_size=6))
    with contextlib.suppress(ArffError):
        both(text[:at] + noise + text[end:], tmp_path, labels=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(noise=st.binary(max_size=200), start=st.sampled_from([b"", b"<labels>", b"<?xml "]))
def test_a_noisy_xml_gives_the_documented_error(tmp_path, noise, start):
    write(tmp_path, start + noise, "file.xml")
    with pytest.raises(ArffError):
        both(SPARSE, tmp_path)


@pytest.mark.parametrize("mark", ["{", "'", "{a", "{a,", "'\\", "a{" + " " * 99, "\\'", "{'a' "])
def test_long_nonsense_takes_no_quadratic_time(tmp_path, mark):
    start = time.perf_counter()
    with pytest.raises(ArffError):
        both(f"@attribute {mark * 50_000}\n", tmp_path)
    with pytest.raises(ArffError):
        both(f"{HEAD}@data\n{mark * 50_000}\n", tmp_path, labels=["b"])
    assert time.perf_counter() - start < 60


@pytest.mark.parametrize("row", ["1,a{}", "{{0 1, 1 a{}}}"])
def test_thousands_of_values_take_no_quadratic_time(tmp_path, row):
    values = ",".join(f"a{i}" for i in range(30_000))
    rows = "\n".join(row.format(i % 30_000) for i in range(40_000))
    start = time.perf_counter()
    with pytest.raises(ArffError, match="1200000000 cells"):
        both(f"@attribute y {{0,1}}\n@attribute a {{{values}}}\n@data\n{rows}", tmp_path, labels=1)
    assert time.perf_counter() - start < 60

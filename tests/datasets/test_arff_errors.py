"""Broken ARFF files, and files that ask for too much: an error that says where, and soon."""

import contextlib
import gzip
import pickle
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skd2ace.datasets import ArffError, _arff_columns, load_arff

HEAD = "@attribute a real\n@attribute b {0,1}\n@attribute c {x,y}\n"
FAST = "@attribute a real\n@attribute b {0,1}\n@attribute c real\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("@data\n1", 1, "before any @attribute"),
        ("hello\n", 1, "expected @relation, @attribute or @data, found 'hello'"),
        ("@attribute\n", 1, "has no name"),
        ("@attribute 'a real\n", 1, "a quote is not closed"),
        ("@attribute a\n", 1, "'a' has no type"),
        ("@attribute a date\n", 1, "'a' is of type 'date'; only numeric and nominal"),
        ("@attribute a DATE 'yyyy-MM-dd'\n", 1, "'a' is of type .*only numeric and nominal"),
        ("@attribute a relational\n", 1, "only numeric and nominal"),
        (HEAD + "@data 1,1,x\n1,0,y\n", 4, "rows begin on the line after @data; found '1,1,x'"),
        (HEAD + "@DATA\t{0 1}\n{0 2}\n", 4, "rows begin on the line after @data; found '{0 1}'"),
        (HEAD + "@data ?,?,? % c\n", 4, "rows begin on the line after @data"),
        (HEAD + "@data\n1,1,x,{-1}\n", 5, "the weight '-1' of the instance is no number"),
        (HEAD + "@data\n1,1,x,{nan}\n", 5, "the weight 'nan' of the instance is no number"),
        (HEAD + "@data\n{0 1},{1e999}\n", 5, "the weight '1e999' of the instance"),
        (HEAD + "@data\n1,1,{5}\n", 5, "2 value.s. where there are 3"),
        ("@attribute a string\n", 1, "'a' is of type 'string'; only numeric and nominal"),
        ("@attribute a {x,y\n", 1, "not closed"),
        ("@attribute a {x,,y}\n", 1, "an empty place"),
        ("@attribute a {}\n", 1, "an empty place"),
        ("@attribute a {x,x}\n", 1, "twice"),
        ("@attribute a {x} y\n", 1, "unexpected text after the list"),
        ("@attribute a {'x' y}\n", 1, "not closed"),
        (HEAD + "@attribute a real\n", 4, "a second attribute is called 'a'"),
        (HEAD + "@data\n1,1,x\n%\n1,1", 7, "2 value.s. where there are 3"),
        (HEAD + "@data\n1,1,x,,\n", 5, "5 value.s. where there are 3"),
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
        (HEAD + "@data\n{0 1,,}\n", 5, "'' is not the number"),
        (HEAD + "@data\n{0 1,0 2}\n", 5, "given twice"),
        (HEAD + "@data\n{0 1}, {5 1}\n", 5, "'1}' is not a number|'1}' is not|'{5 1' is not"),
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
def test_broken_files(write_file, text, line, message):
    path = write_file(text)
    with pytest.raises(ArffError, match=message) as caught:
        load_arff(path, labels=["b"])
    assert (caught.value.path, caught.value.line) == (path, line)
    assert str(caught.value).startswith(f"{path}, line {line}: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file ends without @data; is it cut short"),
        (HEAD, "the file ends without @data"),
        (HEAD + "@data\n\n%1,1,x", "no row follows @data"),
    ],
)
def test_files_that_end_early(read_arff, text, message):
    with pytest.raises(ArffError, match=message) as caught:
        read_arff(text, labels=["b"])
    assert caught.value.line is None


def test_the_error_travels(tmp_path):
    error = ArffError("file", 3, "no type")
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "file, line 3: no type."
    assert str(ArffError("file", None, "empty")) == "file: empty."
    with pytest.raises(FileNotFoundError):
        load_arff(tmp_path / "nowhere.arff")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(noise=st.binary(max_size=300), start=st.sampled_from(["", HEAD, HEAD + "@data\n"]))
def test_noise_gives_the_documented_error(write_file, noise, start):
    path = write_file(start.encode() + noise)
    try:
        found = load_arff(path, labels=["b"])
    except ArffError:
        return
    assert found.data.shape[0] == found.target.shape[0] > 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), is_sparse=st.booleans())
def test_a_spoiled_file_gives_the_documented_error(
    read_arff, dense_text, sparse_text, data, is_sparse
):
    text = sparse_text if is_sparse else dense_text
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, len(text)))
    noise = data.draw(st.text(st.sampled_from("{}'\"\\,% \t\n@?019ax-"), max_size=6))
    with contextlib.suppress(ArffError):
        read_arff(text[:at] + noise + text[end:], labels=1)


def test_a_bomb_is_not_unpacked(write_file):
    path = write_file(gzip.compress(bytes(10**8)), "bomb.arff.gz")
    assert path.stat().st_size < 10**6
    with pytest.raises(ArffError, match="more than 1000000 bytes"):
        load_arff(path, max_bytes=10**6)


@pytest.mark.parametrize("limit", [0, -1, 1e6, float("nan"), "512", None])
def test_impossible_limits(limit):
    with pytest.raises(ValueError, match=r"'max_bytes' parameter of load_arff must be an int"):
        load_arff("nowhere.arff", labels=1, max_bytes=limit)


@pytest.mark.parametrize("row", ["1,a0", "{1 a0}", "{}"])
def test_absurd_sizes(read_arff, monkeypatch, row):
    """A nominal attribute of many values asks for more columns than the file has bytes."""
    values = ",".join(f"a{i}" for i in range(50))
    text = f"@attribute y {{0,1}}\n@attribute a {{{values}}}\n@data\n" + f"{row}\n" * 20
    assert read_arff(text, labels=1).data.shape == (20, 50)
    monkeypatch.setattr(_arff_columns, "_MAX_CELLS", 19)
    with pytest.raises(ArffError, match=r"X would have \d+ cells, and 19 is the limit"):
        read_arff(text, labels=1)


@pytest.mark.parametrize("mark", ["{", "'", "{a", "{a,", "'\\", "a{" + " " * 99, "\\'", "{'a' "])
def test_long_nonsense_takes_no_quadratic_time(read_arff, mark):
    start = time.perf_counter()
    with pytest.raises(ArffError):
        read_arff(f"@attribute {mark * 50_000}\n")
    with pytest.raises(ArffError):
        read_arff(f"{HEAD}@data\n{mark * 50_000}\n", labels=["b"])
    assert time.perf_counter() - start < 60


@pytest.mark.parametrize("row", ["1,a{}", "{{0 1, 1 a{}}}"])
def test_thousands_of_values_take_no_quadratic_time(read_arff, row):
    values = ",".join(f"a{i}" for i in range(30_000))
    rows = "\n".join(row.format(i % 30_000) for i in range(40_000))
    start = time.perf_counter()
    with pytest.raises(ArffError, match="1200000000 cells"):
        read_arff(f"@attribute y {{0,1}}\n@attribute a {{{values}}}\n@data\n{rows}", labels=1)
    assert time.perf_counter() - start < 60

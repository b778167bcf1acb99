"""Small archives that unpack to much, or ask for much, and archives that are damaged."""

import bz2
import contextlib
import gzip
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skd2ace.datasets import (
    ArffError,
    _arff_body,
    _arff_columns,
    _arff_header,
    _arff_lines,
    load_arff,
)

HEAD = b"@attribute a real\n@attribute b {0,1}\n"
ROWS = b"@data\n1,1\n"
SIZE = 2**20


def peak(path, **kwargs):
    """Bytes that reading takes at most."""
    tracemalloc.start()
    try:
        with contextlib.suppress(ArffError):
            load_arff(path, labels=["b"], **kwargs)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("line", [b"\n", b"%\n", b" % a\t\r\n"])
@pytest.mark.parametrize("parts", [(HEAD, b"", ROWS), (b"", HEAD, ROWS), (HEAD, ROWS, b"")])
def test_blank_lines_and_comments_take_no_memory(write_file, line, parts):
    bomb = line * (SIZE // len(line))
    path = write_file(gzip.compress(b"".join(part or bomb for part in parts)), "bomb.arff.gz")
    assert path.stat().st_size < SIZE / 50
    # A quarter of what the file unpacks to.
    assert peak(path) < SIZE / 4


@pytest.mark.parametrize("row", [b"1,0\n", b"{0 2}\n", b"{}\n", b"'1',0\n"])
def test_short_rows_take_little_memory(write_file, monkeypatch, row):
    """Texts of rows and cells would take 50 times the size of the file."""
    size = SIZE // 2
    monkeypatch.setattr(_arff_body, "_BLOCK", size // 16)
    path = write_file(HEAD + b"@data\n" + row * (size // len(row)))
    assert peak(path) < 25 * size


def test_long_lines(write_file, monkeypatch):
    monkeypatch.setattr(_arff_lines, "_MAX_LINE", 99)
    path = write_file(HEAD + b"@data\n1,0%" + b" " * 88 + b"\n" + b"1" * 100)
    with pytest.raises(ArffError, match="line 5: the line is longer than 99 characters"):
        load_arff(path, labels=["b"])


def test_a_line_without_end_is_not_read_to_its_end(write_file):
    bomb = b"@attribute c {" + b"a," * (32 * SIZE)
    path = write_file(gzip.compress(HEAD + bomb), "bomb.arff.gz")
    assert peak(path) < 6 * _arff_lines._MAX_LINE < 2 * len(bomb)


def test_names_and_values(read_arff, monkeypatch):
    """Each value is a column, called by the attribute's name too."""
    with pytest.raises(ArffError, match="line 1: an attribute's name is longer than 1000"):
        read_arff(f"@attribute {'a' * 1001} {{x,y}}\n")
    monkeypatch.setattr(_arff_header, "_MAX_COLUMNS", 4)
    text = "@attribute b {0,1}\n@attribute a {x,y}\n@attribute c real\n"
    assert read_arff(text + "@data\n0,x,1\n", labels=1).data.shape == (1, 3)
    with pytest.raises(ArffError, match="line 4: there are more than 4 attributes and values"):
        read_arff(text + "@attribute d real\n")


def test_labels_that_an_empty_row_means(read_arff, monkeypatch):
    """Of labels {1,0}, which some files have, a sparse row leaves out the ones."""
    text = "@attribute a real\n@attribute b {1,0}\n@attribute c {1,0}\n@data\n" + "{}\n" * 10
    assert read_arff(text, labels=-2).target.sum() == 20
    monkeypatch.setattr(_arff_columns, "_MAX_CELLS", 19)
    with pytest.raises(ArffError, match="Y would have 20 cells, and 19 is the limit"):
        read_arff(text, labels=-2)


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(data=st.data())
def test_a_spoiled_archive_gives_the_documented_error(write_file, dense_text, packed, data):
    content = bytearray(packed(dense_text.encode() * data.draw(st.sampled_from([1, 50]))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    ending = "gz" if packed is gzip.compress else "bz2"
    path = write_file(bytes(content[:end]), f"file.arff.{ending}")
    with contextlib.suppress(ArffError):
        assert load_arff(path, labels=["thrush"]).target.shape[1] == 1


@pytest.mark.parametrize("size", [1, 300, 10**9])
def test_blocks_of_rows_are_one_file(read_arff, dense_text, sparse_text, monkeypatch, size):
    files = [(dense_text, ["thrush"]), (sparse_text, ["a", "d"])]
    whole = [read_arff(text, labels=labels) for text, labels in files]
    monkeypatch.setattr(_arff_body, "_BLOCK", size)
    for (text, labels), expected in zip(files, whole, strict=True):
        found = read_arff(text, labels=labels)
        assert str(found.data) == str(expected.data)
        assert str(found.target) == str(expected.target)
    with pytest.raises(ArffError, match="a sparse row among dense ones"):
        read_arff(dense_text + "{}\n", labels=["thrush"])

"""What load_arff returns, whatever the line ends, the encoding and the packing of the file."""

import bz2
import gzip

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from skd2ace.datasets import ArffError, load_arff

NAMES = ["wing, left", "sky=grey", "sky=deep blue", "sky=it's", 'a "b']
X_DENSE = [[1.5, 1, 0, 0, 3], [-0.002, 0, 1, 0, np.nan], [np.nan, 0, 0, 1, 0]]


def test_a_dense_file(read_arff, dense_text):
    birds = read_arff(dense_text, labels=["thrush", "Steller's Jay"])
    assert birds.feature_names == NAMES
    assert birds.target_names == ["thrush", "Steller's Jay"]
    np.testing.assert_array_equal(birds.data, X_DENSE)
    np.testing.assert_array_equal(birds.target, [[1, 0], [0, 1], [0, 1]])
    assert birds.data.dtype == np.float64
    assert birds.target.dtype == np.int64
    assert birds.DESCR == "two birds: 3 instances, 5 features, 2 labels."


def test_a_sparse_file_leaves_out_first_values(read_arff, sparse_text):
    numbers = read_arff(sparse_text)
    assert sp.issparse(numbers.data)
    assert numbers.data.format == numbers.target.format == "csr"
    assert numbers.target.dtype == np.int64
    assert numbers.data.indices.dtype == np.int32
    assert numbers.feature_names == ["c", "d", "e=low", "e=high"]
    np.testing.assert_array_equal(
        numbers.data.toarray(), [[2.5, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [np.nan, 1, 1, 0]]
    )
    np.testing.assert_array_equal(numbers.target.toarray(), [[1, 1], [0, 1], [0, 0], [0, 1]])


def test_sparse_rows_in_any_order(read_arff):
    header = "@attribute a real\n@attribute b {0,1}\n@attribute c real\n"
    found = read_arff(header + "@data\n{2 3, 0 1.5}\n{1 1,0 ?}\n", labels=["b"])
    np.testing.assert_array_equal(found.data.toarray(), [[1.5, 3], [np.nan, 0]])
    assert found.data.has_sorted_indices
    assert found.target.toarray().tolist() == [[0], [1]]


@pytest.mark.parametrize("is_sparse", [False, True])
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
def test_line_ends(read_arff, dense_text, sparse_text, is_sparse, change):
    text, labels = (sparse_text, 2) if is_sparse else (dense_text, ["thrush"])
    expected = read_arff(text, labels=labels, as_frame=True)
    found = read_arff(change(text), labels=labels, as_frame=True)
    pd.testing.assert_frame_equal(found.data, expected.data)
    pd.testing.assert_frame_equal(found.target, expected.target)


def test_other_encodings(write_file, dense_text):
    for encoding in ("utf-8", "latin-1"):
        path = write_file(dense_text.replace("thrush", "Grünfink").encode(encoding))
        assert load_arff(path, labels=["Grünfink"]).target.shape == (3, 1)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_archives(write_file, dense_text, pack):
    name = f"file.arff.{'gz' if pack is gzip.compress else 'bz2'}"
    write_file('<labels><label name="thrush"/></labels>', "file.xml")
    write_file("<labels/>", "other.xml")
    packed = pack(dense_text.encode())
    assert load_arff(write_file(packed, name)).target_names == ["thrush"]
    for damaged in (packed[: len(packed) // 2], b"no archive", packed[:20] + b"xxxx" + packed[24:]):
        with pytest.raises(ArffError, match="damaged or cut short"):
            load_arff(write_file(damaged, name))


def test_results(write_file, dense_text, sparse_text):
    path = write_file(sparse_text)
    X, Y = load_arff(path, return_X_y=True)
    frames = load_arff(path, as_frame=True)
    np.testing.assert_array_equal(frames.data.to_numpy(), X.toarray())
    np.testing.assert_array_equal(frames.target.to_numpy(), Y.toarray())
    assert list(frames.data.columns) == frames.feature_names
    assert list(frames.frame) == frames.feature_names + frames.target_names
    pd.testing.assert_frame_equal(frames.frame[frames.target_names], frames.target)
    assert load_arff(path).frame is None
    dense = load_arff(write_file(dense_text), labels=["thrush"], as_frame=True)
    assert list(dense.target.columns) == ["thrush"]
    assert dense.data["sky=grey"].tolist() == [1, 0, 0]

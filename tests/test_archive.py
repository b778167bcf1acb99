"""Files of plain values and tensors: everything comes back, and nothing damaged does."""

import json
import os
import stat
import zipfile
from collections import Counter

import numpy as np
import pytest
import torch

from skd2ace import _archive
from skd2ace._archive import ArchiveError, read_archive, write_archive

SHARED = torch.arange(6.0).reshape(2, 3)
CONTENT = {
    "plain": [None, True, False, 0, -(2**70), "text", "$dollar", "ä\n"],
    "floats": [0.1, 1e-308, -0.0, float("inf"), -float("inf")],
    "nested": ({"a": (1, [2.0, {"b": {3}}])}, []),
    "keys": {0: "zero", (1, "x"): "pair", None: "none", "$tensor": "not a tensor"},
    "empty": {},
    "numpy": [np.float64(0.1), np.bool_(True), np.int64(3)],
    "tensors": [
        SHARED,
        SHARED.T,
        SHARED[0],
        torch.tensor(7),
        torch.empty(0, 3),
        torch.tensor([1.5], dtype=torch.bfloat16),
        torch.tensor([True, False]),
        torch.nn.Parameter(torch.ones(2)),
    ],
    "arrays": [
        np.arange(3),
        np.asfortranarray(np.eye(3)[:, :2]),
        np.array([1.5], dtype=">f8"),
        np.array(["a", "bc"]),
        np.array(["a", None, 1], dtype=object),
        np.array(2.5),
    ],
}


def assert_equal(mine, theirs):
    if isinstance(theirs, torch.Tensor):
        assert mine.dtype == theirs.dtype
        assert torch.equal(mine, theirs)
    elif isinstance(theirs, np.ndarray):
        assert mine.dtype == theirs.dtype.newbyteorder("=")
        np.testing.assert_array_equal(mine, theirs)
    elif isinstance(theirs, dict):
        assert list(mine) == list(theirs)
        assert_equal(list(mine.values()), list(theirs.values()))
    elif isinstance(theirs, (list, tuple)):
        assert type(mine) is type(theirs)
        assert len(mine) == len(theirs)
        for one, other in zip(mine, theirs, strict=True):
            assert_equal(one, other)
    else:
        assert mine == theirs
        assert str(mine) == str(theirs)


@pytest.fixture
def path(tmp_path):
    write_archive(tmp_path / "file", "thing", CONTENT)
    return tmp_path / "file"


def test_round_trip(path):
    assert_equal(read_archive(path, "thing"), CONTENT)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "<U3", "object"])
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_arrays_of_nothing(tmp_path, dtype, shape):
    arrays = {"array": np.empty(shape, dtype)}
    if dtype in ("float32", "int64", "bool"):
        arrays["tensor"] = torch.from_numpy(np.empty(shape, dtype))
    write_archive(tmp_path / "empty", "test", arrays)
    for name, back in read_archive(tmp_path / "empty", "test").items():
        assert type(back) is type(arrays[name])
        assert back.shape == arrays[name].shape
        assert back.dtype == arrays[name].dtype


def test_nan(tmp_path):
    write_archive(tmp_path / "file", "thing", {"x": float("nan")})
    assert np.isnan(read_archive(tmp_path / "file", "thing")["x"])


@pytest.mark.parametrize(
    "value",
    [object(), print, np.array([object()]), 1j, {"a": [b"bytes"]}, Counter("ab"), torch.Size([1])],
)
def test_what_cannot_be_written(tmp_path, value):
    with pytest.raises(TypeError, match="cannot be written"):
        write_archive(tmp_path / "file", "thing", {"x": value})
    assert list(tmp_path.iterdir()) == []


def test_every_cut_is_noticed(path):
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ArchiveError, match="file is damaged"):
            read_archive(path, "thing")


def test_no_flipped_bit_changes_what_is_read(path):
    """Each is refused, or stands where it does not matter, as in the date of a part."""
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.integers(len(whole), size=400):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            read = read_archive(path, "thing")
        except ArchiveError:
            refused += 1
        else:
            assert_equal(read, CONTENT)
    assert refused > 300


def test_a_directory_that_points_elsewhere(path):
    """The last bytes of a zip say where its directory begins; the system then refuses to seek."""
    whole = bytearray(path.read_bytes())
    for where in (len(whole) + 5000, 2**32 - 2, 0):
        whole[-6:-2] = where.to_bytes(4, "little")
        path.write_bytes(whole)
        with pytest.raises(ArchiveError, match="file is damaged"):
            read_archive(path, "thing")


def test_a_file_system_without_fsync_of_folders(tmp_path, monkeypatch):
    real = os.fsync

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError("invalid argument")
        real(descriptor)

    monkeypatch.setattr(_archive.os, "fsync", refuse_folders)
    write_archive(tmp_path / "file", "thing", CONTENT)
    assert_equal(read_archive(tmp_path / "file", "thing"), CONTENT)


def rewritten(path, content=None, compression=zipfile.ZIP_STORED, **head):
    """The same file with another head, or written in another way."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = json.loads(parts["content.json"]) | head
    parts["content.json"] = json.dumps(text if content is None else content)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version 2 of the format; this skd2ace reads version 1"),
        ({"format": "other"}, "no file of skd2ace"),
        ({"kind": "other"}, "holds a 'other', not a 'thing'"),
        ({"compression": zipfile.ZIP_DEFLATED}, "compressed"),
        ({"content": [1]}, "no file of skd2ace"),
    ],
)
def test_files_of_others(path, change, message):
    rewritten(path, **change)
    with pytest.raises(ArchiveError, match=message):
        read_archive(path, "thing")


def test_an_unknown_kind_of_value(path):
    head = {"format": "skd2ace", "version": 1, "kind": "thing"}
    rewritten(path, content=head | {"content": {"x": {"$class": "os.system"}}})
    with pytest.raises(ArchiveError, match=r"unknown kind of value, '\$class'"):
        read_archive(path, "thing")


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_archive(tmp_path / "file", "thing")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_the_old_file_survives_a_failed_write(path, monkeypatch, call):
    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(_archive.os, call, fail)
    with pytest.raises(OSError, match="disk full"):
        write_archive(path, "thing", {"new": 1})
    assert_equal(read_archive(path, "thing"), CONTENT)
    assert os.listdir(path.parent) == ["file"]


def test_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Content first, then the name, then the folder that holds the name."""
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def spy(*args, name=name, real=real):
            calls.append(name)
            return real(*args)

        monkeypatch.setattr(_archive.os, name, spy)
    write_archive(tmp_path / "file", "thing", {})
    assert calls == ["fsync", "replace", "fsync"]

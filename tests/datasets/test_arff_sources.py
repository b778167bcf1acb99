"""Where an ARFF file may come from: archives, encodings, files that are open."""

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skd2ace.datasets import ArffError, _arff_source, load_arff

TEXT = "@relation 'r: -C 1'\n@attribute Grünfink {0,1}\n@attribute a real\n@data\n1,2\n0,?\n"


def zipped(content, *names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("folder/x.arff",):
            archive.writestr(name, content)
    return file.getvalue()


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": zipped}


def check(found):
    assert found.target_names == ["Grünfink"]
    np.testing.assert_array_equal(found.data, [[2], [np.nan]])
    assert found.target.tolist() == [[1], [0]]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
)
@pytest.mark.parametrize("ending", ["", "gz", "zip"])
def test_encodings(write_file, encoding, ending):
    content = TEXT.encode(encoding)
    if ending:
        content = PACKERS[ending](content)
    check(load_arff(write_file(content, f"x.arff.{ending}".rstrip("."))))
    marked = b"\xfe\xff" + TEXT.encode("utf-16-be")
    check(load_arff(write_file(marked)))


def test_a_spoiled_encoding(write_file):
    with pytest.raises(ArffError, match="not in the encoding it seems to be in"):
        load_arff(write_file(TEXT.encode("utf-16")[:-1]))


@pytest.mark.parametrize("name", ["{}", "x.{}", "x.arff.{}"])
@pytest.mark.parametrize("ending", PACKERS)
def test_archives(write_file, ending, name):
    path = write_file(PACKERS[ending](TEXT.encode()), name.format("f." + ending))
    check(load_arff(path))
    # The XML that belongs to it has its stem.
    write_file('<labels><label name="a"/></labels>', "other.xml")
    own = name.format("f").partition(".arff")[0] + ".xml"
    write_file('<labels><label name="Grünfink"/></labels>', own)
    check(load_arff(path))


def test_xz_of_several_streams(write_file):
    content = TEXT.encode()
    packed = lzma.compress(content[:50]) + bytes(8) + lzma.compress(content[50:]) + bytes(4)
    check(load_arff(write_file(packed, "x.arff.xz")))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.arff", "b.ARFF"), "holds 2 ARFF files: a.arff, b.ARFF; it must be one"),
        (("a.xml",), "holds 0 ARFF files; it must be one"),
        (("a.arff", "a.arff/"), None),
        (("a.arff", "__MACOSX/._a.arff", "a.xml"), None),
    ],
)
def test_what_a_zip_holds(write_file, names, message):
    path = write_file(zipped(TEXT.encode(), *names), "x.zip")
    if message is None:
        check(load_arff(path))
    else:
        with pytest.raises(ArffError, match=message):
            load_arff(path)


@pytest.mark.parametrize("ending", ["rar", "7z", "tar", "zst", "Z"])
def test_other_archives_are_named(write_file, ending):
    with pytest.raises(ArffError, match=r"are not read, only .gz, .bz2, .xz, .zip: unpack it"):
        load_arff(write_file(b"Rar!", f"x.{ending}"))


@pytest.mark.parametrize("ending", PACKERS)
def test_bombs_are_not_unpacked(write_file, ending):
    path = write_file(PACKERS[ending](bytes(10**8)), f"bomb.arff.{ending}")
    assert path.stat().st_size < 10**6
    with pytest.raises(ArffError, match="more than 1000000 bytes"):
        load_arff(path, max_bytes=10**6)
    with pytest.raises(ArffError, match="more than 1000000 bytes"):
        load_arff(io.BytesIO(bytes(10**6 + 1)), max_bytes=10**6)
    with pytest.raises(ArffError, match="more than 1000000 bytes"):
        load_arff(io.StringIO("%\n" * 500_001), max_bytes=10**6)


def test_archives_that_ask_for_memory(write_file, monkeypatch):
    """A dictionary of xz, and a list of a zip's files, are as large as the file says."""
    monkeypatch.setattr(_arff_source, "_MAX_XZ_MEMORY", 2**20)
    with pytest.raises(ArffError, match=r"[Mm]emory"):
        load_arff(write_file(lzma.compress(TEXT.encode()), "x.arff.xz"))
    monkeypatch.setattr(_arff_source, "_MAX_DIRECTORY", 2**10)
    names = [f"{i}.txt" for i in range(100)]
    with pytest.raises(ArffError, match="its directory is absurdly large"):
        load_arff(write_file(zipped(b"", *names), "x.zip"))


@pytest.mark.parametrize("packed", [lzma.compress, zipped])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(data=st.data())
def test_a_spoiled_archive_gives_the_documented_error(write_file, packed, data):
    content = bytearray(packed(TEXT.encode() * data.draw(st.sampled_from([1, 50]))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    ending = "xz" if packed is lzma.compress else "zip"
    try:
        found = load_arff(write_file(bytes(content[:end]), f"file.arff.{ending}"), labels=1)
    except ArffError:
        return
    assert found.target.shape[1] == 1


@pytest.mark.parametrize("mode", ["text", "binary"])
def test_open_files(write_file, mode):
    path = write_file(TEXT)
    with path.open(encoding="utf-8") if mode == "text" else path.open("rb") as file:
        check(load_arff(file))
        assert not file.closed
    # One that is open in a folder has an XML beside it as by its path.
    write_file('<labels><label name="a"/></labels>', "file.xml")
    path.write_text(TEXT.replace("?", "1").replace("1,2", "1,0"), encoding="utf-8")
    with path.open(encoding="utf-8") if mode == "text" else path.open("rb") as file:
        assert load_arff(file).target_names == ["a"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_in_memory(tmp_path, monkeypatch, end):
    # There is no folder to look for an XML in, the current one least of all.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.xml").write_text('<labels><label name="a"/></labels>')
    text = TEXT.replace("\n", end)
    check(load_arff(io.StringIO(text)))
    check(load_arff(io.StringIO("\ufeff" + text)))
    check(load_arff(io.BytesIO(text.encode())))
    check(load_arff(io.BytesIO(text.encode("latin-1"))))
    check(load_arff(io.BytesIO(text.encode("utf-16"))))
    check(load_arff(io.StringIO(text), labels=["Grünfink"]))
    with pytest.raises(ArffError, match=r"^<StringIO>, line 1: expected @relation"):
        load_arff(io.StringIO("hello"))
    with pytest.raises(ArffError, match="Give `labels`"):
        load_arff(io.StringIO(text.replace("-C 1", "")))


def test_open_archives_and_wrong_encodings(write_file):
    path = write_file(gzip.compress(TEXT.encode()), "x.arff.gz")
    with path.open("rb") as file:
        check(load_arff(file))
    with gzip.open(path, "rt", encoding="utf-8") as file:
        check(load_arff(file))
    with (
        gzip.open(path, "rt", encoding="ascii") as file,
        pytest.raises(ArffError, match="not in the encoding"),
    ):
        load_arff(file)


@pytest.mark.parametrize("path", [1, None, ["a.arff"]])
def test_what_is_no_file(path):
    with pytest.raises(TypeError, match="path must be a path or an open file"):
        load_arff(path)

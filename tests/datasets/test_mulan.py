"""Fetching: what stands on the disk, what is downloaded, and what is said when neither helps."""

import hashlib
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from skd2ace.datasets import ArffError, _mulan, describe, fetch_mulan, load_arff, mulan_registry

TRAIN = "@relation toy\n@attribute a real\n@attribute y {0,1}\n@data\n1,0\n2,1\n"
TEST = TRAIN.partition("@data")[0] + "@data\n3,1\n"
XML = '<labels><label name="y"/></labels>'
FILES = {"birds-train.arff": TRAIN, "birds-test.arff": TEST, "birds.xml": XML}


@pytest.fixture
def toy(monkeypatch):
    """Birds, but with three instances; the registry knows their checksums."""
    sums = {file: hashlib.sha256(text.encode()).hexdigest() for file, text in FILES.items()}
    entry = mulan_registry()["birds"]._replace(sha256=sums)
    monkeypatch.setattr(_mulan, "mulan_registry", lambda: {"birds": entry})
    return entry


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def put(folder, files=FILES):
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (folder / file).write_text(text)


class Handler(SimpleHTTPRequestHandler):
    """A server that fails as often as it is told to, and counts what it is asked for."""

    failures = 0
    asked: list

    def do_GET(self):
        self.asked.append(self.path)
        if Handler.failures:
            Handler.failures -= 1
            self.send_error(500)
        else:
            super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A copy of MULAN's repository, on this machine; the folder, and the requests."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    monkeypatch.setattr(Handler, "asked", [], raising=False)
    monkeypatch.setattr(Handler, "failures", 0)
    handler = partial(Handler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setattr(_mulan, "_BASE", f"http://127.0.0.1:{server.server_port}/multi-label")
        put(tmp_path / "served" / "multi-label" / "birds")
        yield tmp_path / "served" / "multi-label" / "birds"
        server.shutdown()
        thread.join()


@pytest.fixture
def no_server(monkeypatch):
    """Port 9 of this machine answers nobody, and nobody is waited for."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: pytest.fail("tried again"))
    monkeypatch.setattr(_mulan, "_BASE", "http://127.0.0.1:9")


def test_parts_are_joined(toy, home, no_server):
    put(home / "birds")
    birds = fetch_mulan("Birds", data_home=home)
    assert birds.data.tolist() == [[1], [2], [3]]
    assert birds.target.tolist() == [[0], [1], [1]]
    assert (birds.feature_names, birds.target_names) == (["a"], ["y"])
    assert birds.DESCR.startswith("MULAN birds: audio, 3 instances, 1 features, 1 labels.")
    assert toy.citation in birds.DESCR
    X, Y = fetch_mulan("birds", data_home=str(home), return_X_y=True, as_frame=True)
    assert isinstance(X, pd.DataFrame)
    assert Y["y"].tolist() == [0, 1, 1]
    framed = fetch_mulan("birds", data_home=home, as_frame=True)
    assert framed.frame.to_dict("list") == {"a": [1, 2, 3], "y": [0, 1, 1]}
    assert birds.frame is None


def test_parts_must_fit(toy, home):
    put(home / "birds", FILES | {"birds-test.arff": TEST.replace("attribute a", "attribute b")})
    with (
        pytest.warns(UserWarning, match="another checksum"),
        pytest.raises(ArffError, match=r"birds-test\.arff: its features are not those of birds-tr"),
    ):
        fetch_mulan("birds", data_home=home)


def test_where_the_data_are(toy, home, monkeypatch):
    put(home / "ours" / "birds")
    monkeypatch.setenv("SKD2ACE_DATA", str(home / "ours"))
    assert fetch_mulan("birds", download_if_missing=False).data.shape == (3, 1)
    monkeypatch.delenv("SKD2ACE_DATA")
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(home / "sklearn"))
    with pytest.raises(
        FileNotFoundError, match=r"sklearn.mulan.birds.birds\.xml is not there.* SKD2ACE_DATA"
    ):
        fetch_mulan("birds", download_if_missing=False)
    put(home / "sklearn" / "mulan" / "birds")
    assert fetch_mulan("birds", download_if_missing=False).data.shape == (3, 1)


def test_another_edition_is_a_warning(toy, home, no_server):
    put(home / "birds", FILES | {"birds-test.arff": TEST + "4,0\n"})
    with pytest.warns(UserWarning, match=r"birds-test\.arff has another checksum") as caught:
        birds = fetch_mulan("birds", data_home=home)
    assert [warning.filename for warning in caught] == [__file__]
    assert birds.data.ravel().tolist() == [1, 2, 3, 4]


def test_download(toy, home, server):
    assert fetch_mulan("birds", data_home=home).data.tolist() == [[1], [2], [3]]
    assert sorted(path.name for path in (home / "birds").iterdir()) == sorted(FILES)
    assert sorted(Handler.asked) == sorted(f"/multi-label/birds/{file}" for file in FILES)
    fetch_mulan("birds", data_home=home)
    assert len(Handler.asked) == 3


def test_only_what_is_missing_is_downloaded(toy, home, server):
    put(home / "birds", {"birds.xml": XML})
    fetch_mulan("birds", data_home=home)
    assert "/multi-label/birds/birds.xml" not in Handler.asked


def test_a_failed_download_is_tried_again(toy, home, server, monkeypatch):
    monkeypatch.setattr(Handler, "failures", 3)
    assert fetch_mulan("birds", data_home=home).data.shape == (3, 1)
    assert len(Handler.asked) == 6


def test_a_download_that_keeps_failing(toy, home, server, monkeypatch):
    monkeypatch.setattr(Handler, "failures", 4)
    with pytest.raises(
        OSError, match=r"birds\.xml of birds could not be downloaded from http://.*"
    ):
        fetch_mulan("birds", data_home=home)
    assert len(Handler.asked) == 4


@pytest.mark.parametrize("text", [XML[:-3], XML.replace("y", "z")], ids=["cut short", "altered"])
def test_a_download_with_another_checksum_is_not_kept(toy, home, server, text):
    (server / "birds.xml").write_text(text)
    with pytest.raises(OSError, match=r"could not be downloaded.*hash.*into the folder"):
        fetch_mulan("birds", data_home=home)
    assert list((home / "birds").iterdir()) == []


UNREACHABLE = {
    "nobody listens": "http://127.0.0.1:9",
    "no such name": "http://nobody.invalid",
    "the proxy is gone": "http://example.invalid",
}


@pytest.mark.parametrize("address", UNREACHABLE)
def test_where_nobody_answers_the_error_comes_at_once(toy, home, no_server, monkeypatch, address):
    """Without a network: it names the variable and the data set, and what to put where."""
    monkeypatch.delenv("SKD2ACE_DATA", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(home))
    monkeypatch.setattr(_mulan, "_BASE", UNREACHABLE[address])
    if address == "the proxy is gone":
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(OSError, match=r"could not be downloaded .* cannot be reached") as told:
        fetch_mulan("birds")
    for words in (
        "birds.xml of birds",
        f"Put birds-train.arff, birds-test.arff, birds.xml into the folder {home}/mulan/birds.",
        "environment variable SKD2ACE_DATA",
    ):
        assert words in str(told.value)


def test_a_connection_that_breaks_off_is_tried_again(toy, home, server, monkeypatch):
    """The server hangs up without an answer, which may be better the next time."""
    answer, hung_up = Handler.do_GET, []

    def hang_up(self):
        if len(hung_up) < 2:
            hung_up.append(self.path)
            self.close_connection = True
        else:
            answer(self)

    monkeypatch.setattr(Handler, "do_GET", hang_up)
    assert fetch_mulan("birds", data_home=home).data.shape == (3, 1)
    assert len(hung_up) == 2


def test_whether_all_files_are_there(toy, home, monkeypatch):
    assert not _mulan.is_here(toy, home)
    put(home / "birds", {"birds.xml": XML, "birds-train.arff": TRAIN})
    assert not _mulan.is_here(toy, home)
    put(home / "birds")
    assert _mulan.is_here(toy, home)
    monkeypatch.setenv("SKD2ACE_DATA", str(home))
    assert _mulan.is_here(toy)


@pytest.mark.parametrize("name", ["../../etc", "birds/..", "", "yahoo-Sports"])
def test_unknown_names(home, name):
    with pytest.raises(ValueError, match=r"There is no data set .*; known are cal500, birds, "):
        fetch_mulan(name, data_home=home)


def test_without_an_address(home, no_server):
    with pytest.raises(FileNotFoundError) as caught:
        fetch_mulan("rcv1subset3", data_home=home)
    for word in (
        "rcv1subset3.arff, rcv1subset3.xml",
        str(home / "rcv1subset3"),
        "mulan.sourcef",
        "SKD2ACE_DATA",
    ):
        assert word in str(caught.value)
    assert not home.exists()


def test_the_registry():
    entries = mulan_registry()
    frame = pd.DataFrame(entries.values()).set_index("name")
    assert list(entries) == list(frame.index)
    papers = {
        *("cal500", "birds", "enron", "scene", "yeast", "Corel5k", "rcv1subset1", "rcv1subset2"),
        *("rcv1subset3", "bibtex", "yahoo-Arts", "yahoo-Business", "mediamill", "tmc2007"),
        *("LLOG-F", "emotions", "flags", "genbase", "medical", "delicious", "bookmarks"),
        "yahoo-Arts-small",
    }
    assert set(entries) == papers
    for entry in entries.values():
        assert entry.density == pytest.approx(entry.cardinality / entry.n_labels, abs=1e-4)
        assert set(entry.sha256) in (set(), {*entry.arff, entry.xml})
        assert all(len(value) == 64 for value in entry.sha256.values())
        assert entry.sha256 or not entry.is_downloadable
        # Names become paths and addresses.
        assert all(Path(file).name == file for file in (entry.folder, entry.xml, *entry.arff))
    mine = {name for name, entry in entries.items() if entry.is_downloadable}
    assert mine == papers - {
        *("rcv1subset1", "rcv1subset2", "rcv1subset3", "yahoo-Arts", "yahoo-Business", "LLOG-F"),
        *("mediamill", "tmc2007", "genbase", "medical", "delicious", "bookmarks"),
        "yahoo-Arts-small",
    }


# Real files --------------------------------------------------------------------------------------

DATA = Path(os.environ.get("SKD2ACE_DATA", "nowhere"))


@pytest.mark.parametrize("name", [name for name, e in mulan_registry().items() if e.sha256])
def test_facts_are_those_of_the_files(name):
    entry = mulan_registry()[name]
    if not (DATA / entry.folder / entry.xml).is_file():
        pytest.skip(f"SKD2ACE_DATA does not name a folder with MULAN's {entry.folder}")
    found = fetch_mulan(name, download_if_missing=False)
    statistics = describe(found.target)
    sources = {column.partition("=")[0] for column in found.feature_names}
    assert (statistics.n_instances, len(sources)) == (entry.n_instances, entry.n_features)
    assert statistics.n_labels == entry.n_labels
    assert statistics.cardinality == pytest.approx(entry.cardinality, abs=5e-5)
    values = found.data.data if sp.issparse(found.data) else found.data
    assert np.isfinite(values).all()


# As MULAN's table and the Hard-Imb paper have it: distinct label sets and MeanIR.
PUBLISHED = {
    "cal500": (502, 20.58),
    "Corel5k": (3175, 189.57),
    "bibtex": (2856, 12.50),
    "yeast": (198, 7.20),
    "scene": (15, 1.25),
    "rcv1subset1": (1028, 54.49),
    "rcv1subset2": (954, 45.51),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_statistics(name):
    entry = mulan_registry()[name]
    if not (DATA / entry.folder / entry.xml).is_file():
        pytest.skip(f"SKD2ACE_DATA does not name a folder with MULAN's {entry.folder}")
    statistics = describe(fetch_mulan(name, return_X_y=True, download_if_missing=False)[1])
    assert (statistics.n_label_sets, round(statistics.mean_ir, 2)) == PUBLISHED[name]


@pytest.mark.skipif(
    not (DATA / "yahoo-Arts-small").is_dir(),
    reason="SKD2ACE_DATA does not name a folder with yahoo-Arts-small",
)
def test_a_set_that_is_not_registered():
    X, Y = load_arff(DATA / "yahoo-Arts-small" / "yahoo-Arts-small.arff", return_X_y=True)
    assert (X.shape, Y.shape) == ((5000, 462), (5000, 26))


def test_a_name_that_is_none():
    with pytest.raises(ValueError, match="no data set 5; known are"):
        fetch_mulan(5)

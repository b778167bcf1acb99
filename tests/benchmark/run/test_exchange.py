"""Fits that leave a store as text and come into another."""

import gzip

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.dummy import DummyClassifier

from skd2ace.benchmark import Experiment, Store, export_fits, import_fits
from skd2ace.benchmark.__main__ import main
from skd2ace.neighbors import MLkNN

DATA = make_multilabel_classification(n_samples=60, random_state=0)


class Broken(DummyClassifier):
    def fit(self, X, y, sample_weight=None):
        raise ValueError("on purpose")


def run(store, methods=None, data=DATA):
    experiment = Experiment({"made up": data}, methods or {"mlknn": MLkNN()}, cv=3, store=store)
    return experiment, experiment.run(progress=False)


@pytest.mark.parametrize("name", ["fits.jsonl", "fits.jsonl.gz"])
def test_there_and_back(tmp_path, name):
    here, there = Store(tmp_path / "here.sqlite"), Store(tmp_path / "there.sqlite")
    methods = {"mlknn": MLkNN(), "broken": Broken()}
    _, results = run(here, methods)
    assert export_fits(here, tmp_path / name) == 6
    assert import_fits(there, tmp_path / name) == 6
    assert_frame_equal(there.results(), here.results())
    assert_frame_equal(there.failures(), here.failures())
    assert import_fits(there, tmp_path / name) == 0
    # What was taken is not done again: the second run adds nothing, to the second of each start.
    _, again = run(there, methods)
    assert_frame_equal(again, results)
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith("gz")


def test_what_a_store_has_stays(tmp_path):
    store = Store(tmp_path / "fits.sqlite")
    _, results = run(store)
    export_fits(store, tmp_path / "fits.jsonl")
    text = (tmp_path / "fits.jsonl").read_text(encoding="utf-8")
    (tmp_path / "fits.jsonl").write_text(text.replace('"macro_auc": 0.', '"macro_auc": 9.'))
    assert import_fits(store, tmp_path / "fits.jsonl") == 0
    assert_frame_equal(store.results()[results.columns], results)


def test_other_data_by_the_same_name(tmp_path):
    X, Y = DATA
    here, there = Store(tmp_path / "here.sqlite"), Store(tmp_path / "there.sqlite")
    run(here)
    run(there, data=(X, np.roll(Y, 1, axis=0)))
    export_fits(here, tmp_path / "fits.jsonl")
    with pytest.raises(ValueError, match="fits of other data called 'made up'"):
        import_fits(there, tmp_path / "fits.jsonl")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]",
        b"\x00\xff",
        b'{"format": "another"}',
        b'{"format": "fits of skd2ace.benchmark"}',
        b'{"format": "fits of skd2ace.benchmark", "data": {}}\n[["d", "m"], {}]',
    ],
)
def test_files_that_are_none(tmp_path, content):
    (tmp_path / "plain").write_bytes(content)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(content))
    store = Store(tmp_path / "fits.sqlite")
    for name in ("plain", "packed.gz"):
        with pytest.raises(ValueError, match="is no file of exported fits"):
            import_fits(store, tmp_path / name)
    (tmp_path / "broken.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="is no file of exported fits"):
        import_fits(store, tmp_path / "broken.gz")


def test_a_compressed_file_that_is_not_whole(tmp_path, capsys):
    here, there = Store(tmp_path / "here.sqlite"), Store(tmp_path / "there.sqlite")
    run(here)
    path = tmp_path / "fits.jsonl.gz"
    export_fits(here, path)
    whole = path.read_bytes()
    damaged = whole[: len(whole) // 2] + b"\xff" * 50
    for content in (whole[:20], whole[: len(whole) // 2], whole[:-4], damaged):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is no file of exported fits"):
            import_fits(there, path)
    assert there.results().empty
    assert main(["import", "--store", str(tmp_path / "there.sqlite"), "--file", str(path)]) == 2
    assert "is no file of exported fits" in capsys.readouterr().err


def test_by_the_command(tmp_path, capsys):
    run(Store(tmp_path / "here.sqlite"))
    file = ["--file", str(tmp_path / "fits.jsonl.gz")]
    assert main(["export", "--store", str(tmp_path / "here.sqlite"), *file]) == 0
    assert main(["import", "--store", str(tmp_path / "there.sqlite"), *file]) == 0
    assert capsys.readouterr().out == "3 fits written.\n3 fits taken.\n"
    assert main(["export", "--store", str(tmp_path / "nowhere.sqlite"), *file]) == 2
    assert main(["import", "--store", str(tmp_path / "x.sqlite"), "--file", "nowhere"]) == 2

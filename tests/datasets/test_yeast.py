"""Yeast from either source."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skd2ace.datasets import load_yeast


def test_the_copy_in_river(monkeypatch):
    monkeypatch.delenv("SKD2ACE_DATA", raising=False)
    yeast = load_yeast()
    assert yeast.data.shape == (2417, 103)
    assert yeast.target.shape == (2417, 14)
    assert yeast.target.sum(axis=1).mean() == pytest.approx(4.237, abs=1e-3)
    assert yeast.target_names == [f"Class{i}" for i in range(1, 15)]
    assert set(np.unique(yeast.target)) == {0, 1}
    assert "Elisseeff" in yeast.DESCR


def test_frames(monkeypatch):
    monkeypatch.delenv("SKD2ACE_DATA", raising=False)
    X, Y = load_yeast(return_X_y=True, as_frame=True)
    assert isinstance(X, pd.DataFrame)
    assert list(X.columns[:2]) == ["Att1", "Att2"]
    assert Y.shape == (2417, 14)


@pytest.mark.skipif(
    not Path(os.environ.get("SKD2ACE_DATA", ""), "yeast", "yeast.arff").is_file(),
    reason="SKD2ACE_DATA does not name a folder with MULAN's yeast/yeast.arff",
)
def test_mulans_file_holds_the_same(monkeypatch):
    mulan = load_yeast()
    monkeypatch.delenv("SKD2ACE_DATA")
    river = load_yeast()
    np.testing.assert_array_equal(mulan.data, river.data)
    np.testing.assert_array_equal(mulan.target, river.target)
    assert mulan.feature_names == river.feature_names
    assert mulan.target_names == river.target_names


def test_neither_is_there(monkeypatch, tmp_path):
    from skd2ace.datasets import _yeast

    monkeypatch.setenv("SKD2ACE_DATA", str(tmp_path))
    monkeypatch.setattr(_yeast, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"skd2ace\[data\]") as error:
        load_yeast()
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    needed = re.search(r"river.*python_version >= '([\d.]+)'", pyproject.read_text("utf-8"))
    assert f"Python {needed[1]}" in str(error.value), "the extra lacks river below that"

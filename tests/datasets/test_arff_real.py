"""Real files give what other readers make of them."""

import os
import warnings
from pathlib import Path

import arff as liac
import numpy as np
import pandas as pd
import pytest

from skd2ace.datasets import load_arff

DATA = Path(os.environ.get("SKD2ACE_DATA", "nowhere"))


def real(path):
    reason = f"SKD2ACE_DATA does not name a folder with MULAN's {path}"
    return pytest.param(path, marks=pytest.mark.skipif(not (DATA / path).is_file(), reason=reason))


@pytest.mark.parametrize(
    "path",
    [
        real("yeast/yeast-test.arff"),
        real("birds/birds-test.arff"),
        real("flags/flags.arff"),
        real("emotions/emotions.arff"),
        real("enron/enron-test.arff"),
        real("corel5k/Corel5k-test-sparse.arff"),
    ],
)
def test_liac_reads_the_same(path):
    mine = load_arff(DATA / path, as_frame=True)
    text = (DATA / path).read_text()
    kind = liac.LOD if text.lower().partition("@data")[2].strip()[0] == "{" else liac.DENSE
    theirs = liac.loads(text, return_type=kind)
    # It keeps the backslash of 'Stellar\\'s Jay'.
    names = [name.replace("\\", "") for name, _ in theirs["attributes"]]
    rows = theirs["data"]
    if kind == liac.LOD:
        rows = [[row.get(i, "0") for i in range(len(names))] for row in rows]
    frame = pd.DataFrame(rows, columns=names)
    for name, (_, values) in zip(names, theirs["attributes"], strict=True):
        if name in mine.target or name in mine.data:
            found = (mine.target if name in mine.target else mine.data)[name]
            np.testing.assert_array_equal(found, frame[name].astype(float))
        else:
            assert isinstance(values, list)
            for value in values:
                np.testing.assert_array_equal(mine.data[f"{name}={value}"], frame[name] == value)
    assert set(mine.target) <= set(names)


@pytest.mark.parametrize("path", [real("bibtex/bibtex.arff"), real("LLOG-F/LLOG-F.arff")])
def test_scikit_multilearn_reads_the_same(path):
    from skmultilearn.dataset import load_from_arff

    mine = load_arff(DATA / path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        X, Y = load_from_arff(str(DATA / path), label_count=mine.target.shape[1], load_sparse=True)
    assert abs(mine.data - X).max() == 0
    assert abs(mine.target - Y).max() == 0

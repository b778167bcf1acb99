"""Preprocessing as in the papers, and the code that docs/datasets.md shows."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skd2ace._containers import read_container
from skd2ace.datasets import drop_rare_labels, drop_unlabelled, select_top_features

KINDS = [np.asarray, sp.csr_array, sp.coo_array, sp.csc_matrix, pd.DataFrame]
LABELS = hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 1))


def dense(matrix):
    return matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix)


@pytest.mark.parametrize("kind", KINDS)
@given(Y=LABELS, least=st.integers(0, 4))
def test_rare_labels(kind, Y, least):
    kept = [column for column in Y.T if sum(column) >= least]
    if not kept:
        with pytest.raises(ValueError, match=f"No label has {least} positives"):
            drop_rare_labels(kind(Y), least)
        return
    np.testing.assert_array_equal(dense(drop_rare_labels(kind(Y), least)), np.array(kept).T)


@pytest.mark.parametrize("kind", KINDS)
@given(Y=LABELS)
def test_instances_without_labels(kind, Y):
    X = np.arange(2.0 * len(Y)).reshape(len(Y), 2)
    kept = [i for i, row in enumerate(Y) if any(row)]
    if not kept:
        with pytest.raises(ValueError, match="No instance has a label"):
            drop_unlabelled(kind(X), kind(Y))
        return
    found = drop_unlabelled(kind(X), kind(Y))
    np.testing.assert_array_equal(dense(found[0]), X[kept])
    np.testing.assert_array_equal(dense(found[1]), Y[kept])


@pytest.mark.parametrize("kind", KINDS)
@given(
    X=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=8),
        elements=st.integers(-3, 3).map(float) | st.just(np.nan),
    ),
    fraction=st.floats(0.01, 1),
)
def test_top_features(kind, X, fraction):
    sums = [sum(value for value in column if value == value) for column in X.T]
    by_rank = sorted(range(X.shape[1]), key=lambda j: (-sums[j], j))
    kept = sorted(by_rank[: max(1, int(fraction * X.shape[1] + 1e-9))])
    found = select_top_features(kind(X), fraction)
    np.testing.assert_array_equal(dense(found), X[:, kept])


@pytest.mark.parametrize(
    ("d", "fraction", "kept"),
    [(47236, 0.02, 944), (49060, 0.01, 490), (23146, 0.1, 2314), (100, 0.29, 29), (3, 0.1, 1)],
)
def test_how_many_features(d, fraction, kept):
    """The papers' counts, one that floating point gets wrong, and never none."""
    assert select_top_features(np.zeros((1, d)), fraction).shape == (1, kept)


def test_types_are_kept():
    X = pd.DataFrame({"a": [1, 0], "b": [2, 2]}, index=[7, 8])
    assert list(select_top_features(X, 0.5).columns) == ["b"]
    assert list(drop_unlabelled(X, X[["a"]])[0].index) == [7]
    assert select_top_features(sp.csr_array(X), 0.5).format == "csr"


@pytest.mark.parametrize("fraction", [0, -0.1, 1.1, float("nan"), "half", None])
def test_impossible_fractions(fraction):
    with pytest.raises(
        ValueError, match=r"'fraction' .* must be a float in the range \(0\.0, 1\.0\]"
    ):
        select_top_features(np.ones((2, 2)), fraction)


@pytest.mark.parametrize("number", [-1, 2.5, float("nan"), "2", None])
def test_impossible_numbers_of_positives(number):
    with pytest.raises(ValueError, match=r"'min_positives' .* must be an int in the range"):
        drop_rare_labels(np.ones((2, 2)), number)


def test_numbers_of_numpy():
    X = np.array([[1, 0], [1, 1]])
    assert drop_rare_labels(X, np.int64(2)).shape == (2, 1)
    assert select_top_features(X, np.float32(0.5)).shape == (2, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("values", "found"), [([[1, -1], [1, 0]], "-1"), ([[0.5, 1]], "0.5")])
def test_labels_that_are_not_0_or_1(kind, values, found):
    """Sums of -1 and 1 would count something else."""
    Y = kind(np.array(values))
    with pytest.raises(ValueError, match=f"Y must hold zeros and ones; found {found}"):
        drop_rare_labels(Y)
    with pytest.raises(ValueError, match=f"Y must hold zeros and ones; found {found}"):
        drop_unlabelled(Y, Y)


UNKNOWN = [[1, None, 0], [0, 0, 0], [0, None, 0], [1, 1, 0]]


@pytest.mark.parametrize(
    "kind",
    [
        lambda Y: Y,
        lambda Y: np.array(Y, dtype=float),
        lambda Y: pd.DataFrame(Y, dtype="Int8"),
        lambda Y: pl.DataFrame(np.array(Y, dtype=float)),
        lambda Y: sp.csr_array(np.array(Y, dtype=float)),
        lambda Y: torch.tensor(np.array(Y, dtype=float)),
    ],
    ids=["list", "array", "nullable", "polars", "sparse", "tensor"],
)
def test_labels_that_are_not_known(kind):
    """They are no positives; and an instance is dropped only if it is known to have no label."""
    Y = kind(UNKNOWN)
    X = [[0.0], [1.0], [2.0], [3.0]]
    kept = drop_rare_labels(Y)
    expected = np.array(UNKNOWN, dtype=float)
    np.testing.assert_array_equal(dense(read_container(kept)), expected[:, :2])
    X, kept = drop_unlabelled(X, Y)
    np.testing.assert_array_equal(X, [[0], [2], [3]])
    np.testing.assert_array_equal(dense(read_container(kept)), expected[[0, 2, 3]])


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="X has 2 rows and Y 3"):
        drop_unlabelled(np.ones((2, 1)), np.ones((3, 1)))


SMALL = "random_state=0, max_epochs=1, verbose=0, module__hidden_size=16)"


def test_scaling_of_the_docs_stays_in_the_fold(tmp_path, monkeypatch):
    """The blocks of docs/datasets.md run; the scaler sees the training part only."""
    page = Path(__file__).parents[2] / "docs" / "datasets.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
    (reading,) = (block for block in blocks if "thrush" in block)
    (preparing,) = (block for block in blocks if "scores" in block)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(reading, names)
    assert names["birds"].target_names == ["thrush"]
    rng = np.random.default_rng(0)
    X, Y = rng.uniform(size=(60, 10)), rng.integers(0, 2, (60, 3))
    X[0], Y[0] = 100, 1
    names = {"X": X, "Y": Y}
    exec(preparing.replace("random_state=0)", SMALL, 1), names)
    scaler = names["est"].fit(names["X"][1:], names["Y"][1:])[0]
    assert scaler.data_max_.max() < 1
    assert len(names["scores"]) == 5


def test_numbers_beside_words_in_lists_stay_numbers():
    X, _ = drop_unlabelled([["a", 1.5], ["b", 2], ["c", None]], [[0, 1], [0, 0], [1, 0]])
    assert X.tolist() == [["a", 1.5], ["c", None]]
    X, Y = drop_unlabelled([[1, 2.5], [3, None]], [[0, 1], [1, 0]])
    assert X.dtype == np.float64
    assert Y.tolist() == [[0, 1], [1, 0]]

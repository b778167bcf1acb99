"""Statistics of labels against loops that follow the definitions word by word."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skd2ace.datasets import describe

LABELS = hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 1))


def slow(Y):
    n, q = Y.shape
    counts = [sum(int(Y[i, j]) for i in range(n)) for j in range(q)]
    ratios = [max(counts) / c if c else math.inf for c in counts]
    with_positives = [r for r in ratios if r < math.inf]
    scumble = 0.0
    for i in range(n):
        own = [ratios[j] for j in range(q) if Y[i, j]]
        if own:
            scumble += 1 - math.prod(own) ** (1 / len(own)) / (sum(own) / len(own))
    return {
        "n_instances": n,
        "n_labels": q,
        "cardinality": sum(counts) / n,
        "density": sum(counts) / n / q,
        "ir_label": ratios,
        "mean_ir": sum(with_positives) / len(with_positives) if with_positives else 0,
        "scumble": scumble / n,
        "n_label_sets": len({tuple(row) for row in Y.tolist()}),
        "n_unlabelled": sum(not any(row) for row in Y.tolist()),
    }


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csc_matrix, pd.DataFrame, np.bool_])
@given(Y=LABELS)
def test_definitions(kind, Y):
    found, expected = describe(kind(Y))._asdict(), slow(Y)
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-12, err_msg=name)


def test_written_zeros_and_the_argument_is_left_alone():
    Y = sp.csr_array((np.array([0, 1, 1]), np.array([1, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    found = describe(Y)
    assert (found.n_label_sets, found.cardinality) == (2, 1.0)
    assert Y.nnz == 3


@pytest.mark.parametrize(
    ("Y", "message"),
    [
        (np.array([[0, 2]]), "Y must hold zeros and ones; found 2"),
        (np.array([[3, 0.5], [3, 1]]), r"found 0\.5, 3\.0\."),
        (sp.csr_array([[0, -1]]), "found -1"),
        (np.array([[np.nan, 1]]), "found nan"),
        (np.zeros((0, 3)), "its shape is"),
        (np.zeros((3, 0)), "its shape is"),
        (np.array([0, 1]), "its shape is"),
    ],
)
def test_what_is_no_label_matrix(Y, message):
    with pytest.raises(ValueError, match=message):
        describe(Y)

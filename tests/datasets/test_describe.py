"""Statistics of labels against loops that follow the definitions word by word."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skd2ace.datasets import describe

# None: not known.
CELLS = st.sampled_from([0, 1, None])
TABLES = st.integers(1, 5).flatmap(
    lambda q: st.lists(st.lists(CELLS, min_size=q, max_size=q), min_size=1, max_size=6)
)
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
        "n_unknown": 0,
        "label_names": None,
    }


def as_sparse(table):
    """NaN is written into the matrix, and so are zeros."""
    rows, columns = np.indices(np.shape(table))
    cells = (np.array(table, dtype=float).ravel(), (rows.ravel(), columns.ravel()))
    return sp.csr_array(cells, shape=np.shape(table))


CONTAINERS = [
    lambda table: table,
    lambda table: np.array(table, dtype=float),
    as_sparse,
    lambda table: as_sparse(table).tocsc(),
    lambda table: pd.DataFrame(table, dtype=float),
    lambda table: pd.DataFrame(table, dtype="Int8"),
    lambda table: pd.DataFrame(table, dtype="boolean"),
    lambda table: pl.DataFrame(
        {str(j): list(column) for j, column in enumerate(zip(*table, strict=True))},
        schema_overrides={str(j): pl.Int8 for j in range(len(table[0]))},
    ),
    lambda table: torch.tensor(np.array(table, dtype=float)),
    lambda table: np.ma.masked_invalid(np.array(table, dtype=float)),
    lambda table: pd.DataFrame.sparse.from_spmatrix(sp.csr_matrix(as_sparse(table))),
]


@pytest.mark.parametrize("kind", CONTAINERS)
@given(table=TABLES)
def test_what_is_known(kind, table):
    found = describe(kind(table))
    n, q = len(table), len(table[0])
    zeroed = slow(np.array([[cell or 0 for cell in row] for row in table]))
    whole = [row for row in table if None not in row]
    heard = [row for row in table if set(row) != {None}]
    n_known = sum(cell is not None for row in table for cell in row)
    n_ones = sum(cell == 1 for row in table for cell in row)
    assert (found.n_instances, found.n_labels) == (n, q)
    assert found.n_unknown == n * q - n_known
    np.testing.assert_array_equal(found.ir_label, zeroed["ir_label"])
    assert found.n_label_sets == len(set(map(tuple, whole)))
    assert found.n_unlabelled == sum(not any(row) for row in whole)
    if n_known:
        assert found.density == pytest.approx(n_ones / n_known)
        assert found.cardinality == pytest.approx(q * n_ones / n_known)
        # Where nothing is known of an instance, it adds 0 to the sum.
        assert found.scumble * len(heard) == pytest.approx(zeroed["scumble"] * n)
    else:
        assert math.isnan(found.density + found.cardinality + found.scumble)


def test_names_of_labels():
    Y = pd.DataFrame({"rain": [0, 1], "snow": [1, None]})
    found = describe(Y)
    assert found.label_names == ["rain", "snow"]
    assert found.n_unknown == 1
    assert describe(pl.DataFrame({"rain": [0, 1]})).label_names == ["rain"]
    assert describe(Y.to_numpy()).label_names is None


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csc_matrix, pd.DataFrame, np.bool_])
@given(Y=LABELS)
def test_definitions(kind, Y):
    found, expected = describe(kind(Y))._asdict(), slow(Y)
    assert list(found) == list(expected)
    for name, value in expected.items():
        if value is None:
            assert found[name] is None
        else:
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
        (np.array([[np.nan, 2]]), r"found 2\.0"),
        (np.array([["TRUE", "FALSE"]]), r"\(Y == 'TRUE'\)"),
        (np.zeros((0, 3)), "its shape is"),
        (np.zeros((3, 0)), "its shape is"),
        (np.array([0, 1]), "its shape is"),
    ],
)
def test_what_is_no_label_matrix(Y, message):
    with pytest.raises(ValueError, match=message):
        describe(Y)

"""Integers in containers of objects are exact, where a type of numpy's holds them."""

import numpy as np
import pandas as pd
import pytest

from skd2ace._containers import read_container


@pytest.mark.parametrize("first", [-3, 2**53, 10**17, 2**63 - 2, 2**63])
def test_integers_of_any_length_are_exact(first):
    """As objects and as categories they are what they are as integers."""
    values = [first + i for i in range(4)]
    found = read_container(pd.Series(values * 2).astype("category"))
    assert found.dtype.kind in "iu" or max(values) > 2**64
    assert found.tolist() == values * 2
    found = read_container(np.array([values, values], dtype=object))
    assert found.tolist() == [values, values]


def test_integers_longer_than_any_type():
    assert read_container(np.array([10**30, -5], dtype=object)).tolist() == [1e30, -5]
    assert read_container(np.array([2**63, -5], dtype=object)).tolist() == [2.0**63, -5]

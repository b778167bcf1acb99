"""Codes of more digits than a float has, declared as categories: none becomes another."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skd2ace.preprocessing import TabularPreprocessor

LONG_CODES = {
    "18 digits": 10**17,
    "no int64": 2**63,
    "20 digits": 10**19 + 2**63,
    "Decimals": Decimal(10**17),
    "negative ones and no int64": -(2**63),
}
LATER = {
    "categories": lambda codes: pd.Series(codes).astype("category"),
    "categories beside gaps": lambda codes: pd.Series(
        pd.Categorical([*codes, None])[:-1], dtype=pd.CategoricalDtype([*codes])
    ),
    "objects": lambda codes: pd.Series(codes, dtype=object),
    "words": lambda codes: pd.Series(list(map(str, codes))),
    "integers": pd.Series,
}


@pytest.mark.parametrize("first", LONG_CODES.values(), ids=LONG_CODES)
@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
def test_long_codes_stay_what_they_are(first, later):
    """Those above 2**53 are no floats, of which neighbours would be one."""
    codes = [first + i for i in range(4)]
    codes[3] = abs(first) + 5
    fitted = TabularPreprocessor().fit(pd.DataFrame({"code": pd.Categorical(codes * 5)}))
    names = [f"code_{code}" for code in sorted(map(str, codes))]
    assert list(fitted.get_feature_names_out()) == names
    prepared = fitted.transform(pd.DataFrame({"code": later(codes)}))
    np.testing.assert_array_equal(
        prepared, [[name == f"code_{code}" for name in names] for code in codes]
    )


GAPS = {
    "categories": lambda codes: pd.DataFrame({"x0": pd.Categorical(codes)}),
    "nullable": lambda codes: pd.DataFrame({"x0": pd.array(codes, dtype="Int64")}),
    "polars": lambda codes: pl.DataFrame({"x0": codes}),
    "objects": lambda codes: np.array(codes, dtype=object)[:, None],
}


@pytest.mark.parametrize("container", GAPS.values(), ids=GAPS)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_long_codes_stay_what_they_are_beside_gaps(container):
    codes = [10**17, 10**17 + 1, None]
    fitted = TabularPreprocessor().fit(pd.DataFrame({"x0": pd.Categorical(codes * 5)}))
    assert fitted.n_features_in_ == 1
    np.testing.assert_array_equal(fitted.transform(container(codes)), np.eye(3))


def test_long_codes_of_a_matrix_of_integers():
    codes = np.array([10**17, 10**17 + 1])
    X = pd.DataFrame({"code": pd.Categorical(np.tile(codes, 5)), "number": np.arange(10)})
    fitted = TabularPreprocessor().fit(X)
    with pytest.warns(UserWarning, match="feature names"):
        prepared = fitted.transform(np.column_stack([codes, [0, 1]]))
    np.testing.assert_array_equal(prepared[:, 1:], np.eye(2))

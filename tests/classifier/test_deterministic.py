"""A user who asks torch for deterministic algorithms gets a fit, and the same one."""

import numpy as np
import pytest
import torch


def fit(make, data, sparse):
    X, Y = data
    X = torch.from_numpy(X).to_sparse_csr() if sparse else X
    est = make().fit(X, Y)
    return est.predict_proba(X), est.module_.state_dict()


@pytest.mark.parametrize("sparse", [False, True])
def test_the_same_bits(make_any, data, deterministic, sparse):
    expected, weights = fit(make_any, data, sparse)
    deterministic()
    proba, others = fit(make_any, data, sparse)
    np.testing.assert_array_equal(proba, expected)
    torch.testing.assert_close(others, weights, rtol=0, atol=0)

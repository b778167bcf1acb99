"""The largest and the smallest numbers: what comes out is finite, bounded and in order."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from skd2ace import TabMClassifier
from skd2ace.preprocessing import TabularPreprocessor

LARGEST = np.finfo(np.float64).max
EXTREMES = [1e-323, 1e-318, 1e-300, 1e-200, 1e-160, 1e100, 1e154, 1e160, 1e200, 1e300, LARGEST]
FORMS = {
    "array": lambda x: x[:, None],
    "frame": lambda x: pd.DataFrame({"x0": x}),
    "objects": lambda x: x.astype(object)[:, None],
}
FORM = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def spread(rng):
    return rng.normal(size=120)


def tied(rng):
    return np.where(np.arange(120) % 5 > 0, 0, rng.exponential(size=120))


def prepare(x, new=None, form=FORMS["array"]):
    fitted = TabularPreprocessor().fit(form(x))
    return fitted.transform(form(x if new is None else new)).astype(np.float64)


@FORM
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("extreme", EXTREMES)
def test_one_cell_of_many(extreme, sign, form):
    """The others are what they are beside one that is as good as as far out."""
    x = spread(np.random.default_rng(0))
    x[3] = sign * extreme
    (out,) = prepare(x, form=form).T
    x[3] = sign * (1e15 if extreme > 1 else 0)
    np.testing.assert_allclose(out, prepare(x)[:, 0], atol=1e-6)
    assert abs(out).max() <= 3


@FORM
@pytest.mark.parametrize("make", [spread, tied])
def test_only_later(make, form):
    x = make(np.random.default_rng(0))
    new = np.array([-LARGEST, -1e300, 0, 1e-323, 1e300, LARGEST])
    (out,) = prepare(x, new, form).T
    assert (np.diff(out) >= 0).all()
    (near,) = prepare(x, np.array([-1e9, -1e9, 0, 1e-9, 1e9, 1e9])).T
    np.testing.assert_allclose(out, near, atol=1e-6)


@FORM
@pytest.mark.parametrize("low", [0, -1, 1])
@pytest.mark.parametrize("extreme", [x for x in EXTREMES if x > 1e-320])
def test_two_values(extreme, low, form):
    is_high = np.arange(80) % 8 == 7
    values = (low * extreme if low < 1 else extreme / 1e3, extreme)
    out = prepare(np.where(is_high, *values[::-1]), form=form)[:, 0]
    np.testing.assert_allclose(out, prepare(is_high)[:, 0], rtol=1e-3)
    # Beside a number that nobody has seen.
    assert abs(prepare(np.where(is_high, *values), np.array([-LARGEST, LARGEST]))).max() <= 10


def test_two_values_of_which_the_difference_is_the_smallest_number():
    out = prepare(np.arange(80) % 8 // 7 * 5e-324)
    assert np.isfinite(out).all()
    assert abs(out).max() <= 10


@FORM
@pytest.mark.parametrize("make", [spread, tied])
@pytest.mark.parametrize("power", [-1060, -1030, -1000, -600, -60, 600, 1000, 1015])
def test_columns_of_any_unit(power, make, form):
    """Times a power of two all stays as it is, as far as there are such numbers."""
    x = make(np.random.default_rng(0))
    assert abs(x).max() < 2**3
    out = prepare(np.ldexp(x, power), form=form)
    np.testing.assert_allclose(out, prepare(x), atol=1e-2 if power < -1040 else 1e-6)


def test_rounding_errors_are_no_range():
    x = 1 + np.arange(120) % 3 * np.finfo(np.float64).eps
    assert abs(prepare(x)).max() < 1e-12


@FORM
def test_ties_with_numbers_of_all_sizes(form):
    x = np.zeros(300)
    x[:12] = [
        -LARGEST,
        -1e300,
        -1,
        -1e-310,
        -1e-323,
        5e-324,
        1e-318,
        1e-310,
        1,
        1e9,
        1e300,
        LARGEST,
    ]
    out = prepare(x, form=form)[:, 0]
    assert np.isfinite(out).all()
    assert abs(out).max() < 6
    assert (np.diff(out[np.argsort(x)]) >= 0).all()


def test_where_quartiles_are_the_largest_numbers():
    """Their difference, and the sum of the two in the middle, would be infinite."""
    rng = np.random.default_rng(0)
    x = np.where(rng.random(120) < 0.5, -1, 1) * LARGEST
    x[:5] = np.nan
    x[5:12] = rng.normal(size=7)
    out = prepare(x)
    assert np.isfinite(out).all()
    assert (abs(out) <= 10).all()
    assert out[x > 1e300, 0].min() > out[x < -1e300, 0].max()


@pytest.mark.parametrize("extreme", [1e-40, 1e-38, 1e-30, 1e-20, 1e15, 1e20, 1e30, 1e38])
def test_sparse(extreme):
    """The standard deviation of single precision ends at 1.8e19 if it is made of squares."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random((200, 2)) < 0.3, rng.integers(1, 4, size=(200, 2)), 0.0)
    expected = TabularPreprocessor().fit_transform(sp.csr_array(X)).toarray()
    fitted = TabularPreprocessor().fit(sp.csr_array(X * [1, extreme]))
    out = fitted.transform(sp.csr_array(X * [1, extreme])).toarray()
    np.testing.assert_array_equal(out[:, 0], expected[:, 0])
    np.testing.assert_allclose(out[:, 1], expected[:, 1], rtol=1e-4)
    largest = sp.csr_array(np.full((1, 2), 3e38, dtype=np.float32))
    assert fitted.transform(largest).toarray().max() <= 10


def test_too_large_for_single_precision_where_it_is_sparse():
    X = np.array([[1.0, 0], [0, 2], [3, 0]])
    fitted = TabularPreprocessor().fit(sp.csr_array(X))
    for form in (sp.csr_array, np.asarray):
        with pytest.raises(ValueError, match="too large for dtype"):
            fitted.transform(form(X * 1e200))
    with pytest.raises(ValueError, match="too large for dtype"):
        TabularPreprocessor().fit(sp.csr_array(X * 1e200))


def test_what_the_caller_has_stays_as_it_is():
    for form in FORMS.values():
        X = form(np.array([LARGEST, 1, 2, 3, 4, 5]))
        TabularPreprocessor().fit_transform(X)
        assert np.asarray(X, dtype=np.float64).max() == LARGEST


def test_an_estimator_trains_on_them():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4))
    X[3, 0] = -LARGEST
    X[:, 1] = np.arange(40) % 8 // 7 * 1e200
    X[:, 2] = np.where(rng.random(40) < 0.2, rng.random(40) * 1e-318, 0)
    est = TabMClassifier(max_epochs=1, random_state=0, verbose=0)
    proba = est.fit(X, rng.integers(0, 2, (40, 2))).predict_proba(np.full((1, 4), -LARGEST))
    assert np.isfinite(proba).all()

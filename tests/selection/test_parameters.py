"""Whatever a parameter is set to: the selector works with its value, or says what it wants."""

import runpy
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

CLASSES = runpy.run_path(str(Path(__file__).with_name("discovery.py")))["CLASSES"]
PARAMETERS = [
    pytest.param(cls, name, id=f"{cls.__name__}-{name}")
    for cls in CLASSES
    for name in cls().get_params()
]
OF_START = {"n_epochs": 5, "batch_size": 4, "random_state": 0}
N, Q = 9, 3
# Of schedules that are longer than so short a run.
pytestmark = pytest.mark.filterwarnings("ignore:.* A float in .* is a share of the run")

INTEGERS = [np.int8, np.uint8, np.int32, np.uint64, np.int64]
FLOATS = [np.float16, np.float32, np.float64, np.longdouble]

integers = st.integers(-2, 12)
floats = st.one_of(
    st.floats(-1, 2), st.floats(), st.sampled_from([np.nan, np.inf, -np.inf, 1.0, 1.7e308])
)


@st.composite
def numpy_scalars(draw):
    """Numbers, truth values and texts as numpy has them."""
    if draw(st.booleans()):
        return draw(st.sampled_from(INTEGERS))(draw(st.integers(0, 12)))
    with np.errstate(over="ignore"):
        return draw(st.sampled_from(FLOATS))(draw(floats))


numbers = st.one_of(integers, floats, numpy_scalars(), st.fractions(-1, 3))
of_wrong_types = st.one_of(
    st.none(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.complex_numbers(),
    st.decimals(),
    st.lists(st.none() | st.text(max_size=2), max_size=3),
    st.dictionaries(st.text(max_size=1), st.none(), max_size=1),
    st.sampled_from([(), object, len, np.arange(2), np.array(3), torch.tensor(2), range(2), {1}]),
    st.sampled_from([np.str_("x"), np.True_, np.datetime64("2026-01-01"), np.complex64(1), "nan"]),
)
pairs = st.tuples(numbers | of_wrong_types, numbers) | st.lists(numbers, max_size=3)
anything = numbers | st.booleans() | of_wrong_types | pairs


def options_of(cls, name):
    """Values that the constraints name: texts, None, truth values."""
    for constraint in cls._parameter_constraints.get(name, ()):
        yield from getattr(constraint, "options", ())
        yield from {"boolean": (False, True, np.True_), None: (None,)}.get(constraint, ())


def make(cls, **parameters):
    """With a short warm-up, where the class has one and nothing else is asked for."""
    short = {"warmup_epochs": 1} if "warmup_epochs" in cls().get_params() else {}
    return cls(**{**short, **parameters})


def start(selector, **of_start):
    generator = torch.Generator().manual_seed(0)
    Y = (torch.rand(N, Q, generator=generator) < 0.4).float()
    X = torch.randn(N, 2, generator=generator)
    return selector.start(X, Y, **{**OF_START, **of_start})


def run(selector):
    """Batches, weights and probabilities of a whole run."""
    served = []
    Y = torch.zeros(N, Q)
    for epoch in range(5):
        generator = torch.Generator().manual_seed(epoch)
        proba = torch.rand(N, Q, generator=generator)
        for index in selector.batches(epoch):
            weights = selector.loss_weights(index, Y[index])
            served.append((index.tolist(), None if weights is None else weights.tolist()))
            told = torch.arange(N) if selector.refresh == "epoch" else index
            selector.update(told, proba[told], -proba[told].log(), learning_rate=0.1)
            p = selector.probabilities_
            served.append(None if p is None else p.tolist())
            assert p is None or (torch.isfinite(p).all() and p.sum().item() == pytest.approx(1))
    return served


def assert_clear(error, name, value):
    """The message has the parameter, what it wants and what it got."""
    message = str(error)
    assert name in message
    assert "must be" in message or "needs" in message
    # The parameter is kept as Python's own, whatever it was given as.
    shown = repr(as_python(value))
    assert f"Got {shown} instead" in message or f"{name}={shown}" in message


def as_python(value):
    if type(value) in (tuple, list):
        return type(value)(map(as_python, value))
    if isinstance(value, (np.longdouble, Fraction)):
        return float(value)
    return value.item() if isinstance(value, np.generic) else value


@pytest.mark.parametrize(("cls", "name"), PARAMETERS)
@settings(max_examples=50)
@given(data=st.data())
def test_its_value_or_one_clear_error(cls, name, data):
    value = data.draw(
        anything | st.sampled_from([cls().get_params()[name], *options_of(cls, name)])
    )
    try:
        selector = start(make(cls, **{name: value}))
    except ValueError as error:
        assert_clear(error, name, value)
    else:
        assert selector.get_params()[name] == as_python(value)
        run(selector)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name", OF_START)
@settings(max_examples=25)
@given(value=anything)
def test_parameters_of_start(cls, name, value):
    try:
        selector = start(cls(), **{name: value})
    except ValueError as error:
        assert_clear(error, name, value)
    else:
        next(selector.batches(0))


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name", ["cell_weight", "neighbor_features"])
@settings(max_examples=25)
@given(value=anything)
def test_tensors_of_start(cls, name, value):
    if value is None:
        next(start(cls(), **{name: value}).batches(0))
        return
    with pytest.raises((TypeError, ValueError), match=rf"{name} must .*, got "):
        start(cls(), **{name: value})


def numpy_forms(value):
    """The same value in every type of numpy's that holds it."""
    if type(value) in (tuple, list):
        return [type(value)(parts) for parts in zip(*map(numpy_forms, value), strict=False)]
    types = {bool: [np.bool_], str: [np.str_], int: INTEGERS + FLOATS, float: FLOATS}
    return [form for kind in types.get(type(value), ()) if (form := kind(value)) == value]


@pytest.mark.parametrize(("cls", "name"), PARAMETERS)
def test_a_number_of_numpys_is_the_number(cls, name):
    default = cls().get_params()[name]
    for value in (default, 3, 0.25, (2, 3), *options_of(cls, name)):
        for form in numpy_forms(value):
            try:
                selector = start(make(cls, **{name: form}))
            except ValueError as error:
                assert_clear(error, name, form)
            else:
                plain = make(cls, **{name: as_python(form)})
                assert run(selector) == run(start(plain))


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("kind", INTEGERS)
def test_numpys_numbers_in_start(cls, kind):
    plain = run(start(make(cls)))
    of_start = {name: kind(value) for name, value in OF_START.items()}
    assert run(start(make(cls), **of_start)) == plain

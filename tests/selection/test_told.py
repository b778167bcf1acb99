"""What selectors are started with and told: arrays, any floating type, nothing at all."""

import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skd2ace.selection import MLROS, Balance, RandomBatches, RandomSubset, RepeatFactor

N, Q, BATCH_SIZE, N_EPOCHS = 50, 4, 16, 5

CLASSES = runpy.run_path(str(Path(__file__).with_name("discovery.py")))["CLASSES"]
# Their batches do not depend on what they are told.
UNTOLD = (RandomBatches, Balance, MLROS, RandomSubset, RepeatFactor)


@pytest.fixture(params=CLASSES)
def selector(request):
    cls = request.param
    return cls(warmup_epochs=1) if "warmup_epochs" in cls().get_params() else cls()


def make_arrays():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 3)), (rng.random((N, Q)) < 0.3).astype(float)


def start(selector, X, Y, **settings):
    run = {"n_epochs": N_EPOCHS, "batch_size": BATCH_SIZE, "random_state": 0}
    return clone(selector).start(X, Y, **run, **settings)


def serve(selector, proba_dtype=torch.float32, losses_dtype=torch.float32):
    """What is told is exact in any floating type."""
    for epoch in range(N_EPOCHS):
        generator = torch.Generator().manual_seed(epoch)
        proba = torch.randint(9, (N, Q), generator=generator) / 8
        losses = torch.randint(9, (N, Q), generator=generator) / 4
        for index in selector.batches(epoch):
            yield index.tolist()
            told = proba[index].to(proba_dtype), losses[index].to(losses_dtype)
            selector.update(index.to(torch.int32), *told, learning_rate=0.5)


FORMS = {
    "plain": lambda a: a,
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "backwards": lambda a: a[::-1].copy()[::-1],
    "Fortran order": np.asfortranarray,
    "other order of bytes": lambda a: a.astype(a.dtype.newbyteorder(">")),
}


@pytest.mark.parametrize("form", FORMS)
def test_arrays_give_the_batches_of_tensors(selector, form):
    X, Y = make_arrays()
    weights = np.where(np.arange(N) < 5, 0.0, 2.0)
    make = FORMS[form]
    arrays = start(selector, make(X), make(Y), cell_weight=make(weights))
    tensors = start(selector, torch.tensor(X), torch.tensor(Y), cell_weight=torch.tensor(weights))
    assert list(serve(arrays)) == list(serve(tensors))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32])
def test_labels_in_arrays_of_any_type(selector, dtype):
    X, Y = make_arrays()
    found = list(serve(start(selector, X, Y.astype(dtype), neighbor_features=X[:, :2])))
    features = torch.tensor(X[:, :2])
    expected = start(selector, torch.tensor(X), torch.tensor(Y), neighbor_features=features)
    assert found == list(serve(expected))


def test_a_type_that_torch_lacks_is_named(selector):
    X, Y = make_arrays()
    with pytest.raises(TypeError, match=r"Y is an array of (float128|longdouble), which torch"):
        start(selector, X, Y.astype(np.longdouble))


FLOATS = [torch.float64, torch.float16, torch.bfloat16, torch.float8_e5m2]


@pytest.mark.parametrize("losses", FLOATS, ids=str)
@pytest.mark.parametrize("proba", [torch.float32, *FLOATS], ids=str)
def test_any_floating_types(selector, proba, losses):
    X, Y = make_arrays()
    expected = list(serve(start(selector, X, Y)))
    assert list(serve(start(selector, X, Y), proba, losses)) == expected


def test_a_forgotten_update_is_a_warning_at_the_second_epoch(selector):
    served = start(selector, *make_arrays())
    # One may look at a batch before training begins.
    next(served.batches(0))
    assert list(served.batches(0))
    if isinstance(selector, UNTOLD):
        assert list(served.batches(1))
        return
    with pytest.warns(UserWarning, match="has served epoch 1 and has not been told .* update"):
        next(served.batches(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(serve(start(selector, *make_arrays())))

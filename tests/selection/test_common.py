"""What every batch selector owes, whatever its strategy."""

import json
import math
import pickle
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier

from skd2ace.selection import (
    D2ACE,
    DIHCL,
    MLROS,
    ActiveBias,
    Balance,
    GradientNorm,
    HardImb,
    InfoBatch,
    MLUnc,
    OnlineBatch,
    RandomBatches,
    RandomSubset,
    RecencyBias,
    ReducibleLoss,
    RepeatFactor,
    SelectiveBackprop,
)

N, Q, BATCH_SIZE, N_EPOCHS = 50, 4, 16, 6


def make_logistic():
    return MultiOutputClassifier(LogisticRegression())


DISCOVERED = runpy.run_path(str(Path(__file__).with_name("discovery.py")))
CLASSES = DISCOVERED["CLASSES"]
# Each class with a short warm-up, where it has one, and in each of its ways of working.
SELECTORS = [
    cls(warmup_epochs=2) if "warmup_epochs" in cls().get_params() else cls() for cls in CLASSES
] + [
    D2ACE.reference(warmup_epochs=2, mix_epochs=(2, 4)),
    D2ACE(warmup_epochs=0),
    D2ACE(warmup_epochs=1, unbiased=True),
    D2ACE(warmup_epochs=1, refresh="epoch"),
    D2ACE(warmup_epochs=1, history_dtype="float16"),
    D2ACE(warmup_epochs=1, correlation=None, instance_weight="exp"),
    ActiveBias(warmup_epochs=0, unbiased=True),
    RecencyBias(warmup_epochs=0, unbiased=True),
    DIHCL(warmup_epochs=0),
    DIHCL(warmup_epochs=1, sampling="softmax"),
    DIHCL(warmup_epochs=1, feedback="flip", unbiased=True),
    OnlineBatch(warmup_epochs=0, unbiased=True),
    HardImb(warmup_epochs=0, unbiased=True),
    HardImb(warmup_epochs=1, recompute="epoch", unbiased=True),
    HardImb(warmup_epochs=1, recompute="epoch", pressure_decay=False),
    HardImb(warmup_epochs=1, chain=True),
    HardImb(warmup_epochs=1, chain=True, recompute="epoch"),
    MLUnc(warmup_epochs=0, unbiased=True),
    GradientNorm(warmup_epochs=0, unbiased=False),
    InfoBatch(prune_share=0.7, full_epochs=1),
    SelectiveBackprop(kept_share=0.2, refresh="epoch", warmup_epochs=0),
    ReducibleLoss(refresh="visit", kept_share=0.5),
    ReducibleLoss(estimator=make_logistic(), cv=2),
    RepeatFactor(threshold=0.9),
    MLROS(growth=0.5),
    RandomSubset(like=D2ACE(warmup_epochs=1, unbiased=True)),
    RandomSubset(like=D2ACE(refresh="epoch")),
    RandomSubset(like=HardImb(warmup_epochs=1)),
    RandomSubset(like=InfoBatch(full_epochs=1)),
    *(cls(warmup_epochs=0, unbiased=True) for cls in DISCOVERED["SHOWN"]),
]
# These shuffle, whatever they are told.
SHUFFLING = (RandomBatches, Balance, RepeatFactor, MLROS)
# Not as many instances an epoch as there are, and no probabilities.
OTHERWISE_MANY = (
    InfoBatch, SelectiveBackprop, ReducibleLoss, RandomSubset, RepeatFactor, MLROS
)  # fmt: skip


@pytest.fixture(params=SELECTORS, ids=str)
def selector(request):
    return clone(request.param)


@pytest.fixture
def tensors():
    return make_tensors()


def make_tensors():
    generator = torch.Generator().manual_seed(0)
    Y = (torch.rand(N, Q, generator=generator) < 0.3).float()
    Y[5], Y[:, 2] = 0, 0
    return torch.randn(N, 3, generator=generator), Y


def start(selector, tensors, seed=0):
    return selector.start(*tensors, n_epochs=N_EPOCHS, batch_size=BATCH_SIZE, random_state=seed)


def predictions(index, epoch):
    """Made up, but the same whoever asks: what a network might say at an epoch."""
    generator = torch.Generator().manual_seed(epoch)
    proba = torch.rand(N, Q, generator=generator)[index]
    return proba, -proba.log()


def serve(selector, epoch, told=None):
    """One epoch as a trainer drives it: the indices of each batch."""
    served = []
    told = epoch if told is None else told
    for index in selector.batches(epoch):
        weights = selector.loss_weights(index, make_tensors()[1][index])
        served.append((index.tolist(), None if weights is None else weights.tolist()))
        if selector.refresh == "visit":
            selector.update(index, *predictions(index, told), learning_rate=0.1)
    if selector.refresh == "epoch":
        index = torch.arange(N)
        selector.update(index, *predictions(index, told), learning_rate=0.1)
    return served


def serve_rounded(selector, epoch, dtype):
    """One epoch in which all that is told is exact in any floating-point type."""
    for index in selector.batches(epoch):
        yield index.tolist()
        proba, losses = predictions(index, epoch)
        proba, losses = (proba * 8).round() / 8, (losses * 4).round() / 4
        selector.update(index, proba.to(dtype), losses.to(dtype), learning_rate=0.1)


def run(selector, tensors, seed=0, epochs=range(N_EPOCHS)):
    start(selector, tensors, seed)
    return [serve(selector, epoch) for epoch in epochs]


def test_is_an_estimator(selector):
    copy = clone(selector)
    assert repr(copy) == repr(selector)
    # Of a selector within a selector the parameters are others with the same values.
    assert repr(copy.get_params()) == repr(selector.get_params())
    assert type(selector).__name__ in repr(selector)
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
        selector.set_params(nonsense=1)


def test_batches_are_whole_distinct_and_in_range(selector, tensors):
    start(selector, tensors)
    for epoch in range(N_EPOCHS):
        batches = [batch for batch, _ in serve(selector, epoch)]
        *whole, last = map(len, batches)
        assert set(whole) <= {BATCH_SIZE}
        assert 0 < last <= BATCH_SIZE
        if not isinstance(selector, OTHERWISE_MANY):
            assert (len(whole), last) == (3, 2)
        for batch in batches:
            assert all(0 <= index < N for index in batch)
            assert may_repeat(selector) or len(set(batch)) == len(batch)


def may_repeat(selector):
    return (
        selector.unbiased
        or isinstance(selector, (RepeatFactor, MLROS))
        or (isinstance(selector, RandomSubset) and selector.like and selector.like.unbiased)
    )


def test_batches_are_as_many_as_it_says(selector, tensors):
    """Asked before the epoch, within it, after it, or not at all: the batches are the same."""
    expected = run(selector, tensors)
    start(selector, tensors)
    for epoch in range(N_EPOCHS):
        n_batches = selector.count_batches(epoch)
        assert selector.count_batches(epoch) == n_batches
        within = []
        batches = selector.batches(epoch)
        for index in batches:
            within.append(selector.count_batches(epoch))
            assert index.tolist() == expected[epoch][len(within) - 1][0]
            selector.loss_weights(index, make_tensors()[1][index])
            if selector.refresh == "visit":
                selector.update(index, *predictions(index, epoch), learning_rate=0.1)
        if selector.refresh == "epoch":
            index = torch.arange(N)
            selector.update(index, *predictions(index, epoch), learning_rate=0.1)
        assert within == [n_batches] * n_batches
        assert selector.count_batches(epoch) == n_batches


def test_a_count_before_the_last_update_is_made_anew(selector, tensors):
    expected = run(selector, tensors)[:2]
    start(selector, tensors)
    assert serve(selector, 0) == expected[0]
    selector.count_batches(1)
    index = torch.arange(N)
    selector.update(index, *predictions(index, 0), learning_rate=0.1)
    changed = serve(selector, 1)
    selector.start(*tensors, n_epochs=N_EPOCHS, batch_size=BATCH_SIZE, random_state=0)
    serve(selector, 0)
    selector.update(index, *predictions(index, 0), learning_rate=0.1)
    assert serve(selector, 1) == changed


def test_probabilities_are_a_distribution_at_every_epoch(selector, tensors):
    start(selector, tensors)
    for epoch in range(N_EPOCHS):
        serve(selector, epoch)
        p = selector.probabilities_
        if p is not None:
            assert p.shape == (N,)
            assert torch.isfinite(p).all()
            assert (p > 0).all()
            assert p.sum().item() == pytest.approx(1)
        never = isinstance(selector, (*SHUFFLING, *OTHERWISE_MANY))
        shuffled = never or epoch < selector.warmup_epochs_
        assert (p is None) == shuffled


def test_what_it_is_told_changes_what_it_draws(selector, tensors):
    first = run(selector, tensors)
    second = start(clone(selector), tensors)
    told_otherwise = [serve(second, epoch, told=epoch + 100) for epoch in range(N_EPOCHS)]
    listens = not isinstance(selector, SHUFFLING)
    if isinstance(selector, RandomSubset):
        listens = selector.like is not None
    assert (told_otherwise != first) == listens


def test_every_sampling_method_can_be_unbiased():
    for cls in CLASSES:
        has_it = "unbiased" in cls().get_params()
        samples = not issubclass(cls, SHUFFLING + OTHERWISE_MANY)
        assert has_it == samples, f"{cls.__name__}'s __init__ takes it"


def test_same_seed_same_batches(selector, tensors):
    first = run(selector, tensors, seed=3)
    assert run(clone(selector), tensors, seed=3) == first
    assert run(clone(selector), tensors, seed=4) != first


def test_a_used_selector_starts_afresh(selector, tensors):
    first = run(selector, tensors)
    assert run(selector, tensors) == first


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16], ids=str)
def test_networks_of_any_precision(selector, tensors, dtype):
    served = []
    for told in (torch.float32, dtype):
        one = start(clone(selector), tensors)
        served.append([list(serve_rounded(one, epoch, told)) for epoch in range(N_EPOCHS)])
    assert served[0] == served[1]


def test_global_generators_are_untouched(selector, tensors):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    run(selector, tensors)
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)


@pytest.mark.parametrize("stop", [1, 2, 4])
@pytest.mark.parametrize("pickled", [False, True])
def test_goes_on_where_it_stopped(selector, tensors, stop, pickled):
    whole = run(selector, tensors)
    first = start(clone(selector), tensors)
    begun = [serve(first, epoch) for epoch in range(stop)]
    if pickled:
        second = pickle.loads(pickle.dumps(first))
    else:
        second = start(clone(selector), tensors, seed=99)
        second.load_state_dict(first.state_dict())
    assert begun + [serve(second, epoch) for epoch in range(stop, N_EPOCHS)] == whole


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_an_epoch_that_went_wrong_is_taken_back(selector, tensors):
    """Predictions that are not numbers belong to it, and are forgotten with it."""
    began, index = start(clone(selector), tensors), torch.arange(N)
    state = began.state_dict()
    list(began.batches(0))
    began.update(index, *(told * torch.nan for told in predictions(index, 0)))
    began.load_state_dict(state)
    other = start(clone(selector), tensors)
    for mine, theirs in zip(began.batches(0), other.batches(0), strict=True):
        assert torch.equal(mine, theirs)


def test_a_new_process_goes_on_where_another_stopped(tensors, tmp_path):
    """All selectors in one child, which knows nothing but their parameters and states."""
    begun, states = [], []
    for selector in SELECTORS:
        first = start(clone(selector), tensors)
        begun.append([serve(first, epoch) for epoch in range(3)])
        states.append(first.state_dict())
    torch.save(states, tmp_path / "states.pt")
    code = (
        "import importlib.util, json, torch\n"
        f"spec = importlib.util.spec_from_file_location('common', {__file__!r})\n"
        "common = importlib.util.module_from_spec(spec); spec.loader.exec_module(common)\n"
        "torch.set_num_threads(1)\n"
        "served = []\n"
        "for selector, state in zip(common.SELECTORS, torch.load('states.pt')):\n"
        "    common.start(selector, common.make_tensors(), seed=99).load_state_dict(state)\n"
        "    served.append([common.serve(selector, e) for e in range(3, common.N_EPOCHS)])\n"
        "print(json.dumps(served))\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    for selector, before, after in zip(SELECTORS, begun, json.loads(child.stdout), strict=True):
        whole = run(clone(selector), tensors)
        assert json.loads(json.dumps(whole)) == json.loads(json.dumps(before)) + after


def test_state_is_a_copy_that_torch_can_store(selector, tensors, tmp_path):
    start(selector, tensors)
    serve(selector, 0)
    state = selector.state_dict()
    torch.save(state, tmp_path / "state.pt")
    stored = torch.load(tmp_path / "state.pt", weights_only=True)
    for epoch in range(1, N_EPOCHS):
        serve(selector, epoch)
    assert state.keys() == stored.keys()
    for name, value in state.items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(value, stored[name], equal_nan=True)
        else:
            assert value == stored[name]


def test_foreign_state_is_refused(selector, tensors):
    start(selector, tensors)
    with pytest.raises(ValueError, match="has the state"):
        selector.load_state_dict({"nonsense": 1})
    state = start(clone(selector), tuple(t[:20] for t in tensors)).state_dict()
    if selector._state:
        with pytest.raises(ValueError, match="same instances"):
            selector.load_state_dict(state)


@pytest.mark.parametrize("q", [1, 4])
@pytest.mark.parametrize("n", [1, 2, 17])
def test_small_data(selector, n, q):
    Y = torch.ones(n, q)
    selector.start(torch.zeros(n, 2), Y, n_epochs=4, batch_size=16, random_state=0)
    for epoch in range(4):
        n_served = n_batches = 0
        for index in selector.batches(epoch):
            n_served += len(index)
            n_batches += 1
            weights = selector.loss_weights(index, Y[index])
            assert weights is None or torch.isfinite(weights).all()
            # Perfect predictions: entropy, loss and flips at their limits.
            selector.update(index, Y[index], 0 * Y[index])
        assert n_served == n or isinstance(selector, OTHERWISE_MANY)
        assert n_batches == selector.count_batches(epoch) == math.ceil(n_served / min(16, n))


def test_nothing_is_read_on_the_host_within_an_epoch(selector, tensors, host_reads):
    """Between the first batch of an epoch and its end the host waits for nothing."""
    if getattr(selector, "chain", False):
        return  # Drawn on the host, one instance after another.
    start(selector, tensors)
    for epoch in range(N_EPOCHS):
        batches = selector.batches(epoch)
        first = next(batches)
        with host_reads() as reads:
            selector.update(first, *predictions(first, epoch))
            for index in batches:
                selector.loss_weights(index, tensors[1][index])
                selector.update(index, *predictions(index, epoch))
        assert not reads

"""Same seed, same bits; the caller's generators untouched; parts equal the whole."""

import pickle

import numpy as np
import pytest
import torch

from skd2ace.selection import D2ACE

SELECTORS = {
    "shuffled": None,
    "paper": D2ACE(n_neighbors=3, warmup_epochs=2),
    "reference": D2ACE.reference(n_neighbors=3, warmup_epochs=2, mix_epochs=(1, 3)),
    "each epoch": D2ACE(n_neighbors=3, warmup_epochs=2, refresh="epoch"),
    "unbiased": D2ACE(n_neighbors=3, warmup_epochs=2, unbiased=True),
}


@pytest.fixture(params=SELECTORS)
def selector(request):
    return SELECTORS[request.param]


def weights(est):
    return [value.clone() for value in est.module_.state_dict().values()]


def assert_same_bits(first, second):
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_same_seed_same_bits(make_clif, data, selector):
    first = make_clif(batch_selector=selector).fit(*data)
    second = make_clif(batch_selector=selector).fit(*data)
    other = make_clif(batch_selector=selector, random_state=1).fit(*data)
    assert_same_bits(weights(first), weights(second))
    assert not torch.equal(weights(first)[-1], weights(other)[-1])
    assert first.history[:, "train_loss"] == second.history[:, "train_loss"]


def test_fit_is_idempotent(make_any, data):
    est = make_any().fit(*data)
    first = weights(est)
    assert_same_bits(first, weights(est.fit(*data)))


def test_random_state_instance_is_advanced(make, data):
    rng = np.random.RandomState(0)
    first = make(random_state=rng).fit(*data)
    second = make(random_state=rng).fit(*data)
    again = make(random_state=np.random.RandomState(0)).fit(*data)
    assert_same_bits(weights(first), weights(again))
    assert not torch.equal(weights(first)[0], weights(second)[0])


def test_without_a_seed_fits_differ(make, data):
    first, second = (make(random_state=None).fit(*data) for _ in range(2))
    assert not torch.equal(weights(first)[0], weights(second)[0])


def assert_generators_stay(est, data):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()
    est.fit(*data).partial_fit(*data).predict_proba(data[0])
    with pytest.raises(ValueError, match="infinity"):
        est.fit(np.full((60, 8), np.inf), data[1])
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert numpy_state[2] == np.random.get_state()[2]
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state[1])


@pytest.mark.parametrize("random_state", [0, None])
def test_global_generators_are_as_before(make_any, data, random_state):
    assert_generators_stay(make_any(random_state=random_state), data)


@pytest.mark.parametrize("random_state", [0, None])
def test_selectors_leave_global_generators_as_before(make, data, selector, random_state):
    assert_generators_stay(make(batch_selector=selector, random_state=random_state), data)


def test_global_generators_do_not_matter(make_clif, data):
    torch.manual_seed(1)
    first = make_clif().fit(*data)
    torch.manual_seed(2)
    assert_same_bits(weights(first), weights(make_clif().fit(*data)))


WAYS = {
    "partial_fit": lambda est, X, Y: est.fit(X, Y).partial_fit(X, Y),
    "partial_fit twice": lambda est, X, Y: est.partial_fit(X, Y).partial_fit(X, Y),
    "warm_start": lambda est, X, Y: est.set_params(warm_start=True).fit(X, Y).fit(X, Y),
    "pickled": lambda est, X, Y: pickle.loads(pickle.dumps(est.fit(X, Y))).partial_fit(X, Y),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("train_split", [None, 0.2])
def test_two_parts_equal_the_whole(make_clif, data, way, train_split):
    """With shuffled batches, and a learning rate in the middle of its warm-up."""
    parts = make_clif(batch_selector=None, max_epochs=3, train_split=train_split)
    parts = WAYS[way](parts, *data)
    whole = make_clif(batch_selector=None, max_epochs=6, train_split=train_split).fit(*data)
    assert parts.best_epoch_ == whole.best_epoch_
    assert parts.history[:, "train_loss"] == whole.history[:, "train_loss"]
    assert_same_bits(weights(parts), weights(whole))


def test_a_selector_goes_on_with_its_state(make_clif, data):
    """The schedules need the same total: told of it, two parts with D2ACE equal the whole."""
    selector = D2ACE(n_neighbors=3, warmup_epochs=2, pressure=1.0)
    parts = make_clif(batch_selector=selector, max_epochs=3).fit(*data).partial_fit(*data)
    whole = make_clif(batch_selector=selector, max_epochs=6).fit(*data)
    assert_same_bits(weights(parts), weights(whole))
    assert parts.batch_selector_.n_epochs_ == 6
    torch.testing.assert_close(
        parts.batch_selector_.history_, whole.batch_selector_.history_, equal_nan=True
    )


def test_another_number_of_instances_is_refused(make_any, data, other_rows):
    X, Y = data
    est = make_any(max_epochs=8).fit(X, Y)
    before, history = est.predict_proba(X), list(est.history)
    for warm_start in (False, True):
        est.set_params(warm_start=warm_start)
        with other_rows(est), pytest.raises(ValueError, match="same instances"):
            (est.fit if warm_start else est.partial_fit)(X[:40], Y[:40])
        np.testing.assert_array_equal(est.predict_proba(X), before)
        assert list(est.history) == history
    # And it can go on as if nothing had happened.
    expected = make_any(max_epochs=8).fit(X, Y).partial_fit(X, Y)
    assert_same_bits(weights(est.partial_fit(X, Y)), weights(expected))
    shuffled = make_any(batch_selector=None).fit(X, Y)
    with other_rows(shuffled):
        shuffled.partial_fit(X[:40], Y[:40])

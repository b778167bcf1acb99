"""Cells without a label or with weight 0, under every selector: they are not there."""

import math
import pickle
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skd2ace.selection import (
    D2ACE,
    DIHCL,
    HardImb,
    RandomBatches,
    RandomSubset,
    ReducibleLoss,
)

N, Q, N_EPOCHS = 50, 4, 6

SELECTORS = runpy.run_path(str(Path(__file__).with_name("test_common.py")))["SELECTORS"]


@pytest.fixture(params=SELECTORS, ids=str)
def selector(request):
    return clone(request.param)


def make_data(q=Q, seed=0):
    """Features, labels, and which of them are known: of instance 3 none."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(N, 3, generator=generator)
    Y = (torch.rand(N, q, generator=generator) < 0.4).float()
    known = torch.rand(N, q, generator=generator) < 0.7
    known[3] = False
    return X, Y, known


def start(selector, X, Y, cell_weight=None, **settings):
    of_run = {"n_epochs": N_EPOCHS, "batch_size": 16, "random_state": 0, **settings}
    return selector.start(X, Y, cell_weight=cell_weight, **of_run)


def predictions(Y, epoch):
    """What a network might say of all instances: probabilities and losses."""
    generator = torch.Generator().manual_seed(epoch)
    proba = torch.rand(Y.shape, generator=generator)
    return proba, torch.nn.functional.binary_cross_entropy(proba, Y, reduction="none")


def serve(selector, Y, epochs=range(N_EPOCHS), told=predictions):
    """Serve epochs: of each its batches, with probabilities and weights of the loss."""
    served = []
    for epoch in epochs:
        proba, losses = told(Y, epoch)
        for index in selector.batches(epoch):
            served.append((index, selector.probabilities_, selector.loss_weights(index, Y[index])))
            rows = torch.arange(N) if selector.refresh == "epoch" else index
            selector.update(rows, proba[rows], losses[rows], learning_rate=0.1)
    return served


def assert_same(left, right):
    for ours, theirs in zip(left, right, strict=True):
        for mine, other in zip(ours, theirs, strict=True):
            assert (mine is None) == (other is None)
            assert mine is None or torch.equal(mine, other)


def assert_distributions(selector, served):
    for _, probabilities, weights in served:
        if probabilities is not None:
            assert (probabilities > 0).all()
            assert probabilities.sum().item() == pytest.approx(1)
        assert weights is None or torch.isfinite(weights).all()
    for name, value in vars(selector).items():
        if isinstance(value, torch.Tensor) and name not in ("history_", "rate_sum_at_visit_"):
            assert not torch.isnan(value.to_dense()).any(), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("q", [1, Q])
def test_no_label_is_a_weight_of_zero(selector, q, dtype):
    """Whatever Y holds there, and whatever is told of it."""
    X, Y, known = make_data(q)
    expected = serve(start(clone(selector), X, Y.to(dtype), known.float()), Y)
    assert_distributions(selector, expected)
    for held in (torch.nan, 0.0, 1.0, 7.0, -torch.inf):
        other = torch.where(known, Y, held)

        def told(_, epoch, other=other):
            proba, losses = predictions(Y, epoch)
            return proba, torch.where(known, losses, other)

        served = start(clone(selector), X, other.to(dtype), known.double())
        assert_same(serve(served, other, told=told), expected)
    hidden = torch.where(known, Y, torch.nan).to(dtype)
    # One way or the other, and half of the cells this way, half that way.
    half = torch.where(torch.arange(N)[:, None] < 25, known, True)
    for weight in (None, torch.rand(N, q) + 0.1, half):
        served = start(clone(selector), X, hidden, weight)
        assert_same(serve(served, hidden, told=lambda _, epoch: predictions(Y, epoch)), expected)


def test_labels_of_any_type_can_be_left_out(selector):
    X, Y, known = make_data()
    expected = serve(start(clone(selector), X, Y, known), Y)
    for dtype in (torch.bool, torch.int64, torch.uint8):
        assert_same(serve(start(clone(selector), X, Y.to(dtype), known), Y), expected)


def test_it_matters_what_is_known(selector):
    """Else the tests of this file could not fail."""
    X, Y, known = make_data()
    whole, part = (serve(start(clone(selector), X, Y, weight), Y) for weight in (None, known))
    differ = len(whole) != len(part) or any(
        not torch.equal(one, other)
        for a, b in zip(whole, part, strict=True)
        for one, other in zip(a, b, strict=True)
        if one is not None and other is not None
    )
    blind = isinstance(selector, RandomBatches) or (
        isinstance(selector, RandomSubset) and selector.like is None
    )
    # No label of these data is so rare.
    assert differ != (blind or repr(selector) == "RepeatFactor()")


@pytest.mark.parametrize("known", [torch.arange(N) % 3 > 0, torch.zeros(N)], ids=["some", "none"])
def test_an_instance_of_weight_zero_is_all_its_cells(selector, known):
    X, Y, _ = make_data()
    rows = serve(start(clone(selector), X, Y, known), Y)
    cells = known[:, None].expand(N, Q).clone()
    assert_same(rows, serve(start(clone(selector), X, Y, cells), Y))
    assert_distributions(selector, rows)
    # They are drawn all the same.
    assert (torch.cat([index for index, _, _ in rows]) % 3 == 0).any()


def test_weights_other_than_zero_do_nothing(selector):
    X, Y, _ = make_data()
    expected = serve(start(clone(selector), X, Y), Y)
    generator = torch.Generator().manual_seed(1)
    random = torch.rand(N, Q, generator=generator) + 1e-6
    for weight in (torch.ones(N), torch.full((N,), 0.3), torch.full((N, Q), 5), random, random > 0):
        started = start(clone(selector), X, Y, weight)
        assert started.known_ is None
        assert_same(serve(started, Y), expected)


def last_probabilities(selector, X, Y, known, **settings):
    return serve(start(selector, X, Y, known, **settings), Y)[-1][1]


def test_an_instance_of_which_nothing_is_known_is_wanted_least(selector):
    """At the epoch before the last one, at which all are equal."""
    X, Y, known = make_data()
    started = start(selector, X, Y, known, n_epochs=N_EPOCHS + 1)
    everything = torch.arange(N)
    for epoch in range(N_EPOCHS):
        next(selector.batches(epoch))
        selector.update(everything, *predictions(Y, epoch), learning_rate=0.1)
    p = started.probabilities_
    if p is not None:
        # Each visit takes DIHCL's hardness to a twentieth; no exponent is less than its floor.
        assert p[3].item() == pytest.approx(p.min().item(), rel=0.1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_label_of_which_nothing_is_known_is_not_there(selector, seed):
    """As if there were one column less; the last one, so that the order of ties stays."""
    X, Y, known = make_data(seed=seed)
    known[:, -1] = False
    less = Y[:, :-1], known[:, :-1]
    served = serve(start(clone(selector), X, Y, known), Y)
    assert_distributions(selector, served)

    def told(_, epoch):
        return [part[:, :-1] for part in predictions(Y, epoch)]

    expected = serve(start(clone(selector), X, *less), less[0], told=told)
    for (index, p, _), (index_of_less, p_of_less, _) in zip(served, expected, strict=True):
        assert (p is None) == (p_of_less is None)
        if p is not None:
            np.testing.assert_allclose(p, p_of_less, rtol=1e-4)
        if p is None or torch.equal(p, p_of_less):
            assert torch.equal(index, index_of_less)


@pytest.mark.parametrize(("n", "q"), [(1, 1), (1, 3), (2, 1), (17, 2)])
def test_nothing_is_known_at_all(selector, n, q):
    nothing = torch.full((n, q), torch.nan)
    selector.start(torch.zeros(n, 2), nothing, n_epochs=4, batch_size=16, random_state=0)
    for epoch in range(4):
        n_served = 0
        for index in selector.batches(epoch):
            n_served += len(index)
            weights = selector.loss_weights(index, nothing[index])
            assert weights is None or torch.isfinite(weights).all()
            selector.update(index, torch.rand(len(index), q), nothing[index])
        p = selector.probabilities_
        assert p is None or p.sum().item() == pytest.approx(1)
        assert selector.n_batches_ == math.ceil(n_served / min(16, n))


@pytest.mark.parametrize("pickled", [False, True])
def test_goes_on_where_it_stopped(selector, pickled):
    X, Y, known = make_data()
    whole = serve(start(clone(selector), X, Y, known), Y)
    first = start(clone(selector), X, Y, known)
    begun = serve(first, Y, range(3))
    if pickled:
        second = pickle.loads(pickle.dumps(first))
    else:
        second = start(clone(selector), X, Y, known, random_state=99)
        second.load_state_dict(first.state_dict())
    assert_same(begun + serve(second, Y, range(3, N_EPOCHS)), whole)


def test_a_new_start_forgets_what_was_known(selector):
    X, Y, known = make_data()
    expected = serve(start(clone(selector), X, Y), Y)
    serve(start(selector, X, Y, known), Y)
    assert_same(serve(start(selector, X, Y), Y), expected)


def test_data_stay_as_they_are(selector):
    X, Y, known = make_data()
    given = X.clone(), torch.where(known, Y, torch.nan), known.float()
    before = [part.clone() for part in given]
    serve(start(selector, *given), Y)
    for now, then in zip(given, before, strict=True):
        torch.testing.assert_close(now, then, rtol=0, atol=0, equal_nan=True)


def test_nothing_is_read_on_the_host_within_an_epoch(selector, host_reads):
    if getattr(selector, "chain", False):
        return  # Drawn on the host, one instance after another.
    X, Y, known = make_data()
    start(selector, X, Y, known)
    for epoch in range(N_EPOCHS):
        proba, losses = predictions(Y, epoch)
        batches = selector.batches(epoch)
        index = next(batches)
        with host_reads() as reads:
            selector.update(index, proba[index], losses[index])
            for index in batches:
                selector.loss_weights(index, Y[index])
                selector.update(index, proba[index], losses[index])
        assert not reads


# Features


def finds_neighbors(selector):
    if isinstance(selector, RandomSubset):
        return selector.like is not None and finds_neighbors(selector.like)
    finds = isinstance(selector, (HardImb, ReducibleLoss))
    return finds or getattr(selector, "correlation", None) == "local"


def test_only_neighbors_are_a_reason_to_look_at_features(selector):
    _, Y, _ = make_data()
    if finds_neighbors(selector):
        return  # test_refused.py has these.
    expected = serve(start(clone(selector), torch.zeros(N, 2), Y), Y)
    for X in (range(N), np.full((N, 2), "text"), torch.full((N, 2), torch.nan), torch.zeros(N)):
        assert_same(serve(start(clone(selector), X, Y), Y), expected)


def test_neighbors_are_found_on_what_is_given_for_them(selector):
    X, Y, known = make_data()
    far, _, _ = make_data(seed=1)
    expected = serve(start(clone(selector), X, Y, known), Y)
    for points in (X, X.double(), X.to_sparse_csr()):
        for features in (far, range(N), X[:, :, None, None].expand(N, 3, 2, 2) / 0):
            served = start(clone(selector), features, Y, known, neighbor_features=points)
            assert_same(serve(served, Y), expected)
    others = serve(start(clone(selector), X, Y, known, neighbor_features=far), Y)
    same = all(
        torch.equal(i, k) and (p is q or torch.equal(p, q))
        for (i, p, _), (k, q, _) in zip(expected, others, strict=True)
    )
    assert same != finds_neighbors(selector)


@pytest.mark.parametrize("shape", [(N, 3, 4), (N, 2, 3, 4)], ids=str)
def test_images_are_flattened_for_the_neighbors(selector, shape):
    _, Y, _ = make_data()
    X = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    expected = serve(start(clone(selector), X.reshape(N, -1), Y), Y)
    assert_same(serve(start(clone(selector), X, Y), Y), expected)
    if len(shape) == 4:
        apart = X.to(memory_format=torch.channels_last)
        assert_same(serve(start(clone(selector), apart, Y), Y), expected)


# Selectors at work: what a hidden cell would have changed


def test_a_hidden_label_of_a_neighbor_is_no_neighbor_with_the_label():
    X = torch.tensor([[0.0], [1.0], [9.0]])
    Y = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    Y[1, 0] = torch.nan
    started = D2ACE(n_neighbors=1).start(X, Y, n_epochs=2, batch_size=2)
    assert started.local_.to_dense().int().tolist() == [[0, 1], [0, 1], [1, 1]]


def test_a_mean_is_over_the_known_labels():
    """Two known losses of 1 are no less than four of them."""
    Y = torch.zeros(3, 4)
    Y[1, 2:], Y[2] = torch.nan, torch.nan
    for selector in (HardImb(), DIHCL()):
        selector.start(torch.zeros(3, 1), Y, n_epochs=20, batch_size=3, random_state=0)
        for loss in (1.0, 3.0):
            selector.update(torch.arange(3), torch.full((3, 4), 0.5), torch.full((3, 4), loss))
        values = selector.losses_ if isinstance(selector, HardImb) else selector.hardness_
        assert values[0] == values[1] > values[2]

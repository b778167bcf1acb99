"""What batch selectors refuse, and in what words."""

import re
import runpy
from pathlib import Path

import pytest
import scipy.sparse as sp
import torch

from skd2ace.selection import D2ACE, HardImb

N, Q, BATCH_SIZE, N_EPOCHS = 50, 4, 16, 6

CLASSES = runpy.run_path(str(Path(__file__).with_name("discovery.py")))["CLASSES"]


@pytest.fixture(params=CLASSES)
def selector(request):
    return request.param()


@pytest.fixture
def tensors():
    generator = torch.Generator().manual_seed(0)
    X, Y = torch.randn(N, 3, generator=generator), torch.rand(N, Q, generator=generator) < 0.3
    return X, Y.float()


@pytest.fixture(params=[D2ACE, HardImb])
def finds_neighbors(request):
    """A selector that looks at the features."""
    return request.param()


def start(selector, tensors, **settings):
    run = {"n_epochs": N_EPOCHS, "batch_size": BATCH_SIZE, "random_state": 0}
    return selector.start(*tensors, **run, **settings)


def test_wrong_shapes_are_refused(selector, tensors):
    X, Y = tensors
    with pytest.raises(RuntimeError, match=r"before its start\(\)"):
        selector.update(torch.arange(2), Y[:2], Y[:2])
    with pytest.raises(RuntimeError, match=r"before its start\(\)"):
        HardImb(unbiased=True).loss_weights(torch.arange(2), Y[:2])
    with pytest.raises(ValueError, match="X has 10 rows and Y has 50"):
        start(selector, (X[:10], Y))
    with pytest.raises(ValueError, match="shape"):
        start(selector, (X, Y[:, 0]))
    start(selector, tensors)
    with pytest.raises(ValueError, match="needs proba and losses of shape"):
        selector.update(torch.arange(2), Y[:3], Y[:3])


@pytest.mark.parametrize("wrong", [-0.01, 1.01, 1e30, float("nan")])
def test_probabilities_out_of_range_are_named(selector, tensors, wrong):
    start(selector, tensors)
    for index in selector.batches(0):
        proba = torch.full((len(index), Q), 0.3)
        losses = -proba.log()
        proba[-1] = wrong
        selector.update(index, proba, losses)
    message = rf"{type(selector).__name__}: .* in \[0, 1\].* in epoch 1, .*sigmoid\(logits\)"
    with pytest.raises(ValueError, match=message):
        next(selector.batches(1))


def test_probabilities_of_zero_and_one_are_in_range(selector, tensors):
    start(selector, tensors)
    for epoch in range(3):
        for index in selector.batches(epoch):
            selector.update(index, tensors[1][index], 0 * tensors[1][index])
    selector.update(index[:0], tensors[1][:0], tensors[1][:0])
    next(selector.batches(3))


@pytest.mark.parametrize("wrong", [-1, 2, 0.5, float("inf")])
def test_labels_other_than_zeros_and_ones_are_refused(selector, tensors, wrong):
    X, Y = tensors
    Y[7, 1] = wrong
    with pytest.raises(ValueError, match=f"zeros and ones; found {float(wrong)}"):
        start(selector, (X, Y))


def test_what_are_no_tensors_is_refused(selector, tensors):
    X, Y = tensors
    for wrong in (Y.numpy().astype(object), Y.to_sparse_csr(), Y.tolist()):
        with pytest.raises(TypeError, match="Y must be a torch tensor, dense, or an array of n"):
            start(selector, (X, wrong))
        with pytest.raises(TypeError, match="cell_weight must be a torch tensor, dense, or an"):
            start(selector, tensors, cell_weight=wrong)
    for wrong in (3, torch.tensor(3.0), None):
        with pytest.raises(TypeError, match="X must have one row per instance, got "):
            start(selector, (wrong, Y))


def not_a_tensor(X):
    return X.numpy().astype(str), sp.csr_array(X.numpy()), X.tolist(), X.to_sparse_coo()


def test_neighbors_are_found_on_tensors(finds_neighbors, tensors):
    X, Y = tensors
    for wrong in not_a_tensor(X):
        with pytest.raises(TypeError, match="X must be a torch tensor, dense or sparse CSR, or an"):
            start(finds_neighbors, (wrong, Y))


def test_neighbor_features_are_a_finite_matrix(selector, tensors):
    """Whether the selector has a use for them or not."""
    X, _ = tensors
    for wrong in not_a_tensor(X):
        with pytest.raises(TypeError, match="neighbor_features must be a torch tensor, dense or s"):
            start(selector, tensors, neighbor_features=wrong)
    for wrong in (X[:, 0], X[:, :, None]):
        with pytest.raises(ValueError, match=r"neighbor_features must have shape \(n, d\).*\(50"):
            start(selector, tensors, neighbor_features=wrong)
    with pytest.raises(ValueError, match="neighbor_features has 10 rows and Y has 50"):
        start(selector, tensors, neighbor_features=X[:10])
    for wrong in (X / 0, (X / 0).to_sparse_csr()):
        with pytest.raises(ValueError, match="neighbor_features contains NaN or infinity"):
            start(selector, tensors, neighbor_features=wrong)


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("shape", [(N,), (N, Q)], ids=str)
def test_weights_are_finite_and_not_negative(selector, tensors, shape, wrong):
    weights = torch.ones(shape)
    weights[7] = wrong
    with pytest.raises(ValueError, match=f"cell_weight must be finite and not neg.*found {wrong}"):
        start(selector, tensors, cell_weight=weights)


@pytest.mark.parametrize("shape", [(), (N - 1,), (Q,), (N, 1), (1, Q), (N, Q, 1), (Q, N)], ids=str)
def test_weights_of_another_shape_are_refused(selector, tensors, shape):
    message = rf"cell_weight must have shape \(50,\) or \(50, 4\), .*, got {re.escape(str(shape))}"
    with pytest.raises(ValueError, match=message):
        start(selector, tensors, cell_weight=torch.ones(shape))


def test_a_column_of_features_is_asked_for(finds_neighbors, tensors):
    X, Y = tensors
    with pytest.raises(ValueError, match=r"X must have shape \(n, d\) for the .*, got \(50,\)"):
        start(finds_neighbors, (X[:, 0], Y))
    start(finds_neighbors, (X[:, :1], Y))


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float64])
def test_labels_of_any_dtype(selector, tensors, dtype):
    X, Y = tensors
    start(selector, (X, Y.to(dtype)))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_features_that_are_not_finite_are_refused(finds_neighbors, tensors, wrong, sparse):
    X, Y = tensors
    X[7, 1] = wrong
    with pytest.raises(ValueError, match="X contains NaN or infinity"):
        start(finds_neighbors, (X.to_sparse_csr() if sparse else X, Y))


@pytest.mark.parametrize("name", ["n_epochs", "batch_size"])
def test_counts_are_whole_and_positive(selector, tensors, name):
    for wrong, error in ((2.5, TypeError), (4.0, TypeError), ("4", TypeError), (0, ValueError)):
        counts = {"n_epochs": N_EPOCHS, "batch_size": BATCH_SIZE, name: wrong}
        message = rf"'{name}' parameter of \w+\.start must be an int .*\. Got '?{wrong}"
        with pytest.raises(error, match=message):
            selector.start(*tensors, **counts)

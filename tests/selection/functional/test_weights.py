"""Weights against loops written from the equations."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skd2ace._sparse import csr_from_dense
from skd2ace.selection import functional as F


@pytest.fixture
def case():
    rng = np.random.default_rng(1)
    scores = rng.random((25, 6))
    Y = (rng.random((25, 6)) < 0.3).astype(int)
    Y[3] = 0
    Y[:, 2] = 0
    local = np.maximum(Y, rng.random((25, 6)) < 0.3).astype(int)
    return scores, Y, local


def cosine(u, v):
    norms = np.sqrt(sum(u * u)) * np.sqrt(sum(v * v))
    return sum(u * v) / norms if norms else 0.0


def slow_weights(scores, Y, local, label_weight, correlation, variant):
    n, q = scores.shape
    forms = {"exp": lambda s: np.exp(s / 2), "linear": lambda s: s / 2, None: lambda s: 1.0}
    v = [forms[label_weight](scores[:, j].mean() + scores[:, j].std()) for j in range(q)]
    M = scores * Y
    C = [[cosine(M[:, j], M[:, k]) for k in range(q)] for j in range(q)]
    if variant == "reference":
        C = [[c / sum(row) if sum(row) else 0.0 for c in row] for row in C]
    Z = np.ones_like(local) if correlation == "global" else local
    weights = []
    for i in range(n):
        w = sum(scores[i, j] * v[j] for j in range(q))
        for j in range(q) if correlation else ():
            for k in range(q):
                if variant == "paper":
                    w += M[i, j] * Z[i, k] * C[k][j]
                else:
                    w += M[i, j] * v[j] * Z[i, k] * C[j][k]
        weights.append(w)
    return weights


@pytest.mark.parametrize("label_weight", ["exp", "linear", None])
@pytest.mark.parametrize("correlation", ["local", "global", None])
@pytest.mark.parametrize("variant", ["paper", "reference"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_instance_weights(case, label_weight, correlation, variant, dtype):
    settings = {"label_weight": label_weight, "correlation": correlation, "variant": variant}
    expected = torch.tensor(slow_weights(*case, **settings), dtype=dtype)
    scores, Y, local = (torch.from_numpy(array) for array in case)
    for layout in (torch.Tensor.bool, torch.Tensor.float, csr_from_dense):
        weights = F.instance_weights(scores.to(dtype), layout(Y), layout(local), **settings)
        torch.testing.assert_close(weights, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("held", [0.0, 1.0, np.nan])
@pytest.mark.parametrize("label_weight", ["exp", "linear", None])
@pytest.mark.parametrize("correlation", ["local", "global", None])
@pytest.mark.parametrize("variant", ["paper", "reference"])
def test_instance_weights_of_known_cells(case, label_weight, correlation, variant, held):
    """By masked arrays: sums leave out what they mask."""
    scores, Y, local = case
    known = np.random.default_rng(2).random(Y.shape) < 0.6
    known[5], known[:, 4] = False, False
    masked = np.ma.array(scores, mask=~known)
    spread = (masked.mean(0) + masked.std(0)).filled(0)
    v = {"exp": np.exp(spread / 2), "linear": spread / 2, None: np.ones(6)}[label_weight]
    M = (masked * Y).filled(0)
    C = np.array([[cosine(M[:, j], M[:, k]) for k in range(6)] for j in range(6)])
    if variant == "reference":
        C = np.array([row / (row.sum() or 1) for row in C])
    Z = np.ones_like(local) if correlation == "global" else local
    phi = M * (Z @ C) if variant == "paper" else M * v * (Z @ C.T)
    expected = (masked * v).filled(0).sum(1) + (0 if correlation is None else phi.sum(1))
    scores_held = torch.from_numpy(np.where(known, scores, held))
    known, local = torch.from_numpy(known), torch.from_numpy(local)
    forms = [torch.from_numpy(np.where(known, Y, held))]
    forms += [] if np.isnan(held) else [csr_from_dense(forms[0])]
    settings = {"label_weight": label_weight, "correlation": correlation, "variant": variant}
    for form in forms:
        weights = F.instance_weights(scores_held, form, local, known=known, **settings)
        np.testing.assert_allclose(weights, expected, rtol=1e-10, atol=1e-12)
        assert weights[5] == 0
        actual = F.label_correlation(scores_held, form, variant, known)
        np.testing.assert_allclose(actual, C, rtol=1e-10, atol=1e-12)


@given(st.integers(0, 2**32), st.sampled_from(["weights", "information", "imbalance"]))
def test_order_of_labels_does_not_matter(seed, which):
    """Permuting labels leaves the weights of instances alone."""
    rng = np.random.default_rng(seed)
    scores = torch.from_numpy(rng.random((12, 5)))
    Y = torch.from_numpy((rng.random((12, 5)) < rng.random(5)).astype(int))
    X = torch.from_numpy(rng.normal(size=(12, 2)))
    order = rng.permutation(5)
    weigh = {
        "weights": lambda A, Y: F.instance_weights(A, Y, F.local_labels(X, Y, 2)),
        "information": lambda A, Y: A @ F.mutual_information(A, 4).sum(1),
        "imbalance": lambda A, Y: F.imbalance_weights(F.local_imbalance(X, Y, 3), Y),
    }[which]
    torch.testing.assert_close(weigh(scores[:, order], Y[:, order]), weigh(scores, Y))


@pytest.mark.parametrize("variant", ["paper", "reference"])
def test_enormous_losses_give_finite_weights(case, variant):
    scores, Y, local = (torch.from_numpy(array) for array in case)
    scores = scores.float() * 1e7
    assert torch.isfinite(F.instance_weights(scores, Y, local, variant=variant)).all()


def test_local_needs_local_labels(case):
    scores, Y, _ = (torch.from_numpy(array) for array in case)
    with pytest.raises(ValueError, match="needs the local labels"):
        F.instance_weights(scores, Y, None)

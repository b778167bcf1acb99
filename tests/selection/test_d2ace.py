"""D2ACE against a slow reference that keeps plain lists and follows the paper by the letter."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from skd2ace.selection import D2ACE

N, Q, N_EPOCHS = 40, 5, 14


class SlowD2ACE:
    """Per instance a list of its predictions and losses; everything in loops.

    Labels that are not known count as absent, and their scores in no sum, mean or deviation.
    """

    def __init__(
        self, X, Y, *, variant, n_epochs, warmup, pressure, mix_epochs, window=5, known=None
    ):
        self.known = np.ones(Y.shape, bool) if known is None else np.asarray(known)
        self.X, self.Y = np.asarray(X), np.where(self.known, np.asarray(Y), 0)
        self.n, self.q = self.Y.shape
        self.variant, self.n_epochs, self.warmup = variant, n_epochs, warmup
        self.pressure, self.mix_epochs, self.window = pressure, mix_epochs, window
        self.history = [[] for _ in range(self.n)]
        self.losses = [np.full(self.q, math.log(2)) for _ in range(self.n)]
        self.flip = [np.zeros(self.q) for _ in range(self.n)]
        self.visited = {}

    def visit(self, i, proba, losses):
        self.losses[i] = losses
        if self.variant == "reference":
            self._append(i, proba)
        else:
            self.visited[i] = proba

    def end_epoch(self):
        for i, proba in self.visited.items():
            self._append(i, proba)
        self.visited = {}

    def _append(self, i, proba):
        flips = np.zeros(self.q)
        if self.history[i]:
            before = self.history[i][-1]
            if self.variant == "paper":
                flips = np.abs((proba >= 0.5).astype(float) - (before >= 0.5))
            else:
                flips = np.abs(proba - before)
        self.flip[i] = 0.7 * flips + 0.3 * self.flip[i]
        self.history[i].append(proba)

    def uncertainty(self, i):
        kept = self.history[i][-self.window :] or [np.full(self.q, 0.5)]
        p = kept[-1]
        entropy = np.array([-sum(x * math.log2(x) for x in (a, 1 - a) if x > 0) for a in p])
        changes = [np.abs(b - a) for a, b in pairwise(kept)]
        return 0.5 * entropy + 0.5 * (np.mean(changes, axis=0) if changes else 0)

    def hardness(self, i):
        loss = self.losses[i]
        return (loss if self.variant == "paper" else 2 - np.exp(-loss)) * (1 - self.flip[i])

    def weights(self, A):
        columns = [A[self.known[:, j], j] for j in range(self.q)]
        v = [np.exp((a.mean() + a.std()) / 2) if len(a) else 1 for a in columns]
        A = np.where(self.known, A, 0)
        M = A * self.Y
        norm = np.sqrt((M * M).sum(0))
        C = np.zeros((self.q, self.q))
        for j in range(self.q):
            for k in range(self.q):
                if norm[j] and norm[k]:
                    C[j, k] = M[:, j] @ M[:, k] / norm[j] / norm[k]
        if self.variant == "reference":
            C = np.array([row / row.sum() if row.sum() else row for row in C])
        w = np.zeros(self.n)
        for i in range(self.n):
            others = [j for j in range(self.n) if j != i]
            near = sorted(others, key=lambda j: (((self.X[i] - self.X[j]) ** 2).sum(), j))[:6]
            Z = self.Y[[i, *near]].max(axis=0)
            for j in range(self.q):
                spread = sum(
                    Z[k] * (C[k, j] if self.variant == "paper" else C[j, k]) for k in range(self.q)
                )
                w[i] += A[i, j] * v[j]
                w[i] += M[i, j] * (1 if self.variant == "paper" else v[j]) * spread
        return w

    def sampling(self, w, s):
        scaled = (w - w.min()) / (w.max() - w.min())
        ranks = [min(max(math.ceil(round((1 - x) * self.n, 9)), 1), self.n) for x in scaled]
        raw = np.array([math.exp(math.log(s) / self.n) ** -rank for rank in ranks])
        return raw / raw.sum()

    def probabilities(self, epoch):
        if self.variant == "paper":
            t, first = epoch + 1, self.warmup + 1
        else:
            t, first = epoch - 1, self.warmup
        progress = min(max((t - first) / (self.n_epochs - first), 0), 1)
        s = self.pressure * math.exp(math.log(1 / self.pressure) * progress)
        start, end = self.mix_epochs
        share = 0.7 + min(max((t - start) / (end - start), 0), 1) * (0.3 - 0.7)
        U = np.array([self.uncertainty(i) for i in range(self.n)])
        H = np.array([self.hardness(i) for i in range(self.n)])
        return share * self.sampling(self.weights(U), s) + (1 - share) * self.sampling(
            self.weights(H), s
        )


@pytest.fixture
def tensors():
    generator = torch.Generator().manual_seed(0)
    Y = (torch.rand(N, Q, generator=generator) < 0.35).double()
    Y[7], Y[:, 3] = 0, 0
    return torch.randn(N, 3, generator=generator, dtype=torch.float64), Y


@pytest.mark.parametrize("share_known", [1, 0.7], ids=["all known", "some hidden"])
@pytest.mark.parametrize("variant", ["paper", "reference"])
@pytest.mark.parametrize("n_seen", [N, N - 6], ids=["all visited", "some never visited"])
def test_probabilities_follow_the_paper_epoch_by_epoch(tensors, variant, n_seen, share_known):
    settings = {"pressure": 50.0, "mix_epochs": (4, 11)}
    known = torch.rand(N, Q, generator=torch.Generator().manual_seed(5)) < share_known
    if share_known < 1:
        known[4], known[:, 1] = False, False
    of_run = {"variant": variant, "n_epochs": N_EPOCHS, "warmup": 3, "known": known}
    slow = SlowD2ACE(*tensors, **of_run, **settings)
    selector = D2ACE(variant=variant, warmup_epochs=3, **settings)
    of_run = {"n_epochs": N_EPOCHS, "batch_size": 8, "random_state": 0}
    selector.start(*tensors, cell_weight=None if known.all() else known, **of_run)
    generator = torch.Generator().manual_seed(1)
    for epoch in range(N_EPOCHS):
        next(selector.batches(epoch))
        slow.end_epoch()
        if epoch >= 3:
            np.testing.assert_allclose(
                selector.probabilities_.numpy(), slow.probabilities(epoch), rtol=1e-5
            )
        # Some instances are visited more than once an epoch, some not at all.
        for _ in range(4):
            index = torch.randperm(n_seen, generator=generator)[:12]
            proba = torch.rand(12, Q, generator=generator)
            losses = -torch.rand(12, Q, generator=generator).log()
            selector.update(index, proba, losses)
            for i, p, loss in zip(index.tolist(), proba, losses, strict=True):
                slow.visit(i, p.double().numpy(), loss.double().numpy())


def test_uniform_until_something_was_seen(tensors):
    selector = D2ACE(warmup_epochs=0).start(*tensors, n_epochs=3, batch_size=8, random_state=0)
    next(selector.batches(0))
    torch.testing.assert_close(
        selector.probabilities_, torch.full((N,), 1 / N, dtype=torch.float64)
    )


def test_epoch_counts_from_one(tensors):
    """Ten epochs of warm-up are epochs 1-10; the pressure is whole at 11 and 1 at the last."""
    selector = D2ACE(pressure=30.0, warmup_epochs=10).start(
        *tensors, n_epochs=20, batch_size=8, random_state=0
    )
    ratios = {}
    for epoch in range(20):
        for index in selector.batches(epoch):
            proba = torch.rand(len(index), Q, generator=torch.Generator().manual_seed(epoch))
            selector.update(index, proba, -proba.log())
        if selector.probabilities_ is not None:
            p = selector.probabilities_
            ratios[epoch + 1] = (p.max() / p.min()).item()
    assert min(ratios) == 11
    assert ratios[11] > 8
    assert ratios[20] == pytest.approx(1)


def test_reference_warms_up_in_index_order(tensors):
    selector = D2ACE.reference().start(*tensors, n_epochs=70, batch_size=8, random_state=0)
    assert torch.cat(list(selector.batches(0))).tolist() == list(range(N))


def test_reference_survives_clone():
    from sklearn.base import clone

    params = clone(D2ACE.reference(n_neighbors=4)).get_params()
    assert (params["variant"], params["pressure"], params["mix_epochs"]) == (
        "reference",
        8,
        (10, 70),
    )
    assert params["n_neighbors"] == 4


@pytest.mark.parametrize(
    ("dtype", "limit"), [("float32", 36), ("float16", 24)], ids=["single", "half"]
)
def test_state_is_small(dtype, limit):
    """Bytes per (instance, label), the labels and neighbourhoods included."""
    n, q = 500, 30
    Y = (torch.rand(n, q, generator=torch.Generator().manual_seed(0)) < 0.2).float()
    selector = D2ACE(history_dtype=dtype)
    selector.start(torch.rand(n, 5), Y, n_epochs=3, batch_size=64, random_state=0)
    total = 0
    for value in vars(selector).values():
        if isinstance(value, torch.Tensor):
            sparse = value.layout is torch.sparse_csr
            parts = (
                (value.crow_indices(), value.col_indices(), value.values()) if sparse else (value,)
            )
            total += sum(part.nbytes for part in parts)
    assert total / (n * q) <= limit


@pytest.mark.parametrize("share_known", [1, 0.7], ids=["all known", "some hidden"])
@pytest.mark.parametrize(("q", "density"), [(300, 0.01), (300, 0.4)])
def test_sparse_labels_give_the_same_probabilities(q, density, share_known):
    generator = torch.Generator().manual_seed(0)
    n = 60
    Y = (torch.rand(n, q, generator=generator) < density).double()
    X = torch.randn(n, 3, generator=generator, dtype=torch.float64)
    known = torch.rand(n, q, generator=generator) < share_known
    of_run = {"variant": "paper", "n_epochs": 4, "warmup": 1, "known": known}
    slow = SlowD2ACE(X, Y, pressure=100.0, mix_epochs=(1, 3), **of_run)
    selector = D2ACE(warmup_epochs=1, mix_epochs=(1, 3))
    selector.start(X, Y, n_epochs=4, batch_size=60, random_state=0, cell_weight=known)
    assert (selector.relevant_.layout is torch.sparse_csr) == (density < 0.1)
    index = torch.arange(n)
    proba = torch.rand(n, q, generator=generator)
    next(selector.batches(0))
    selector.update(index, proba, -proba.log())
    next(selector.batches(1))
    for i in range(n):
        slow.visit(i, proba[i].double().numpy(), -proba[i].double().log().numpy())
    slow.end_epoch()
    Z = selector.local_.to_dense().double().numpy()
    slow.weights = lambda A: _fast_weights(A, slow.Y, Z, slow.known)
    np.testing.assert_allclose(selector.probabilities_.numpy(), slow.probabilities(1), rtol=1e-5)


def _fast_weights(A, Y, Z, known):
    mean, std = A.mean(0, where=known), A.std(0, where=known)
    v, A = np.exp((mean + std) / 2), np.where(known, A, 0)
    M = A * Y
    norms = np.linalg.norm(M, axis=0)
    unit = np.divide(M, norms, out=np.zeros_like(M), where=norms > 0)
    return A @ v + (M * (Z @ (unit.T @ unit))).sum(1)


def test_unbiased_weights_make_the_mean_that_of_all(tensors):
    """Lemma 2: the mean of 1 / (n P) times a loss estimates the plain mean of losses."""
    selector = D2ACE(warmup_epochs=1, unbiased=True, pressure=1000.0)
    selector.start(*tensors, n_epochs=5, batch_size=8, random_state=0)
    losses = torch.rand(N, Q, generator=torch.Generator().manual_seed(0)).square()
    for index in selector.batches(0):
        assert selector.loss_weights(index, tensors[1][index]) is None
    selector.update(torch.arange(N), torch.exp(-losses), losses)
    estimates, drawn = [], []
    for seed in range(400):
        selector.seed_ = seed
        for index in selector.batches(1):
            weights = selector.loss_weights(index, tensors[1][index])
            assert weights.shape == (len(index),)
            estimates.append((weights[:, None] * losses[index]).mean(1))
            drawn.append(index)
    estimates = torch.cat(estimates)
    error = estimates.std() / len(estimates) ** 0.5
    assert abs(estimates.mean() - losses.mean()) < 4 * error
    plain = torch.cat([losses[index].mean(1) for index in drawn])
    assert abs(plain.mean() - losses.mean()) > 4 * plain.std() / len(plain) ** 0.5


def test_of_copies_in_a_batch_the_last_counts(tensors):
    selector = D2ACE(unbiased=True).start(*tensors, n_epochs=5, batch_size=8, random_state=0)
    next(selector.batches(0))
    index = torch.tensor([3, 5, 3, 5, 3])
    proba = torch.arange(5.0)[:, None].expand(5, Q) / 10
    selector.update(index, proba, proba)
    assert selector.losses_[[3, 5], 0].tolist() == pytest.approx([0.4, 0.3])
    assert selector.history_[-1, [3, 5], 0].tolist() == pytest.approx([0.4, 0.3])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"window": 1}, "window"),
        ({"mix_epochs": (70, 30)}, "start <= end. Got .70, 30"),
        ({"mix_epochs": (30,)}, "mix_epochs"),
        ({"mix_epochs": (math.nan, math.nan)}, r"mix_epochs.* Got \(nan, nan\)"),
        ({"mix_epochs": (30, math.inf)}, r"mix_epochs.* Got \(30, inf\)"),
        ({"mix_epochs": ("a", "b")}, r"mix_epochs.* Got \('a', 'b'\)"),
        ({"mix_decay": "exponential", "mix_end": 0.0}, "positive mix_start and mix_end"),
        ({"pressure": 0.5}, "pressure"),
        ({"label_weight": "nonsense"}, "label_weight"),
        ({"n_neighbors": -1}, "n_neighbors"),
    ],
)
def test_impossible_parameters_are_refused(tensors, params, message):
    with pytest.raises(ValueError, match=message):
        D2ACE(**params).start(*tensors, n_epochs=3, batch_size=8)


def test_non_finite_losses_are_named(tensors):
    selector = D2ACE(warmup_epochs=1).start(*tensors, n_epochs=3, batch_size=40, random_state=0)
    index = next(selector.batches(0))
    proba = torch.full((40, Q), 0.5)
    selector.update(index, proba, torch.full((40, Q), torch.inf))
    with pytest.raises(ValueError, match="hardness weights of epoch 2 are not finite"):
        next(selector.batches(1))

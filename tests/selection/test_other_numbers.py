"""Selectors whose epochs hold fewer instances than there are, or some of them several times.

Their references are plain loops; what is drawn at random is held to its expected number, over many
epochs of which nothing but the epoch's own generator differs.
"""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors

from skd2ace.selection import (
    D2ACE,
    MLROS,
    HardImb,
    InfoBatch,
    OnlineBatch,
    RandomSubset,
    ReducibleLoss,
    RepeatFactor,
    SelectiveBackprop,
    functional,
)

N, Q, B, N_EPOCHS = 40, 3, 8, 1000


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    Y = (torch.rand(N, Q, generator=generator) < torch.tensor([0.5, 0.2, 0.1])).float()
    return torch.randn(N, 2, generator=generator), Y


@pytest.fixture
def losses():
    """One loss of each instance and label; some instances have the same mean."""
    losses = torch.rand(N, Q, generator=torch.Generator().manual_seed(1)) ** 3
    losses[7], losses[8] = losses[9], losses[9]
    return losses


def start(selector, data, losses=None, n_epochs=N_EPOCHS, known=None):
    selector.start(*data, n_epochs=n_epochs, batch_size=B, random_state=0, cell_weight=known)
    if losses is not None:
        selector.update(torch.arange(N), torch.exp(-losses), losses)
    return selector


def counts_of(selector, epochs):
    """How often each instance was served in each of the epochs: (epochs, n)."""
    counts = np.zeros((len(epochs), N), dtype=int)
    for row, epoch in zip(counts, epochs, strict=True):
        for index in selector.batches(epoch):
            np.add.at(row, index.numpy(), 1)
    return counts


def assert_chances(n_served, chances, n_epochs):
    """Numbers of independent epochs in which each was there: none improbably far off."""
    for found, chance in zip(n_served, chances, strict=True):
        assert stats.binomtest(int(found), n_epochs, chance).pvalue > 1e-6


# InfoBatch


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.9, 0.999])
def test_infobatch_leaves_out_of_the_easy_ones(data, losses, share):
    selector = start(InfoBatch(prune_share=share), data, losses)
    means = [sum(row) / Q for row in losses.tolist()]
    easy = [i for i in range(N) if means[i] < sum(means) / N]
    n_kept = max(int((1 - share) * len(easy) + 0.5), 1)
    counts = counts_of(selector, range(300))
    hard = sorted(set(range(N)) - set(easy))
    assert (counts[:, hard] == 1).all()
    assert counts.max() == 1
    assert (counts[:, easy].sum(1) == n_kept).all()
    assert_chances(counts[:, easy].sum(0), [n_kept / len(easy)] * len(easy), 300)


def test_infobatch_leaves_the_expected_gradient_as_it_is(data, losses):
    """Summed over an epoch, of any function of the instances."""
    selector = start(InfoBatch(), data, losses)
    values, sums = data[0][:, 0], []
    for epoch in range(400):
        batches = list(selector.batches(epoch))
        weighted = [selector.loss_weights(i, data[1][i]) * values[i] for i in batches]
        sums.append(torch.cat(weighted).sum().item())
    error = np.std(sums) / math.sqrt(len(sums))
    assert abs(np.mean(sums) - values.sum().item()) < 4 * error


def test_infobatch_weights(data, losses):
    selector = start(InfoBatch(prune_share=0.5), data, losses)
    easy = losses.mean(1) < losses.mean()
    index = torch.cat(list(selector.batches(0)))
    weights = selector.loss_weights(index, data[1][index])
    m = int(easy.sum())
    expected = torch.where(easy[index], m / math.floor(m / 2 + 0.5), 1.0)
    torch.testing.assert_close(weights, expected)
    assert weights.sum().item() == pytest.approx(N)


@pytest.mark.parametrize(("full", "n_full"), [(0.125, 2), (0.3, 4), (3, 3), (0, 0), (1.0, 12)])
def test_infobatch_ends_with_full_epochs(data, losses, full, n_full):
    selector = start(InfoBatch(full_epochs=full), data, n_epochs=12)
    sizes = []
    for epoch in range(12):
        index = torch.cat(list(selector.batches(epoch)))
        sizes.append(len(index))
        weights = selector.loss_weights(index, data[1][index])
        assert (weights is None) == (len(index) == N)
        selector.update(torch.arange(N), torch.exp(-losses), losses)
    # The first is full too: nothing is known of the losses.
    assert [size == N for size in sizes] == [
        epoch in (0, *range(12 - n_full, 12)) for epoch in range(12)
    ]


def test_infobatch_where_nothing_is_known(data, losses):
    known = torch.ones(N, Q)
    known[:5] = 0
    selector = start(InfoBatch(), data, losses, known=known)
    mean = losses[5:].mean()
    easy = torch.cat((torch.ones(5, dtype=torch.bool), losses[5:].mean(1) < mean))
    index = torch.cat(list(selector.batches(0)))
    assert set((~easy).nonzero()[:, 0].tolist()) <= set(index.tolist())
    assert len(index) == int((~easy).sum()) + math.floor(int(easy.sum()) / 2 + 0.5)


# Selective-Backprop


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_selective_backprop_goes_by_the_percentile(data, losses, share):
    selector = start(SelectiveBackprop(kept_share=share, warmup_epochs=0), data, losses)
    means = losses.mean(1).tolist()
    beta = 1 / share - 1
    chances = [(sum(other <= mean for other in means) / N) ** beta for mean in means]
    counts = counts_of(selector, range(400))
    assert counts.max() == 1
    assert_chances(counts.sum(0), chances, 400)
    assert counts[:, int(np.argmax(means))].all()
    # Of the ranks 1 / n, 2 / n, ...
    assert np.mean(chances) == pytest.approx(share, abs=0.06)


# RHO-LOSS


def slow_neighbor_frequencies(X, Y, known):
    near = NearestNeighbors(n_neighbors=10).fit(X).kneighbors(return_distance=False)
    proba = np.zeros((N, Q))
    for i in range(N):
        for j in range(Q):
            rows = [m for m in range(N) if known[m, j]]
            frequency = sum(Y[m, j] for m in rows) / len(rows)
            around = [Y[m, j] for m in near[i] if known[m, j]]
            proba[i, j] = (sum(around) + frequency) / (len(around) + 1)
    return proba


def slow_loss(proba, Y, known):
    """Mean over known labels; probabilities are never nearer to 0 and 1 than 1 / (2 n)."""
    losses = np.zeros(N)
    for i in range(N):
        terms = []
        for j in range(Q):
            p = min(max(proba[i, j], 1 / (2 * N)), 1 - 1 / (2 * N))
            if known[i, j]:
                terms.append(-math.log(p if Y[i, j] else 1 - p))
        losses[i] = np.mean(terms) if terms else 0
    return losses


def some_known():
    known = torch.rand(N, Q, generator=torch.Generator().manual_seed(3)) < 0.7
    known[4] = False
    return known


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_irreducible_losses_of_neighbors(data, hidden, sparse):
    X, Y = data
    known = some_known() if hidden else torch.ones(N, Q)
    selector = start(ReducibleLoss(), (X.to_sparse_csr() if sparse else X, Y), known=known)
    arrays = X.double().numpy(), Y.numpy(), known.numpy().astype(bool)
    expected = slow_loss(slow_neighbor_frequencies(*arrays), *arrays[1:])
    np.testing.assert_allclose(selector.irreducible_, expected, rtol=1e-5)


def test_irreducible_losses_of_an_estimator(data):
    X, Y = (tensor.numpy() for tensor in data)
    forest = RandomForestClassifier(20, random_state=0)
    selector = start(ReducibleLoss(forest, cv=4), data)
    folds = KFold(4, shuffle=True, random_state=selector.seed_ % 2**32)
    by_label = cross_val_predict(forest, X, Y.astype(int), cv=folds, method="predict_proba")
    expected = slow_loss(np.stack([p[:, 1] for p in by_label], axis=1), Y, np.ones((N, Q)))
    np.testing.assert_allclose(selector.irreducible_, expected, rtol=1e-5)


def test_irreducible_losses_with_unknown_labels(data):
    """Each label is fitted on the instances of which it is known."""
    X, Y = (tensor.numpy() for tensor in data)
    known = some_known().numpy()
    selector = start(ReducibleLoss(LogisticRegression(), cv=2), data, known=torch.tensor(known))
    proba = np.full((N, Q), 0.5)
    for j in range(Q):
        rows = np.flatnonzero(known[:, j])
        folds = KFold(2, shuffle=True, random_state=selector.seed_ % 2**32)
        for train, test in folds.split(rows):
            one = Y[rows[train], j]
            model = LogisticRegression().fit(X[rows[train]], one) if one.min() < one.max() else None
            proba[rows[test], j] = (
                one[0] if model is None else model.predict_proba(X[rows[test]])[:, 1]
            )
    np.testing.assert_allclose(selector.irreducible_, slow_loss(proba, Y, known), rtol=1e-5)


@pytest.mark.parametrize("n_labels", [1, Q])
def test_irreducible_losses_out_of_bag(data, n_labels):
    X, Y = data[0], data[1][:, :n_labels]
    forest = RandomForestClassifier(50, oob_score=True, random_state=0)
    selector = start(ReducibleLoss(forest, cv=None), (X, Y))
    fitted = RandomForestClassifier(50, oob_score=True, random_state=0)
    fitted.fit(X.numpy(), Y.numpy().astype(int) if n_labels > 1 else Y[:, 0].numpy().astype(int))
    proba = fitted.oob_decision_function_
    proba = proba[:, 1, :] if n_labels > 1 else proba[:, 1:]
    assert not np.isnan(proba).any()
    p = np.clip(proba, 1 / (2 * N), 1 - 1 / (2 * N))
    expected = -np.log(np.where(Y.numpy() == 1, p, 1 - p)).mean(1)
    np.testing.assert_allclose(selector.irreducible_, expected, rtol=1e-5)


def test_an_estimator_without_out_of_bag_predictions(data):
    with pytest.raises(ValueError, match=r"cv=None needs .*LogisticRegression has not"):
        start(ReducibleLoss(LogisticRegression(), cv=None), (data[0], data[1][:, :1]))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.3, 1.0])
def test_reducible_losses_are_served_from_the_top(data, losses, share):
    selector = start(ReducibleLoss(kept_share=share), data, losses)
    reducible = (losses.mean(1) - selector.irreducible_).tolist()
    n_candidates = min(math.ceil(round(B / share, 9)), N)
    for epoch in range(20):
        batches = [index.tolist() for index in selector.batches(epoch)]
        # The order is that of plain shuffling, by the same generator.
        plain = start(ReducibleLoss(warmup_epochs=N_EPOCHS // 2), data)
        candidates = torch.cat(list(plain.batches(epoch))).split(n_candidates)
        expected = []
        for few in candidates:
            n_served = min(max(math.ceil(round(share * len(few), 9)), 1), B)
            expected += sorted(few.tolist(), key=lambda i: -reducible[i])[:n_served]
        # Equal ones may come in any order.
        values = [round(reducible[i], 6) for batch in batches for i in batch]
        assert values == [round(reducible[i], 6) for i in expected]


def test_wrong_labels_are_passed_over():
    """Two clusters; of one instance in eleven the label is that of the other cluster."""
    n = 400
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(n) % 2 == 0
    X = torch.where(truth, 3.0, -3.0)[:, None] + torch.randn(n, 2, generator=generator)
    wrong = torch.arange(n) % 11 == 0
    Y = (truth ^ wrong).float()[:, None]
    selectors = {"reducible": ReducibleLoss(), "loss": OnlineBatch(warmup_epochs=0)}
    share_of_wrong = {}
    for name, selector in selectors.items():
        selector.start(X, Y, n_epochs=3, batch_size=20, random_state=0)
        # A network that is learning the clusters: the losses of wrong labels are high.
        proba = torch.where(truth, 0.7, 0.3)[:, None]
        losses = torch.nn.functional.binary_cross_entropy(proba, Y, reduction="none")
        selector.update(torch.arange(n), proba, losses)
        index = torch.cat(list(selector.batches(1)))
        share_of_wrong[name] = wrong[index].float().mean().item()
    assert share_of_wrong["loss"] > 0.11
    assert share_of_wrong["reducible"] < 0.05


# Over-sampling


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("threshold", [0.1, 0.4, 1.0])
def test_repeat_factors(data, threshold, hidden):
    known = some_known() if hidden else torch.ones(N, Q, dtype=torch.bool)
    selector = start(RepeatFactor(threshold=threshold), data, known=known)
    Y = data[1].tolist()
    expected = []
    for i in range(N):
        factor = 1.0
        for j in range(Q):
            rows = [m for m in range(N) if known[m, j]]
            share = sum(Y[m][j] for m in rows) / len(rows)
            if Y[i][j] and known[i, j]:
                factor = max(factor, math.sqrt(threshold / share))
        expected.append(factor)
    np.testing.assert_allclose(selector.factors_, expected)
    counts = counts_of(selector, range(300))
    for i, factor in enumerate(expected):
        whole = math.floor(factor)
        extra = counts[:, i] - whole
        assert set(extra) <= {0, 1}
        assert_chances([extra.sum()], [factor - whole], 300)


def slow_mlros(Y, n_copies, rng):
    """Algorithm 2, on a growing list of label sets."""
    rows = [(i, *labels) for i, labels in enumerate(Y)]

    def irlbl(j):
        totals = [sum(row[1 + k] for row in rows) for k in range(len(Y[0]))]
        return max(totals) / totals[j] if totals[j] else None

    ratios = [irlbl(j) for j in range(len(Y[0]))]
    mean_ir = np.mean([ratio for ratio in ratios if ratio is not None])
    bags = {
        j: [row for row in rows if row[1 + j]]
        for j, ratio in enumerate(ratios)
        if ratio is not None and ratio > mean_ir
    }
    while n_copies > 0 and bags:
        for j in list(bags):
            if n_copies == 0:
                break
            rows.append(bags[j][rng.choice(len(bags[j]))])
            n_copies -= 1
            if irlbl(j) <= mean_ir:
                del bags[j]
    copies = Counter(row[0] for row in rows)
    return [copies[i] for i in range(len(Y))]


@pytest.mark.parametrize("n_copies", [0, 1, 5, 20, 200])
@pytest.mark.parametrize("seed", range(5))
def test_mlros_follows_its_algorithm(n_copies, seed):
    generator = torch.Generator().manual_seed(seed)
    frequency = torch.tensor([0.7, 0.5, 0.2, 0.1, 0.05, 0.0])
    Y = (torch.rand(60, 6, generator=generator) < frequency).int()
    actual = functional.copy_minorities(Y, n_copies, np.random.default_rng(seed))
    expected = slow_mlros(Y.tolist(), n_copies, np.random.default_rng(seed))
    assert actual.tolist() == expected


def test_mlros_makes_its_copies_once(data):
    selector = start(MLROS(growth=0.25), data)
    counts = counts_of(selector, range(5))
    assert (counts == counts[0]).all()
    assert N < counts[0].sum() <= 1.25 * N
    assert start(MLROS(growth=0.25), data).copies_.tolist() == counts[0].tolist()


# Random subsets


def test_a_share_is_drawn_anew_each_epoch(data):
    counts = counts_of(start(RandomSubset(share=0.3), data), range(400))
    assert (counts.sum(1) == 12).all()
    assert counts.max() == 1
    assert_chances(counts.sum(0), [0.3] * N, 400)


@pytest.mark.parametrize(
    "like",
    [
        D2ACE(warmup_epochs=2),
        D2ACE(warmup_epochs=0, unbiased=True),
        HardImb(warmup_epochs=1),
        InfoBatch(full_epochs=1),
        SelectiveBackprop(warmup_epochs=1, kept_share=0.3),
        RepeatFactor(threshold=0.9),
    ],
    ids=str,
)
def test_a_selector_is_followed_in_all_but_the_choice(data, like):
    """Told the same, it serves the other's batches, each instance in the place of another."""
    selector = RandomSubset(like=like)
    start(selector, data, n_epochs=8)
    like.start(*data, n_epochs=8, batch_size=B, random_state=selector.seed_)
    runs = (selector, like)
    exchanges = []
    for epoch in range(8):
        served = [[] for _ in runs]
        for batches in zip(*(one.batches(epoch) for one in runs), strict=True):
            for part, index in zip(served, batches, strict=True):
                part += index.tolist()
            for one in runs:
                proba = torch.rand(B, Q, generator=torch.Generator().manual_seed(epoch))
                index = torch.arange(B) + epoch
                one.update(index, proba, -proba.log(), learning_rate=0.1)
        mine, its = served
        exchange = dict(zip(its, mine, strict=True))
        assert [exchange[i] for i in its] == mine
        assert len(set(exchange.values())) == len(exchange)
        exchanges.append(tuple(sorted(exchange.items())))
        index = torch.tensor(mine[:2])
        assert selector.loss_weights(index, data[1][index]) is None
    assert len(set(exchanges)) == 8


def test_the_selector_that_was_given_stays_as_it_was(data):
    like = OnlineBatch()
    start(RandomSubset(like=like), data, n_epochs=5)
    assert not hasattr(like, "seed_")

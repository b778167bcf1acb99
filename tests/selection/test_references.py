"""Every sampling method against a slow reference that follows its equations in plain loops.

Where cells are not known, the sums of an equation run over those that are, and an empty one is 0.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from skd2ace import selection
from skd2ace.selection import (
    DIHCL,
    ActiveBias,
    GradientNorm,
    HardImb,
    MLUnc,
    OnlineBatch,
    RecencyBias,
    functional,
)

N, N_EPOCHS, WARMUP = 30, 9, 2
LEARNING_RATES = (0.5, 0.01, 0.02, 0.1)


class Slow:
    """Per instance a list of all that was said about it, and a running number of steps."""

    def __init__(self, X, Y, known, pressure=50.0):
        self.X, self.Y = X.tolist(), Y.int().tolist()
        self.n, self.q = Y.shape
        # Of each instance the labels that are known, and of each label the instances.
        self.labels = [[j for j in range(self.q) if known[i, j]] for i in range(self.n)]
        self.instances = [[i for i in range(self.n) if known[i, j]] for j in range(self.q)]
        self.pressure = pressure
        self.visits = [[] for _ in range(self.n)]  # (epoch, step, probabilities, losses)
        self.rates = []

    def visit(self, i, epoch, proba, losses):
        self.visits[i].append((epoch, len(self.rates), proba, losses))

    def pressure_at(self, epoch):
        first, last = WARMUP + 1, N_EPOCHS
        passed = (epoch + 1 - first) / (last - first)
        return self.pressure * math.exp(math.log(1 / self.pressure)) ** passed

    def latest_loss(self, i):
        losses = self.visits[i][-1][3] if self.visits[i] else [math.log(2)] * self.q
        return self.mean(losses[j] for j in self.labels[i])

    def mean(self, values):
        values = list(values)
        return sum(values) / len(values) if values else 0

    def quantised(self, weights, epoch):
        low, high = min(weights), max(weights)
        scaled = [(w - low) / (high - low) if high > low else 1 for w in weights]
        ranks = [min(max(math.ceil(round((1 - w) * self.n, 7)), 1), self.n) for w in scaled]
        return self.normalised([self.pressure_at(epoch) ** (-rank / self.n) for rank in ranks])

    def normalised(self, values):
        return [value / sum(values) for value in values]

    def probabilities(self, epoch):
        return self.quantised([self.weight(i) for i in range(self.n)], epoch)


class SlowActiveBias(Slow):
    def weight(self, i):
        total, m = 0, len(self.visits[i])
        for j in self.labels[i]:
            of_truth = [p[j] if self.Y[i][j] else 1 - p[j] for _, _, p, _ in self.visits[i]]
            if m > 1:
                mean = sum(of_truth) / m
                var = sum((p - mean) ** 2 for p in of_truth) / m
                total += math.sqrt(var + var**2 / (m - 1))
        return total


class SlowRecencyBias(Slow):
    def weight(self, i):
        recent = self.visits[i][-5:]
        total = 0
        for j in self.labels[i]:
            for label in (0, 1):
                n_times = sum((p[j] >= 0.5) == label for _, _, p, _ in recent)
                if n_times:
                    total -= n_times / len(recent) * math.log2(n_times / len(recent))
        return total


class SlowDIHCL(Slow):
    def share_of(self, visit):
        """What feedback is divided by."""
        return 1

    def answer(self, i, visit):
        _, _, proba, losses = visit
        if self.feedback == "dloss":
            return [losses[j] for j in self.labels[i]]
        return [(proba[j] >= 0.5) == bool(self.Y[i][j]) for j in self.labels[i]]

    def hardness(self, i):
        r = 1
        for before, now in pairwise(self.visits[i]):
            rates = sum(self.rates[before[1] : now[1]])
            pairs = list(zip(self.answer(i, before), self.answer(i, now), strict=True))
            if self.feedback == "dloss":
                change = min(abs(self.mean(b - a for a, b in pairs)), 10)
            else:
                change = self.mean(a != b for a, b in pairs)
            r = 0.95 * change / rates / self.share_of(now) + 0.05 * r
        return r

    def probabilities(self, epoch):
        temperature = max(20 * 0.8 ** ((epoch - WARMUP) // 3), 1)
        r = [self.hardness(i) for i in range(self.n)]
        exponents = [temperature * x / (sum(r) / self.n) for x in r]
        return self.normalised([math.exp(x - max(exponents)) for x in exponents])


class SlowExp3(SlowDIHCL):
    """Literally a / p and exp(sqrt(2 ln n / n) s), on a hardness that is scaled to s."""

    def __init__(self, *args):
        super().__init__(*args)
        self.drawn_with = {}

    def share_of(self, visit):
        i_and_step = visit[4]
        return self.n * self.drawn_with[i_and_step]

    def visit(self, i, epoch, proba, losses):
        step = (i, len(self.rates))
        # Within the warm-up all are drawn alike.
        self.drawn_with[step] = self.latest[i] if epoch >= WARMUP else 1 / self.n
        self.visits[i].append((epoch, len(self.rates), proba, losses, step))

    def answer(self, i, visit):
        return super().answer(i, visit[:4])

    def probabilities(self, epoch):
        r = [self.hardness(i) for i in range(self.n)]
        scaled = [math.sqrt(self.n) * x / (x + sum(r) / self.n) for x in r]
        rate = math.sqrt(2 * math.log(self.n) / self.n)
        self.latest = self.normalised([math.exp(rate * s) for s in scaled])
        return self.latest


class SlowOnlineBatch(Slow):
    def probabilities(self, epoch):
        losses = [self.latest_loss(i) for i in range(self.n)]
        # The rank of equal losses is the mean of the places they fill.
        below = [sum(other < loss for other in losses) for loss in losses]
        ranks = [b + (losses.count(loss) + 1) / 2 for b, loss in zip(below, losses, strict=True)]
        base = math.exp(math.log(self.pressure_at(epoch)) / self.n)
        return self.normalised([base**rank for rank in ranks])


class SlowHardImb(Slow):
    fixed = False

    def near(self, i):
        others = [m for m in range(self.n) if m != i]
        return sorted(others, key=lambda m: (math.dist(self.X[i], self.X[m]), m))[:5]

    def imbalance_weights(self):
        counts = [sum(self.Y[i][j] for i in self.instances[j]) for j in range(self.q)]
        ratios = {j: max(counts) / counts[j] for j in range(self.q) if counts[j]}
        mean_ratio = self.mean(ratios.values())
        w = [1.0] * self.n
        for j, ratio in ratios.items():
            if ratio > mean_ratio:
                B = [0.0] * self.n
                for i in self.instances[j]:
                    near = [m for m in self.near(i) if m in self.instances[j]]
                    B[i] = self.mean(self.Y[m][j] == 0 for m in near) if self.Y[i][j] else 0
                inliers = sum(b for b in B if b < 1)
                for i, b in enumerate(B):
                    w[i] += b / inliers if b < 1 and inliers else 0
        return w

    def probabilities(self, epoch):
        pairs = zip(self.imbalance_weights(), range(self.n), strict=True)
        weighted = [w * self.latest_loss(i) for w, i in pairs]
        step = max(weighted) / self.n
        quanta = [math.ceil(round(loss / step, 7)) for loss in weighted]
        pressure = self.pressure if self.fixed else self.pressure_at(epoch)
        base = math.exp(math.log(pressure) / self.n)
        return self.normalised([base**quantum for quantum in quanta])


class SlowMLUnc(Slow):
    def per_epoch(self, i):
        """Of an epoch's visits the last one counts."""
        latest = {epoch: proba for epoch, _, proba, _ in self.visits[i]}
        return [latest[epoch] for epoch in sorted(latest)][-5:] or [[0.5] * self.q]

    def columns(self):
        """Labels of which something is known, and the instances."""
        return [(j, rows) for j, rows in enumerate(self.instances) if rows]

    def uncertainty(self, i, j):
        p = [proba[j] for proba in self.per_epoch(i)]
        entropy = -sum(x * math.log2(x) for x in (p[-1], 1 - p[-1]) if x > 0)
        changes = [abs(b - a) for a, b in pairwise(p)]
        return 0.5 * entropy + 0.5 * (sum(changes) / len(changes) if changes else 0)

    def probabilities(self, epoch):
        U = np.array([[self.uncertainty(i, j) for j in range(self.q)] for i in range(self.n)])
        ends = {j: (U[rows, j].min(), U[rows, j].max()) for j, rows in self.columns()}
        C = np.zeros((self.q, self.q))
        for j, of_j in self.columns():
            for k, of_k in self.columns():
                both = [i for i in of_j if i in of_k]
                if not both:
                    continue
                u, v, bounds = U[both, j], U[both, k], [ends[j], ends[k]]
                joint = np.histogram2d(u, v, bins=10, range=bounds)[0] / len(both)
                for a, b in zip(*joint.nonzero(), strict=True):
                    independent = joint[a].sum() * joint[:, b].sum()
                    C[j, k] += joint[a, b] * math.log(joint[a, b] / independent)
        weights = [sum(U[i, j] * sum(C[j]) for j in self.labels[i]) for i in range(self.n)]
        return self.quantised(weights, epoch)


class SlowFlip(SlowDIHCL):
    feedback = "flip"


class SlowLossChange(SlowDIHCL):
    feedback = "dloss"


class SlowExp3Flip(SlowExp3):
    feedback = "flip"


class SlowExp3LossChange(SlowExp3):
    feedback = "dloss"


class SlowGradientNorm(Slow):
    def norm(self, i):
        proba = self.visits[i][-1][2] if self.visits[i] else [0.5] * self.q
        return math.sqrt(sum((proba[j] - self.Y[i][j]) ** 2 for j in self.labels[i]))

    def probabilities(self, epoch):
        norms = [self.norm(i) for i in range(self.n)]
        return [0.8 * norm / sum(norms) + 0.2 / self.n for norm in norms]


class SlowFixed(SlowHardImb):
    fixed = True


COMMON = {"warmup_epochs": WARMUP}
PRESSED = {**COMMON, "pressure": 50.0}
CASES = {
    "ActiveBias": (ActiveBias(**PRESSED), SlowActiveBias),
    "RecencyBias": (RecencyBias(**PRESSED), SlowRecencyBias),
    "DIHCL-dloss": (DIHCL(**COMMON), SlowExp3LossChange),
    "DIHCL-flip": (DIHCL(feedback="flip", **COMMON), SlowExp3Flip),
    "DIHCL-published-dloss": (DIHCL(episode=3, sampling="softmax", **COMMON), SlowLossChange),
    "DIHCL-published-flip": (
        DIHCL(episode=3, sampling="softmax", feedback="flip", **COMMON),
        SlowFlip,
    ),
    "OnlineBatch": (OnlineBatch(**PRESSED), SlowOnlineBatch),
    "GradientNorm": (GradientNorm(uniform_share=0.2, **COMMON), SlowGradientNorm),
    "HardImb-batch": (HardImb(**PRESSED), SlowHardImb),
    "HardImb-epoch": (HardImb(recompute="epoch", **PRESSED), SlowHardImb),
    "HardImb-fixed": (HardImb(pressure_decay=False, **PRESSED), SlowFixed),
    "MLUnc": (MLUnc(**PRESSED), SlowMLUnc),
}


def test_every_method_that_scores_instances_has_a_reference():
    """D2ACE has its own, in test_d2ace.py, others in test_other_numbers.py; two shuffle."""
    public = {getattr(selection, name) for name in selection.__all__ if name[0].isupper()}
    without = {
        selection.BatchSelector,
        selection.SelectedBatchSampler,
        selection.D2ACE,
        selection.RandomBatches,
        selection.Balance,
    }
    without |= {selection.InfoBatch, selection.SelectiveBackprop, selection.ReducibleLoss}
    without |= {selection.RepeatFactor, selection.MLROS, selection.RandomSubset}
    missing = public - without - {type(selector) for selector, _ in CASES.values()}
    assert not missing, f"CASES lacks {sorted(cls.__name__ for cls in missing)}"


def draw_known(q, seed, share):
    """Which cells are known: of an instance none, and with several labels none of one of them."""
    generator = torch.Generator().manual_seed(100 + seed)
    known = torch.rand(N, q, generator=generator) < share
    if share < 1:
        known[4] = False
        if q > 1:
            known[:, 1] = False
    return known


def draw_data(q, seed):
    """Frequent labels and rare ones; with several, one without positives, one on every instance.

    The six instances with label 3 lie near each other, but for the first.
    """
    generator = torch.Generator().manual_seed(seed)
    frequency = torch.tensor([0.5, 0.4, 0.25, 0.2, 0.0, 1.0])[:q]
    Y = (torch.rand(N, q, generator=generator) < frequency).double()
    Y[7] = 0
    X = torch.randn(N, 2, generator=generator, dtype=torch.float64)
    if q > 3:
        Y[:, 3] = torch.arange(N) < 6
        X[1:6] = 0.8 * X[1:6] + 1.2
        X[0] = -6
    return X, Y, generator


@pytest.mark.parametrize("share_known", [1, 0.7], ids=["all known", "some hidden"])
@pytest.mark.parametrize("n_seen", [N, N - 5], ids=["all visited", "some never visited"])
@pytest.mark.parametrize(("q", "seed"), [(6, 0), (6, 1), (6, 2), (1, 0), (1, 1)])
@pytest.mark.parametrize("case", CASES)
def test_probabilities_follow_the_equations(case, q, seed, n_seen, share_known):
    selector, slow_class = CASES[case]
    X, Y, generator = draw_data(q, seed)
    known = draw_known(q, seed, share_known)
    slow = slow_class(X, Y, known)
    settings = {"n_epochs": N_EPOCHS, "batch_size": 8, "random_state": 0}
    selector.start(X, Y, cell_weight=None if known.all() else known, **settings)
    compared = 0
    for epoch in range(N_EPOCHS):
        at_start = slow.probabilities(epoch) if epoch >= WARMUP else None
        for step, _ in enumerate(selector.batches(epoch)):
            if epoch >= WARMUP:
                anew = getattr(selector, "recompute", None) == "batch"
                expected = slow.probabilities(epoch) if anew else at_start
                actual = selector.probabilities_
                np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-12)
                compared += 1
            # What is visited is not what was served: some twice an epoch, some not at all.
            index = torch.randperm(n_seen, generator=generator)[:7]
            proba = torch.rand(7, q, generator=generator)
            losses = -3 * torch.rand(7, q, generator=generator).log()
            rate = LEARNING_RATES[step]
            selector.update(index, proba, losses, learning_rate=rate)
            for i, p, loss in zip(index.tolist(), proba.tolist(), losses.tolist(), strict=True):
                slow.visit(i, epoch, p, loss)
            slow.rates.append(rate)
    assert compared == 4 * (N_EPOCHS - WARMUP)


@pytest.mark.parametrize("share_known", [1, 0.7], ids=["all known", "some hidden"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_local_imbalance_follows_the_equations(seed, share_known):
    """Minority labels with inliers of different weight and with outliers occur in these data."""
    X, Y, _ = draw_data(6, seed)
    known = draw_known(6, seed, share_known)
    slow = SlowHardImb(X, Y, known)
    expected = slow.imbalance_weights()
    outliers = [i for i in range(6) if all(not slow.Y[m][3] for m in slow.near(i))]
    assert 0 in outliers
    if share_known == 1:
        assert len({round(w, 6) for w in expected}) > 3
    local = functional.local_imbalance(X, Y, known=known)
    actual = functional.imbalance_weights(local, Y, known)
    np.testing.assert_allclose(actual, expected, rtol=1e-6)

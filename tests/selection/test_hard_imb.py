"""Hard-Imb's chain against its law, counted out; and what its parameters refuse."""

from itertools import permutations

import numpy as np
import pytest
import torch
from scipy import stats

from skd2ace.selection import HardImb

# Labels 0 and 1 come together, 2 comes with 0 once, 3 never with another; the last instance has
# none. Card = 8 / 7, so that two labels are close to each.
Y = torch.tensor(
    [
        [1, 1, 0, 0],
        [1, 0, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 1],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]
).float()
FIXED = {"warmup_epochs": 0, "pressure": 30.0, "pressure_decay": False}


def chain_law(p, Y, size):
    """Probability of each ordered batch, straight from section 3.5 of the paper."""
    n, q = Y.shape
    counts = Y.sum(0)
    A = np.array(
        [
            [
                0 if j == k else (Y[:, j] @ Y[:, k]) * (1 / counts[j] + 1 / counts[k]) / 2
                for k in range(q)
            ]
            for j in range(q)
        ]
    )
    cardinality = int(np.ceil(Y.sum() / n))
    law = {}
    for batch in permutations(range(n), size):
        probability = p[batch[0]]
        for place in range(1, size):
            left = [i for i in range(n) if i not in batch[:place]]
            seed = Y[batch[place - 1]]
            if seed.any():
                rarest = min(np.flatnonzero(seed), key=lambda j: (counts[j], j))
                close = sorted(range(q), key=lambda j: (-A[rarest, j], j))[:cardinality]
                left = [i for i in left if Y[i, close].any()] or left
            drawn = batch[place]
            probability *= p[drawn] / p[left].sum() if drawn in left else 0
        law[batch] = probability
    return law


@pytest.mark.parametrize("recompute", ["batch", "epoch"])
def test_chain_follows_its_law(recompute):
    selector = HardImb(chain=True, recompute=recompute, **FIXED)
    selector.start(torch.zeros(7, 2), Y, n_epochs=3000, batch_size=3, random_state=0)
    losses = torch.arange(1.0, 8.0)[:, None].expand(7, 4)
    selector.update(torch.arange(7), torch.exp(-losses), losses)
    drawn = []
    for epoch in range(3000):
        batches = list(selector.batches(epoch))
        assert [len(batch) for batch in batches] == [3, 3, 1]
        drawn += [tuple(batch.tolist()) for batch in batches[:2]]
    law = chain_law(selector.probabilities_.numpy(), Y.numpy(), 3)
    assert sum(law.values()) == pytest.approx(1)
    assert all(law[batch] > 0 for batch in drawn)
    likely = [batch for batch, probability in law.items() if probability * len(drawn) > 5]
    counts = [drawn.count(batch) for batch in likely]
    expected = [law[batch] * len(drawn) for batch in likely]
    counts.append(len(drawn) - sum(counts))
    expected.append(len(drawn) - sum(expected))
    assert stats.chisquare(counts, expected).pvalue > 1e-3


def test_a_chain_without_followers_goes_on_among_all():
    """Every label is alone: whoever follows must carry another, until nobody does."""
    alone = torch.eye(5)
    selector = HardImb(chain=True, warmup_epochs=0)
    selector.start(torch.zeros(5, 2), alone, n_epochs=3, batch_size=5, random_state=0)
    assert next(selector.batches(0)).sort().values.tolist() == [0, 1, 2, 3, 4]


def test_chain_cannot_be_unbiased():
    with pytest.raises(ValueError, match="unbiased must be False"):
        HardImb(chain=True, unbiased=True).start(Y, Y, n_epochs=3, batch_size=3)


def test_unbiased_weights_are_those_of_the_batch():
    selector = HardImb(unbiased=True, warmup_epochs=0)
    selector.start(Y, Y, n_epochs=5, batch_size=3, random_state=0)
    for index in selector.batches(0):
        weights = selector.loss_weights(index, Y[index])
        expected = 1 / (7 * selector.probabilities_[index])
        torch.testing.assert_close(weights, expected.float())
        losses = index[:, None].expand(-1, 4).float()
        selector.update(index, torch.exp(-losses), losses)


def test_drawing_anew_each_batch_has_the_right_frequencies():
    """The race that draws one batch, at batch size one."""
    selector = HardImb(**FIXED)
    selector.start(torch.zeros(7, 2), Y, n_epochs=2, batch_size=1, random_state=0)
    losses = torch.arange(1.0, 8.0)[:, None].expand(7, 4)
    selector.update(torch.arange(7), torch.exp(-losses), losses)
    drawn = torch.cat([index for epoch in range(2000) for index in selector.batches(epoch)])
    expected = selector.probabilities_ * len(drawn)
    assert stats.chisquare(drawn.bincount(minlength=7), expected).pvalue > 1e-3

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


def chain_law(p, Y, known, size):
    """Probability of each ordered batch, straight from section 3.5 of the paper."""
    n, q = Y.shape
    Y = Y * known
    counts = Y.sum(0)

    def conditional(k, j):
        """Share of label k among the instances that carry label j, where k is known."""
        carriers = [i for i in range(n) if Y[i, j] and known[i, k]]
        return np.mean(Y[carriers, k]) if carriers else 0

    A = np.array(
        [
            [0 if j == k else (conditional(k, j) + conditional(j, k)) / 2 for k in range(q)]
            for j in range(q)
        ]
    )
    cardinality = int(np.ceil(sum(Y[known[:, j], j].mean() for j in range(q)) - 1e-9))
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


# Of the two instances with labels 0 and 1 one hides label 1, of those with label 3 one is hidden.
HIDDEN = torch.ones(7, 4, dtype=torch.bool)
HIDDEN[0, 1], HIDDEN[4], HIDDEN[5:, 2] = False, False, False


@pytest.mark.parametrize("known", [torch.ones(7, 4, dtype=torch.bool), HIDDEN], ids=["all", "some"])
@pytest.mark.parametrize("recompute", ["batch", "epoch"])
def test_chain_follows_its_law(recompute, known):
    selector = HardImb(chain=True, recompute=recompute, **FIXED)
    settings = {"n_epochs": 1500, "batch_size": 3, "random_state": 0}
    selector.start(torch.zeros(7, 2), Y, cell_weight=known, **settings)
    losses = torch.arange(1.0, 8.0)[:, None].expand(7, 4)
    selector.update(torch.arange(7), torch.exp(-losses), losses)
    drawn = []
    for epoch in range(1500):
        batches = list(selector.batches(epoch))
        assert [len(batch) for batch in batches] == [3, 3, 1]
        drawn += [tuple(batch.tolist()) for batch in batches[:2]]
    law = chain_law(selector.probabilities_.numpy(), Y.numpy(), known.numpy(), 3)
    assert sum(law.values()) == pytest.approx(1)
    assert all(law[batch] > 0 for batch in drawn)
    likely = [batch for batch, probability in law.items() if probability * len(drawn) > 5]
    counts = [drawn.count(batch) for batch in likely]
    expected = [law[batch] * len(drawn) for batch in likely]
    counts.append(len(drawn) - sum(counts))
    expected.append(len(drawn) - sum(expected))
    assert stats.chisquare(counts, expected).pvalue > 1e-3


@pytest.mark.filterwarnings("ignore:HardImb has served")
def test_a_chain_without_followers_goes_on_among_all():
    """No labels come together: label 0 fills in as the closest, and only instance 0 has it."""
    alone = torch.eye(5)
    selector = HardImb(chain=True, **FIXED)
    selector.start(torch.zeros(5, 2), alone, n_epochs=30, batch_size=5, random_state=0)
    seconds = set()
    for epoch in range(30):
        batch = next(selector.batches(epoch)).tolist()
        assert sorted(batch) == [0, 1, 2, 3, 4]
        assert 0 in batch[:2]
        seconds.add(batch[1])
    assert len(seconds) > 2


@pytest.mark.parametrize(("recompute", "changes"), [("batch", True), ("epoch", False)])
@pytest.mark.parametrize("chain", [True, False])
def test_probabilities_are_made_anew_when_asked(chain, recompute, changes):
    selector = HardImb(chain=chain, recompute=recompute, **FIXED)
    selector.start(torch.zeros(7, 2), Y, n_epochs=5, batch_size=3, random_state=0)
    selector.update(torch.arange(7), Y, torch.ones(7, 4))
    served = []
    for index in selector.batches(0):
        served.append(selector.probabilities_)
        losses = (1.0 + index)[:, None].expand(-1, 4)
        selector.update(index, torch.exp(-losses), losses)
    assert (not torch.equal(served[0], served[1])) == changes
    next(selector.batches(1))
    assert not torch.equal(served[0], selector.probabilities_)


def test_uniform_within_an_epoch_until_something_was_seen():
    selector = HardImb(**FIXED).start(torch.randn(7, 2), Y, n_epochs=5, batch_size=3)
    for _ in selector.batches(0):
        assert (selector.probabilities_ == 1 / 7).all()


def test_a_chain_names_itself_where_losses_are_not_finite():
    selector = HardImb(chain=True, **FIXED).start(torch.zeros(7, 2), Y, n_epochs=5, batch_size=3)
    batches = selector.batches(0)
    index = next(batches)
    selector.update(index, Y[index], torch.full((3, 4), torch.inf))
    with pytest.raises(ValueError, match="HardImb: the sampling probabilities of epoch 1"):
        next(batches)


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


@pytest.mark.parametrize("recompute", ["batch", "epoch"])
@pytest.mark.parametrize(("unbiased", "batch_size"), [(False, 1), (True, 1), (True, 3)])
def test_frequencies_are_the_probabilities(recompute, unbiased, batch_size):
    """At batch size one, and with replacement at any."""
    selector = HardImb(recompute=recompute, unbiased=unbiased, **FIXED)
    selector.start(torch.zeros(7, 2), Y, n_epochs=2, batch_size=batch_size, random_state=0)
    losses = torch.arange(1.0, 8.0)[:, None].expand(7, 4)
    selector.update(torch.arange(7), torch.exp(-losses), losses)
    batches = [index for epoch in range(1000) for index in selector.batches(epoch)]
    drawn = torch.cat(batches)
    expected = selector.probabilities_ * len(drawn)
    assert stats.chisquare(drawn.bincount(minlength=7), expected).pvalue > 1e-3
    repeats = any(len(index.unique()) < len(index) for index in batches)
    assert repeats == (batch_size > 1)

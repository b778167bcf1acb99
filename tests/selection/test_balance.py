"""Masses of positives and negatives under Balance."""

import numpy as np
import pytest
import torch
from scipy import stats

from skd2ace import MultiLabelNetClassifier
from skd2ace.selection import Balance

B = 32


# A label on few, half, and most instances of a batch, on none, and on all.
Y = torch.stack([torch.arange(B) < count for count in (3, 16, 27, 0, B)], dim=1).float()


@pytest.fixture
def weigh():
    def weigh(target):
        selector = Balance(target).start(Y, Y, n_epochs=2, batch_size=B, random_state=0)
        next(selector.batches(0))
        return selector.loss_weights(torch.arange(B), Y)

    return weigh


@pytest.mark.parametrize("target", [0.5, 0.2, 0.9, 0.333])
def test_each_side_has_its_share_of_the_mass(weigh, target):
    weights = weigh(target)
    assert weights.shape == Y.shape
    positive, negative = (weights * Y).sum(0), (weights * (1 - Y)).sum(0)
    for label in (0, 1, 2):
        assert positive[label].item() == pytest.approx(target * B, abs=0.5001)
        assert negative[label].item() == pytest.approx((1 - target) * B, abs=0.5001)
    assert (positive[3], negative[3]) == (0, round((1 - target) * B))
    assert (positive[4], negative[4]) == (round(target * B), 0)


def test_weights_written_out(weigh):
    weights = weigh(0.25)
    # 3 of 32 positive, 8 wanted: 24 of 29 negatives stay, positives count 0.25 / (3 / 32).
    assert weights[:3, 0].tolist() == pytest.approx([0.25 * 32 / 3] * 3)
    assert weights[3:, 0].sort().values.tolist() == [0] * 5 + [1] * 24
    # 16 positive, 8 wanted: 8 of them stay, negatives count 0.75 / 0.5.
    assert weights[:16, 1].sort().values.tolist() == [0] * 8 + [1] * 8
    assert weights[16:, 1].tolist() == pytest.approx([1.5] * 16)


def test_a_balanced_label_is_left_alone(weigh):
    assert (weigh(0.5)[:, 1] == 1).all()


def test_all_entries_are_equally_likely_to_stay():
    selector = Balance().start(Y, Y, n_epochs=2, batch_size=B, random_state=0)
    next(selector.batches(0))
    kept = sum(selector.loss_weights(torch.arange(B), Y)[3:, 0] for _ in range(2000))
    assert kept.sum() == 2000 * 16
    # Drawn without replacement, the counts vary less than a multinomial's would.
    share = 16 / 29
    statistic = ((kept - 2000 * share) ** 2).sum() / (2000 * share * (1 - share)) * 28 / 29
    assert 1e-3 < stats.chi2.sf(statistic, 28) < 1 - 1e-3


def test_weights_repeat_with_the_seed_and_begin_after_the_warm_up():
    runs = []
    for seed in (0, 0, 1):
        selector = Balance(warmup_epochs=1)
        selector.start(Y, Y, n_epochs=3, batch_size=8, random_state=seed)
        for index in selector.batches(0):
            assert selector.loss_weights(index, Y[index]) is None
        batches = list(selector.batches(1))
        assert torch.equal(torch.cat(batches).sort().values, torch.arange(B))
        runs.append(torch.cat([selector.loss_weights(index, Y[index]) for index in batches]))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_the_loss_of_an_estimator_is_weighted(mlp):
    """A rare label nobody can predict from the features: balanced, its probability is a half."""
    X = np.zeros((400, 2), dtype=np.float32)
    Y = (np.arange(400)[:, None] % 10 == 0).astype(int)
    Y = np.hstack([Y, 1 - Y])
    means = {}
    for selector in (None, Balance()):
        est = MultiLabelNetClassifier(
            mlp,
            batch_selector=selector,
            lr=0.5,
            max_epochs=150,
            batch_size=400,
            train_split=None,
            verbose=0,
            random_state=0,
        )
        means[selector is None] = est.fit(X, Y).predict_proba(X[:1])[0]
    np.testing.assert_allclose(means[True], [0.1, 0.9], atol=0.02)
    np.testing.assert_allclose(means[False], [0.5, 0.5], atol=0.02)


@pytest.mark.parametrize("share_known", [1, 0.6, 0.2])
@pytest.mark.parametrize("target", [0.5, 0.3, 0.85])
@pytest.mark.parametrize(("b", "q"), [(1, 3), (7, 1), (32, 6), (45, 6)])
def test_every_batch_follows_the_rule(b, q, target, share_known):
    """The rule in loops, over known entries; which of them are kept is left to chance."""
    generator = torch.Generator().manual_seed(b)
    labels = (torch.rand(20 * b, q, generator=generator) < torch.rand(q, generator=generator)).int()
    known = torch.rand(labels.shape, generator=generator) < share_known
    selector = Balance(target)
    settings = {"n_epochs": 2, "batch_size": b, "random_state": 0}
    selector.start(labels, labels, cell_weight=known, **settings)
    for index in selector.batches(0):
        weights = selector.loss_weights(index, labels[index]).tolist()
        truth = labels[index].tolist()
        for j in range(q):
            there = known[index, j].nonzero()[:, 0].tolist()
            assert all(weights[i][j] == 0 for i in range(b) if i not in there)
            column = {side: [i for i in there if truth[i][j] == side] for side in (0, 1)}
            excess = int(len(column[1]) > target * len(there))
            of_side = target if excess else 1 - target
            kept = [weights[i][j] for i in column[excess]]
            n_kept = min(round(of_side * len(there)), len(kept))
            assert sorted(kept) == [0.0] * (len(kept) - n_kept) + [1.0] * n_kept
            for i in column[1 - excess]:
                share_of_other = len(column[1 - excess]) / len(there)
                assert weights[i][j] == pytest.approx((1 - of_side) / share_of_other)


def test_weights_need_a_batch_being_served():
    selector = Balance().start(Y, Y, n_epochs=2, batch_size=8, random_state=0)
    with pytest.raises(RuntimeError, match=r"call batches\(\) first"):
        selector.loss_weights(torch.arange(8), Y[:8])
    next(selector.batches(0))
    assert selector.loss_weights(torch.arange(8), Y[:8]) is not None
    # Those of an earlier run are none of this one.
    for warmup_epochs in (0, 1):
        selector.set_params(warmup_epochs=warmup_epochs)
        selector.start(Y, Y, n_epochs=2, batch_size=8, random_state=0)
        with pytest.raises(RuntimeError, match=r"call batches\(\) first"):
            selector.loss_weights(torch.arange(8), Y[:8])


@pytest.mark.parametrize("target", [0, 1, 1.5, "half"])
def test_impossible_targets_are_refused(target):
    with pytest.raises(ValueError, match="target"):
        Balance(target).start(Y, Y, n_epochs=2, batch_size=B)

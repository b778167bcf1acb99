"""What the slow reference of DIHCL leaves open: limits and missing learning rates."""

import math

import pytest
import torch

from skd2ace.selection import DIHCL

Y = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])


def told(*steps, **params):
    """Hardness after steps of (instances, mean losses, learning rate)."""
    selector = DIHCL(**params).start(Y, Y, n_epochs=5, batch_size=3, random_state=0)
    for index, losses, rate in steps:
        losses = torch.tensor(losses)[:, None].expand(-1, 2)
        selector.update(torch.tensor(index), torch.exp(-losses), losses, learning_rate=rate)
    return selector.hardness_.tolist()


def test_first_visit_changes_nothing():
    assert told(([0, 1], [3.0, 0.1], 0.1)) == [1, 1, 1]


def test_learning_rates_in_between_are_summed():
    steps = [([0], [1.0], 0.1), ([1], [1.0], 0.2), ([1], [1.0], 0.4), ([0], [0.3], 0.8)]
    r = told(*steps)
    assert r[0] == pytest.approx(0.95 * 0.7 / (0.1 + 0.2 + 0.4) + 0.05)
    assert r[1] == pytest.approx(0.05)


def test_changes_are_limited():
    assert told(([0], [200.0], 0.5), ([0], [3.0], 0.5))[0] == pytest.approx(0.95 * 20 + 0.05)


def test_without_learning_rates_steps_are_counted():
    steps = [([0], [1.0], None), ([1], [1.0], None), ([0], [0.0], None)]
    assert told(*steps)[0] == pytest.approx(0.95 / 2 + 0.05)


def test_nothing_can_change_while_the_learning_rate_is_zero():
    assert told(([0], [1.0], 0.0), ([0], [0.0], 0.1))[0] == pytest.approx(0.05)


def test_temperature_falls_by_episodes_to_one():
    selector = DIHCL(sampling="softmax", temperature=2.0, episode=3, warmup_epochs=2)
    selector.start(Y, Y, n_epochs=20, batch_size=3, random_state=0)
    ratios = []
    for epoch in range(20):
        next(selector.batches(epoch))
        selector.update(torch.arange(3), Y, Y, learning_rate=0.1)
        selector.hardness_ = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
        if epoch >= 2:
            p = selector.probabilities_
            ratios.append((p[1] / p[0]).log().item())
    assert ratios[1:4] == pytest.approx([2, 2, 1.6])
    assert ratios[4:7] == pytest.approx([1.6, 1.6, 1.28])
    assert ratios[-3:] == pytest.approx([1, 1, 1])


def serve_a_run(rate, **params):
    """Probabilities of each epoch after the warm-up, of a run whose losses fall at that rate."""
    n, generator = 40, torch.Generator().manual_seed(0)
    labels = (torch.rand(n, 2, generator=generator) < 0.4).float()
    selector = DIHCL(warmup_epochs=6, **params)
    selector.start(labels, labels, n_epochs=12, batch_size=8, random_state=0)
    served = []
    for epoch in range(12):
        for index in selector.batches(epoch):
            losses = torch.rand(len(index), 2, generator=generator) ** 3
            selector.update(index, torch.exp(-losses), losses, learning_rate=rate)
        served.append(selector.probabilities_)
    return served[6:]


@pytest.mark.parametrize("feedback", ["dloss", "flip"])
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e3])
def test_neither_flat_nor_steep_at_any_learning_rate(unit, feedback):
    for p in serve_a_run(unit, feedback=feedback):
        assert 2 < p.max() / p.min() < math.exp(math.sqrt(2 * math.log(40)))


def test_feedback_is_divided_by_the_probability_in_the_paper_only():
    hardness = {}
    for sampling in ("exp3", "softmax"):
        selector = DIHCL(sampling=sampling, warmup_epochs=0)
        selector.start(Y, Y, n_epochs=5, batch_size=3, random_state=0)
        for epoch, loss in enumerate((1.0, 0.6, 0.2)):
            next(selector.batches(epoch))
            losses = torch.full((1, 2), loss)
            selector.update(torch.tensor([0]), torch.exp(-losses), losses, learning_rate=0.5)
        hardness[sampling] = selector.hardness_[0].item()
    # As long as all are equally hard, p = 1/3.
    first = 0.95 * 0.4 / 0.5 + 0.05
    assert hardness["softmax"] == pytest.approx(0.95 * 0.4 / 0.5 + 0.05 * first)
    mean = (first + 2) / 3
    root = math.sqrt(2 * math.log(3))
    own, other = (math.exp(root * r / (r + mean)) for r in (first, 1))
    p = own / (own + 2 * other)
    assert hardness["exp3"] == pytest.approx(0.95 * 0.4 / 0.5 / (3 * p) + 0.05 * first)

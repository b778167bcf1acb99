"""Focal, ZLPR and distribution-balanced loss against their equations, in plain numbers."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from skd2ace import CLIFClassifier, MultiLabelNetClassifier
from skd2ace.networks import DistributionBalancedLoss, FocalLoss, ZLPRLoss

LOGITS = torch.tensor([[-3.0, -0.2, 0.0], [0.7, 2.0, -5.0], [1.0, 0.3, -0.4]], dtype=torch.float64)
LABELS = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
SEEN = torch.tensor([[1.0, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]], dtype=torch.float64)


def balanced(**params):
    loss = DistributionBalancedLoss(**params)
    loss.fit_label_frequency(SEEN)
    return loss


LOSSES = {"focal": FocalLoss, "zlpr": ZLPRLoss, "balanced": balanced}


@pytest.mark.parametrize("settings", [(2.0, 0.25), (0.5, None), (0.0, 0.7)])
def test_focal_loss_follows_its_equation(settings):
    gamma, alpha = settings
    expected = []
    for z, y in zip(LOGITS.flatten().tolist(), LABELS.flatten().tolist(), strict=True):
        p = 1 / (1 + math.exp(-z))
        p_t, a_t = (p, alpha) if y else (1 - p, None if alpha is None else 1 - alpha)
        expected.append(-(1 if a_t is None else a_t) * (1 - p_t) ** gamma * math.log(p_t))
    expected = torch.tensor(expected, dtype=torch.float64).view(3, 3)
    losses = FocalLoss(*settings, reduction="none")(LOGITS, LABELS)
    torch.testing.assert_close(losses, expected)
    torch.testing.assert_close(FocalLoss(*settings)(LOGITS, LABELS), expected.mean())


def test_zlpr_follows_its_equation():
    """Labels that are not known are as if they were not there."""
    labels = LABELS.clone()
    labels[1, 2], labels[2, 0] = torch.nan, torch.nan
    losses = ZLPRLoss(reduction="none")(LOGITS, labels)
    for row, z, y in zip(losses.tolist(), LOGITS.tolist(), labels.tolist(), strict=True):
        total = math.log(1 + sum(math.exp(-s) for s, label in zip(z, y, strict=True) if label == 1))
        total += math.log(1 + sum(math.exp(s) for s, label in zip(z, y, strict=True) if label == 0))
        assert sum(row) == pytest.approx(total)
        assert all(loss == 0 for loss, label in zip(row, y, strict=True) if math.isnan(label))
    torch.testing.assert_close(ZLPRLoss()(LOGITS, labels), losses.mean())


def test_zlpr_is_the_mean_of_its_paper_in_slope_too():
    logits = LOGITS.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(ZLPRLoss()(logits, LABELS), logits)
    positive = torch.where(LABELS == 1, -logits, -torch.inf).exp().sum(1)
    negative = torch.where(LABELS == 0, logits, -torch.inf).exp().sum(1)
    paper = (torch.log1p(positive) + torch.log1p(negative)).mean()
    (expected,) = torch.autograd.grad(paper, logits)
    torch.testing.assert_close(slopes, expected / 3)


@pytest.mark.parametrize(
    "settings", [(0.1, 10.0, 0.3, 5.0, 0.05), (0.0, 2.0, 0.1, 1.5, 0.2), (0.1, 0.0, 0.3, 5.0, 0.05)]
)
def test_distribution_balanced_loss_follows_its_equations(settings):
    alpha, beta, mu, scale, kappa = settings
    n, counts = 4, [4, 1, 0]
    p = [min(max(count / n, 1 / (n + 1)), n / (n + 1)) for count in counts]
    expected = []
    for z, y in zip(LOGITS.tolist(), LABELS.tolist(), strict=True):
        instance = sum(1 / p[i] for i in range(3) if y[i])
        for i in range(3):
            ratio = 1 / p[i] / instance if instance else math.inf
            exponent = -beta * (ratio - mu) if beta else 0
            weight = alpha + 1 / (1 + math.exp(exponent))
            shifted = z[i] - kappa * math.log(1 / p[i] - 1)
            positive = math.log(1 + math.exp(-shifted))
            negative = math.log(1 + math.exp(scale * shifted)) / scale
            expected.append(weight * (positive if y[i] else negative))
    losses = DistributionBalancedLoss(*settings, reduction="none")
    losses.fit_label_frequency(SEEN)
    expected = torch.tensor(expected, dtype=torch.float64).view(3, 3)
    torch.testing.assert_close(losses(LOGITS, LABELS), expected, rtol=1e-6, atol=1e-8)


def test_frequencies_count_by_weight():
    weight = torch.tensor([2.0, 2, 0, 2])
    loss, repeated = DistributionBalancedLoss(), DistributionBalancedLoss()
    hidden = torch.where(torch.arange(4)[:, None] == 2, torch.nan, SEEN)
    loss.fit_label_frequency(hidden, weight)
    repeated.fit_label_frequency(SEEN.repeat_interleave(weight.long(), dim=0))
    torch.testing.assert_close(loss.frequency[1], repeated.frequency[1])
    with pytest.raises(RuntimeError, match=r"of 0 labels, and got logits of 3"):
        DistributionBalancedLoss()(LOGITS, LABELS)
    again = DistributionBalancedLoss()
    again.load_state_dict(loss.state_dict())
    torch.testing.assert_close(again(LOGITS, LABELS), loss(LOGITS, LABELS))


def test_focal_without_exponent_is_the_cross_entropy():
    for scale in (1.0, 30.0, 1e4):
        expected = binary_cross_entropy_with_logits(scale * LOGITS, LABELS)
        torch.testing.assert_close(FocalLoss(0, None)(scale * LOGITS, LABELS), expected)


@pytest.mark.parametrize("name", ["focal", "balanced"])
def test_gradients_are_those_of_finite_differences(name):
    loss = LOSSES[name]()
    assert torch.autograd.gradcheck(lambda z: loss(z, LABELS), LOGITS.clone().requires_grad_())


@pytest.mark.parametrize("name", LOSSES)
def test_extreme_logits_have_finite_slopes(name):
    extreme = torch.tensor([[-1e4, 1e4, -80.0]], requires_grad=True)
    for labels in (torch.zeros(1, 3), torch.ones(1, 3), torch.tensor([[1.0, 0, 1]])):
        loss = LOSSES[name]()(extreme, labels)
        (gradient,) = torch.autograd.grad(loss, extreme)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_has_the_losses_of_double(name, dtype):
    """Also of labels that nearly all or nearly none have."""
    seen = torch.arange(5000)[:, None] < torch.tensor([4996, 0, 5000])
    loss = LOSSES[name](reduction="none")
    if name == "balanced":
        loss.fit_label_frequency(seen.float())
    logits = LOGITS.to(dtype).requires_grad_()
    losses, expected = loss(logits, LABELS.to(dtype)), loss(logits.detach().double(), LABELS)
    torch.testing.assert_close(losses.double(), expected, rtol=0.02, atol=0.02)
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FocalLoss(gamma=-1), "gamma must not be negative, got -1"),
        (lambda: FocalLoss(alpha=1.5), r"alpha must be in \[0, 1\] or None, got 1.5"),
        (lambda: DistributionBalancedLoss(alpha=-1), "alpha must not be negative, got -1"),
        (lambda: DistributionBalancedLoss(negative_scale=0), "negative_scale must be above 0"),
        (lambda: ZLPRLoss("sum"), "reduction must be 'mean' or 'none', got 'sum'"),
    ],
)
def test_what_is_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def network(n_features, n_labels):
    return torch.nn.Linear(n_features, n_labels)


@pytest.mark.parametrize("criterion", [FocalLoss, ZLPRLoss, DistributionBalancedLoss])
def test_an_estimator_trains_with_it(criterion, tmp_path):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(80, 4, generator=generator)
    Y = (X[:, :3] > 0.8).float()
    Y[5, 1], Y[7] = torch.nan, torch.nan
    est = MultiLabelNetClassifier(
        network, criterion=criterion, lr=0.05, max_epochs=20, train_split=None, random_state=0,
        verbose=0,
    ).fit(X, Y)  # fmt: skip
    assert est.history[-1, "train_loss"] < 0.7 * est.history[0, "train_loss"]
    est.save(tmp_path / "est.skd2ace")
    loaded = MultiLabelNetClassifier.load(
        tmp_path / "est.skd2ace", module=network, criterion=criterion
    )
    assert (loaded.predict_proba(X) == est.predict_proba(X)).all()
    if criterion is DistributionBalancedLoss:
        expected = torch.tensor([(Y[:, j] == 1).sum() / (~Y[:, j].isnan()).sum() for j in range(3)])
        torch.testing.assert_close(est.criterion_.frequency, expected)
        torch.testing.assert_close(loaded.criterion_.frequency, expected)


def test_networks_with_a_loss_of_their_own_take_none():
    with pytest.raises((ValueError, TypeError), match="criterion"):
        CLIFClassifier(criterion=FocalLoss).fit(LOGITS, LABELS)


@pytest.mark.filterwarnings("ignore:for frequency. copying from a non-meta:UserWarning")
def test_frequencies_stay_where_the_loss_is_when_a_state_is_loaded():
    """The device "meta" stands for a GPU; files are read on the host."""
    here, there = DistributionBalancedLoss(), DistributionBalancedLoss().to("meta")
    here.fit_label_frequency(torch.ones(3, 2))
    there.load_state_dict(here.state_dict())
    assert there.frequency.device.type == "meta"
    assert there.frequency.shape == (2,)
    again = DistributionBalancedLoss()
    again.load_state_dict(here.state_dict())
    assert torch.equal(again.frequency, here.frequency)

"""The asymmetric loss against its equations, in plain numbers."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from skd2ace import MultiLabelNetClassifier
from skd2ace.networks import AsymmetricLoss

LOGITS = torch.tensor([[-3.0, -0.2, 0.0], [0.7, 2.0, -5.0]], dtype=torch.float64)
LABELS = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]], dtype=torch.float64)


def slow_loss(logit, label, gamma_pos, gamma_neg, margin):
    p = 1 / (1 + math.exp(-logit))
    if label:
        return -((1 - p) ** gamma_pos) * math.log(p)
    p = max(p - margin, 0)
    return -(p**gamma_neg) * math.log(1 - p)


@pytest.mark.parametrize("settings", [(0, 4, 0.05), (1, 4, 0.05), (2, 1, 0.2), (0.5, 0.5, 0)])
def test_follows_its_equations(settings):
    expected = [
        [slow_loss(x, y, *settings) for x, y in zip(*rows, strict=True)]
        for rows in zip(LOGITS.tolist(), LABELS.tolist(), strict=True)
    ]
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(
        AsymmetricLoss(*settings, reduction="none")(LOGITS, LABELS), expected
    )
    torch.testing.assert_close(AsymmetricLoss(*settings)(LOGITS, LABELS), expected.mean())


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_without_exponents_it_is_the_cross_entropy(scale):
    logits = scale * LOGITS
    expected = binary_cross_entropy_with_logits(logits, LABELS)
    torch.testing.assert_close(AsymmetricLoss(0, 0, 0)(logits, LABELS), expected)


@pytest.mark.parametrize("settings", [(0, 4, 0.05), (0.3, 0.3, 0.1), (1, 1, 0)])
def test_gradients_are_those_of_the_equations_and_finite(settings):
    loss = AsymmetricLoss(*settings)
    assert torch.autograd.gradcheck(
        lambda logits: loss(logits, LABELS), LOGITS.clone().requires_grad_()
    )
    extreme = torch.tensor([[-1e4, 1e4, -80.0, 80.0]], requires_grad=True)
    for labels in (torch.zeros(1, 4), torch.ones(1, 4)):
        (gradient,) = torch.autograd.grad(loss(extreme, labels), extreme)
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"gamma_pos": -1}, "gamma_pos must not be negative, got -1"),
        ({"gamma_neg": math.nan}, "gamma_neg must not be negative, got nan"),
        ({"margin": 1.0}, r"margin must be in \[0, 1\), got 1.0"),
        ({"reduction": "sum"}, "reduction must be 'mean' or 'none', got 'sum'"),
    ],
)
def test_what_is_out_of_range(params, message):
    with pytest.raises(ValueError, match=message):
        AsymmetricLoss(**params)


@pytest.mark.parametrize("as_instance", [False, True])
def test_an_estimator_trains_with_it(as_instance):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(80, 4, generator=generator)
    Y = (X[:, :3] > 0.8).int()
    criterion = (
        {"criterion": AsymmetricLoss(gamma_neg=2.0)}
        if as_instance
        else {"criterion": AsymmetricLoss, "criterion__gamma_neg": 2.0}
    )

    def network(n_features, n_labels):
        return torch.nn.Linear(n_features, n_labels)

    est = MultiLabelNetClassifier(
        network, **criterion, lr=0.05, max_epochs=20, train_split=None, random_state=0, verbose=0
    ).fit(X, Y)
    logits, labels = torch.tensor(est.decision_function(X)).double(), Y.double()
    before, after = est.history[:, "train_loss"][0], AsymmetricLoss(gamma_neg=2.0)(logits, labels)
    assert after < est.history[-1, "train_loss"] < before

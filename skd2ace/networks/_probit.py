"""A multivariate probit model of labels: normal scores with a covariance, of which the sign counts.

Label j of an instance is relevant where m_j + (R n)_j + e_j > 0, with n and e standard normal: the
covariance of the scores is R R^T + I.
"""

import math

import torch
from torch import Tensor

# Probabilities stay this far from 0 and 1, as in the published code.
_MARGIN = 0.5e-6


def sample_scores(means: Tensor, root: Tensor, noise: Tensor) -> Tensor:
    """Scores m + R n, given which labels are independent.

    Parameters
    ----------
    means : Tensor of shape (b, q)
        m.
    root : Tensor of shape (q, r)
        R.
    noise : Tensor of shape (S, b, r)
        n.

    Returns
    -------
    Tensor of shape (S, b, q)
    """
    return torch.nn.functional.linear(noise, root) + means


def marginal_scores(means: Tensor, root: Tensor) -> Tensor:
    """Scores (b, q) whose probit is the label's probability with all noise integrated out."""
    return means / torch.sqrt(1 + root.square().sum(1))


def probit(scores: Tensor) -> Tensor:
    """Probabilities of scores of any shape, in [0.5e-6, 1 - 0.5e-6]."""
    return (1 - 2 * _MARGIN) * torch.special.ndtr(scores) + _MARGIN


def probit_to_logit(scores: Tensor) -> Tensor:
    """Logit of the normal distribution function, finite and of full precision for any score."""
    return torch.special.log_ndtr(scores) - torch.special.log_ndtr(-scores)


def mean_logits(proba: Tensor) -> Tensor:
    """Logits (b, q) of the mean over samples of probabilities (S, b, q)."""
    return torch.log(proba.mean(0)) - torch.log((1 - proba).mean(0))


def joint_losses(scores: Tensor, labels: Tensor, cells: Tensor) -> Tensor:
    """Negative log-likelihood of all labels of an instance together, in nats.

    -log (1/S) sum_s prod_j p_sj^y_j (1 - p_sj)^(1 - y_j), with log p_sj multiplied by the label's
    share of the instance's weight, and the whole by that weight: the mean of the label's. Twice
    the weights are then twice the loss.

    Parameters
    ----------
    scores : Tensor of shape (S, b, q)
    labels : Tensor of shape (b, q)
        0/1.
    cells : Tensor of shape (b, q)
        Weights, at least 0; a label of weight 0 is not there.

    Returns
    -------
    Tensor of shape (b,)
    """
    of_instances = cells.sum(1) / (cells > 0).sum(1).clamp(min=1)
    shares = cells / torch.where(of_instances > 0, of_instances, 1)[:, None]
    likelihood = torch.log(probit(scores * (2 * labels - 1)))
    joint = torch.logsumexp((likelihood * shares).sum(2), dim=0) - math.log(len(scores))
    return -of_instances * joint

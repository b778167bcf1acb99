"""Probabilistic encoders: normal distributions with a mean and a variance per dimension."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ._layers import relu_mlp

# Variances stay within e^-10 and e^10: features that nobody has scaled would make them infinite.
_LARGEST_LOG_VARIANCE = 10.0


class GaussianEncoder(nn.Module):
    """Map features to the mean and the log-variance of a latent code.

    Parameters
    ----------
    sizes : sequence of int
        Of the input and of each hidden layer.
    latent_size : int
    dropout : float
    """

    def __init__(self, sizes: Sequence[int], latent_size: int, *, dropout: float) -> None:
        super().__init__()
        self.hidden = relu_mlp(sizes, dropout=dropout)
        self.mean = nn.Linear(sizes[-1], latent_size)
        self.log_variance = nn.Linear(sizes[-1], latent_size)

    def forward(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Map (b, d) to mean and log-variance, (b, latent_size) each."""
        hidden = self.hidden(X)
        log_variance = self.log_variance(hidden)
        return self.mean(hidden), log_variance.clamp(-_LARGEST_LOG_VARIANCE, _LARGEST_LOG_VARIANCE)


def sample_normal(mean: Tensor, log_variance: Tensor, noise: Tensor | None = None) -> Tensor:
    """Draw from the distribution by reparametrisation; given standard normal noise, shift that."""
    noise = torch.randn_like(mean) if noise is None else noise
    return mean + torch.exp(log_variance / 2) * noise

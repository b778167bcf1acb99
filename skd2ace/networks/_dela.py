"""DELA: label-specific features found by what perturbing them does."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._gaussian import GaussianEncoder
from ._layers import check_sizes, kaiming_linear, relu_mlp
from ._loss import LossOutput, instance_mean, known_labels, label_losses, label_sum


class DELA(nn.Module):
    """Deep multi-label network with dual perspectives on features (Hang and Zhang 2024).

    An encoder makes a latent code of each instance, a mean and a variance per dimension. For
    each label, binary gates mark the dimensions that do not inform about it: these get Gaussian
    noise in training, so that the classifiers learn to do without them. A decoder shared by the
    labels reads the features beside the perturbed code, and one linear classifier per label
    reads the decoder.

    Parameters
    ----------
    n_features, n_labels : int
        d and q. The estimators fill them in.
    latent_size : int, optional
        Length of the latent code; None is ceil(d / 2).
    hidden_sizes : pair of int, default=(256, 512)
        Of the encoder's outer and inner layers; the decoder has one of each.
    kl_weight : float, default=1e-4
        Weight of the KL term; beta of the paper, lambda of the D2ACE paper, whose grid is
        1e-5 ... 10.
    temperature : float, default=2/3
        Of the binary concrete gates; tau.
    gate_lr_ratio : float, default=0.8
        Learning rate of the gates, over that of everything else; see :meth:`lr_ratios`.
    n_samples : int, default=1
        Monte Carlo samples of gates and noise per training step; L.
    dropout : float, default=0.2
        In encoder and decoder.

    Raises
    ------
    ValueError
        If a size or number is not a positive integer, or ``hidden_sizes`` no pair.

    Notes
    -----
    The loss is the binary cross-entropy, summed over labels and averaged over instances, plus
    ``kl_weight`` times the divergence of the gated noise from the standard normal distribution,
    summed over the latent code and averaged over instances and labels. Gates are 0 or 1; their
    gradient is that of the concrete relaxation ("straight-through").

    A training step takes time O(b q (latent + hidden) hidden) and keeps b q (latent + 3 hidden)
    numbers; a prediction decodes each instance once. Log-variances are held to [-10, 10], so
    that features of any scale give finite losses.

    References
    ----------
    .. [1] Hang and Zhang (2024). Dual Perspective of Label-Specific Feature Learning for
       Multi-Label Classification. ACM TKDD 19(1).

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import DELA
    >>> network = DELA(n_features=10, n_labels=4)
    >>> network(torch.randn(3, 10)).shape
    torch.Size([3, 4])
    """

    def __init__(
        self,
        n_features: int,
        n_labels: int,
        latent_size: int | None = None,
        hidden_sizes: Sequence[int] = (256, 512),
        kl_weight: float = 1e-4,
        temperature: float = 2 / 3,
        gate_lr_ratio: float = 0.8,
        n_samples: int = 1,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        n_features, n_labels = check_sizes("DELA", n_features=n_features, n_labels=n_labels)
        self.kl_weight, self.temperature = kl_weight, temperature
        self.gate_lr_ratio = gate_lr_ratio
        latent = math.ceil(n_features / 2) if latent_size is None else latent_size
        latent, (outer, inner), self.n_samples = check_sizes(
            "DELA", latent_size=latent, hidden_sizes=hidden_sizes, n_samples=n_samples
        )
        self.encoder = GaussianEncoder([n_features, outer, inner, outer], latent, dropout=dropout)
        self.gate_seed = nn.Parameter(torch.empty(n_labels, latent).uniform_(-10, 10))
        self.gate_scale = nn.Linear(latent, latent)
        nn.init.constant_(self.gate_scale.bias, 2.0)
        self.decoder_input = kaiming_linear(n_features + latent, outer)
        self.decoder = nn.Sequential(
            nn.ReLU(inplace=True), nn.Dropout(dropout), *relu_mlp([outer, inner], dropout=dropout)
        )
        # A grouped convolution in the published code, which starts like this.
        bound = inner**-0.5
        self.classifier_weight = nn.Parameter(torch.empty(n_labels, inner).uniform_(-bound, bound))
        self.classifier_bias = nn.Parameter(torch.empty(n_labels).uniform_(-bound, bound))

    def lr_ratios(self) -> list[tuple[list[nn.Parameter], float]]:
        """Parameters that take a share of the learning rate, and that share: the gates.

        The estimators heed it at every step, whatever ``lr`` is set to or a schedule makes of it.
        """
        return [([self.gate_seed, *self.gate_scale.parameters()], self.gate_lr_ratio)]

    def gate_logits(self) -> Tensor:
        """Logits (q, latent) of the probability that a latent feature is perturbed."""
        return self.gate_scale(self.gate_seed)

    def forward(self, X: Tensor) -> Tensor:
        """Map features (b, d) to logits (b, q); perturbed in training mode."""
        mean, log_variance = self.encoder(X)
        if not self.training:
            return self.classify(X, mean)
        code, _ = self._sample(mean, log_variance)
        return self.classify(X, code)

    def training_loss(
        self,
        X: Tensor,
        Y: Tensor,
        weights: Tensor | None = None,
        *,
        instance_weights: Tensor | None = None,
    ) -> LossOutput:
        """Binary cross-entropy plus ``kl_weight`` times the KL term.

        Parameters
        ----------
        X : Tensor of shape (b, d)
        Y : Tensor of shape (b, q)
            0/1 in the floating-point type of X; NaN where it is not known.
        weights : Tensor of shape (b,) or (b, q), optional
            Multiply the cross-entropy; those of shape (b,) the KL term too.
        instance_weights : Tensor of shape (b,), optional
            Multiply the KL term, beside weights of shape (b, q).

        Returns
        -------
        LossOutput
            With the terms ``bce`` and ``kl``. In evaluation mode nothing is perturbed, and the
            KL term is 0.
        """
        mean, log_variance = self.encoder(X)
        both = weights, instance_weights
        if not self.training:
            return self._loss(self.classify(X, mean), Y, torch.zeros_like(mean[:, 0]), *both)
        samples = []
        for _ in range(self.n_samples):
            code, gates = self._sample(mean, log_variance)
            kl = gate_kl(mean, log_variance, gates)
            samples.append(self._loss(self.classify(X, code), Y, kl, *both))
        return samples[0] if self.n_samples == 1 else _mean_of(samples)

    def classify(self, X: Tensor, code: Tensor) -> Tensor:
        """Logits (b, q) of features (b, d) and a code: (b, latent), or (b, q, latent) per label."""
        d = X.shape[1]
        weight, bias = self.decoder_input.weight, self.decoder_input.bias
        # The features enter once per instance, whatever the number of labels.
        hidden, coded = F.linear(X, weight[:, :d], bias), F.linear(code, weight[:, d:])
        if code.ndim == 2:
            decoded = self.decoder(hidden + coded)
            return F.linear(decoded, self.classifier_weight, self.classifier_bias)
        decoded = self.decoder(hidden[:, None] + coded)
        return (decoded * self.classifier_weight).sum(2) + self.classifier_bias

    def _sample(self, mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
        """Draw gates and noise: perturbed codes (b, q, latent), and the gates (q, latent)."""
        gates = straight_through_gates(self.gate_logits(), self.temperature)
        return perturb(mean, log_variance, gates, torch.randn_like(mean)), gates

    def _loss(
        self,
        logits: Tensor,
        Y: Tensor,
        kl: Tensor,
        weights: Tensor | None,
        instance_weights: Tensor | None = None,
    ) -> LossOutput:
        losses = label_losses(logits, *known_labels(Y))
        bce, kl = label_sum(losses, weights), instance_mean(kl, weights, instance_weights)
        return LossOutput(bce + self.kl_weight * kl, logits, losses, {"bce": bce, "kl": kl})


def straight_through_gates(logits: Tensor, temperature: float) -> Tensor:
    """Draw binary gates with the gradient of their concrete relaxation.

    Parameters
    ----------
    logits : Tensor of any shape
        Of the probability that a gate is 1.
    temperature : float

    Returns
    -------
    Tensor of the same shape
        0 or 1; its gradient is that of sigmoid((logits + logistic noise) / temperature).
    """
    uniform = torch.rand_like(logits).clamp_(min=torch.finfo(logits.dtype).tiny)
    relaxed = torch.sigmoid((logits + torch.logit(uniform)) / temperature)
    return (relaxed > 0.5).to(relaxed.dtype) + (relaxed - relaxed.detach())


def perturb(mean: Tensor, log_variance: Tensor, gates: Tensor, noise: Tensor) -> Tensor:
    """Latent codes (b, q, latent): noise (b, latent) where a label's gate (q, latent) is open."""
    return mean[:, None] + gates * (torch.exp(log_variance / 2) * noise)[:, None]


def gate_kl(mean: Tensor, log_variance: Tensor, gates: Tensor) -> Tensor:
    """Divergence of the gated noise from the standard normal distribution, mean over labels.

    Per latent feature (-v - 2 log(g + 1e-6) - 1 + e^v g^2 + m^2) / 2, with v the log-variance, g
    the gate and m the mean; summed over them.

    Parameters
    ----------
    mean, log_variance : Tensor of shape (b, latent)
    gates : Tensor of shape (q, latent)

    Returns
    -------
    Tensor of shape (b,)
    """
    of_instance = (mean.square() - log_variance - 1).sum(1)
    of_gates = -2 * torch.log(gates + 1e-6).sum(1).mean()
    # The mean over labels goes through the sum: no tensor of size (b, q, latent) is needed.
    return (of_instance + of_gates + torch.exp(log_variance) @ gates.square().mean(0)) / 2


def _mean_of(samples: list[LossOutput]) -> LossOutput:
    """Average several Monte Carlo samples of a training step."""

    def mean(values: list[Tensor]) -> Tensor:
        return torch.stack(values).mean(0)

    return LossOutput(
        mean([sample.loss for sample in samples]),
        mean([sample.logits for sample in samples]),
        mean([sample.label_losses for sample in samples]),
        {name: mean([sample.terms[name] for sample in samples]) for name in samples[0].terms},
    )

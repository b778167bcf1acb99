"""PACA: label-specific features as densities under prototypes."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ._flow import ConditionalFlow
from ._gaussian import GaussianEncoder, sample_normal
from ._layers import check_sizes, relu_mlp
from ._loss import LossOutput, instance_mean, known_labels, label_losses, label_sum


class PACA(nn.Module):
    """Deep multi-label network with probabilistic prototypes (Hang et al. 2022).

    Two encoders make latent codes, one of the instance and one of its label vector, and are
    drawn towards each other. The features beside the code become the instance's place in a
    metric space, in which each label has a positive and a negative prototype: distributions,
    given by normalising flows conditioned on the label. The logit of a label is the log-density
    under its positive prototype minus that under its negative one.

    Parameters
    ----------
    n_features, n_labels : int
        d and q. The estimators fill them in.
    latent_size : int, optional
        Length of the latent code; None is ceil(d / 2).
    hidden_sizes : pair of int, default=(256, 512)
        Of the outer and inner hidden layers of encoders and decoders; the outer one also that
        of the flows' conditioners.
    hidden_units : int, default=16
        Sigmoid units per dimension of the autoregressive flows.
    classification_weight : float, default=2.
        Weight of the classification loss; alpha of the paper, whose grid is 1, 2, 5, 10, 20, 50.
    regularization_weight : float, default=10.
        Weight of what ties the two encoders together; gamma of the paper, whose grid is
        1e-4 ... 10.
    dropout : float, default=0.1
        In encoders, decoders and the instance map.

    Raises
    ------
    ValueError
        If a size or number is not a positive integer, or ``hidden_sizes`` no pair.

    Notes
    -----
    The loss is the squared error of reconstructing the features, through a sigmoid and therefore
    meant for features in [0, 1], plus ``regularization_weight`` times the Kullback-Leibler
    divergence of the two codes and the cross-entropy of decoding the labels from theirs, plus
    ``classification_weight`` times the cross-entropy of the prediction. Errors and cross-entropies
    are summed over features or labels, and averaged over instances. ``label_losses`` are those of
    the prediction (the published code hands batch selectors those of the label decoder, which
    does not see the instance).

    The flows have 3 b q latent hidden_units parameters per step. They are made for a block at a
    time and made again for the gradient, so that about 20 b q latent numbers are kept in all; time
    is O(b q latent (hidden_units + hidden)).

    The published conditioner gives 3 (hidden // latent) numbers per latent dimension, none for
    codes longer than it is wide, whose flow then ignores the label; ours gives 3 at least.
    Log-variances are held to [-10, 10], so that features of any scale give finite losses.

    References
    ----------
    .. [1] Hang et al. (2022). End-to-End Probabilistic Label-Specific Feature Learning for
       Multi-Label Classification. AAAI.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import PACA
    >>> network = PACA(n_features=10, n_labels=4)
    >>> network(torch.rand(3, 10)).shape
    torch.Size([3, 4])
    """

    def __init__(
        self,
        n_features: int,
        n_labels: int,
        latent_size: int | None = None,
        hidden_sizes: Sequence[int] = (256, 512),
        hidden_units: int = 16,
        classification_weight: float = 2.0,
        regularization_weight: float = 10.0,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        n_features, n_labels = check_sizes("PACA", n_features=n_features, n_labels=n_labels)
        self.classification_weight = classification_weight
        self.regularization_weight = regularization_weight
        latent = math.ceil(n_features / 2) if latent_size is None else latent_size
        latent, (outer, inner), hidden_units = check_sizes(
            "PACA", latent_size=latent, hidden_sizes=hidden_sizes, hidden_units=hidden_units
        )
        self.encoder = GaussianEncoder([n_features, outer, inner, outer], latent, dropout=dropout)
        self.instance_map = relu_mlp(
            [n_features + latent, outer, outer, latent], dropout=dropout, last=False
        )
        self.decoder = relu_mlp(
            [latent, outer, inner, outer, n_features], dropout=dropout, last=False
        )
        self.label_encoder = GaussianEncoder([n_labels, inner, outer], latent, dropout=dropout)
        self.label_decoder = nn.Sequential(
            *relu_mlp([latent, outer, inner], dropout=dropout), nn.Linear(inner, n_labels)
        )
        self.positive = ConditionalFlow(n_labels, latent, hidden_units, outer)
        self.negative = ConditionalFlow(n_labels, latent, hidden_units, outer)

    def forward(self, X: Tensor) -> Tensor:
        """Map features (b, d) to logits (b, q)."""
        return self.classify(self.place(X, *self.encoder(X)))

    def place(self, X: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Places (b, latent) of instances in the metric space; sampled in training mode."""
        code = sample_normal(mean, log_variance) if self.training else mean
        return self.instance_map(torch.cat((X, code), dim=1))

    def classify(self, place: Tensor) -> Tensor:
        """Logits (b, q) of places (b, latent)."""
        return self.positive(place) - self.negative(place)

    def training_loss(
        self,
        X: Tensor,
        Y: Tensor,
        weights: Tensor | None = None,
        *,
        instance_weights: Tensor | None = None,
    ) -> LossOutput:
        """Reconstruction, regularisation and classification.

        Parameters
        ----------
        X : Tensor of shape (b, d)
            In [0, 1], to be reconstructed well.
        Y : Tensor of shape (b, q)
            0/1 in the floating-point type of X; NaN where it is not known: 0 before the label
            encoder, so that it adds as little to the code as a label that is absent, and not
            reconstructed.
        weights : Tensor of shape (b,) or (b, q), optional
            Multiply the prediction's cross-entropy; those of shape (b,) all other terms too.
        instance_weights : Tensor of shape (b,), optional
            Multiply all other terms, beside weights of shape (b, q).

        Returns
        -------
        LossOutput
            With the terms ``reconstruction``, ``kl``, ``label_reconstruction`` and ``bce``.
        """
        labels, known = known_labels(Y)
        of_features, of_labels = self.encoder(X), self.label_encoder(labels)
        place = self.place(X, *of_features)
        label_code = sample_normal(*of_labels) if self.training else of_labels[0]
        logits = self.classify(place)
        losses = label_losses(logits, labels, known)
        errors = (torch.sigmoid(self.decoder(place)) - X).square().sum(1)
        label_errors = label_losses(self.label_decoder(label_code), labels, known).sum(1)
        both = weights, instance_weights
        terms = {
            "reconstruction": instance_mean(errors, *both),
            "kl": instance_mean(normal_kl(*of_features, *of_labels), *both),
            "label_reconstruction": instance_mean(label_errors, *both),
            "bce": label_sum(losses, weights),
        }
        loss = (
            terms["reconstruction"]
            + self.regularization_weight * (terms["kl"] + terms["label_reconstruction"])
            + self.classification_weight * terms["bce"]
        )
        return LossOutput(loss, logits, losses, terms)


def normal_kl(
    mean: Tensor, log_variance: Tensor, other_mean: Tensor, other_log_variance: Tensor
) -> Tensor:
    """Kullback-Leibler divergence of one normal distribution from another.

    Parameters
    ----------
    mean, log_variance, other_mean, other_log_variance : Tensor of shape (b, latent)
        1e-8 is added to the other's variance, as in the published code.

    Returns
    -------
    Tensor of shape (b,)
    """
    spread = torch.exp(log_variance) + (mean - other_mean).square()
    ratio = spread / (torch.exp(other_log_variance) + 1e-8)
    return (other_log_variance - log_variance + ratio - 1).sum(1) / 2

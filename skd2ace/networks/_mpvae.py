"""MPVAE: two variational encoders, of labels and of features, and a multivariate probit model."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ._gaussian import GaussianEncoder, sample_normal
from ._layers import check_sizes, relu_mlp, squared_weights
from ._loss import LossOutput, instance_mean, known_labels, label_losses
from ._probit import (
    joint_losses,
    marginal_scores,
    mean_logits,
    probit,
    probit_to_logit,
    sample_scores,
)
from ._ranking import ranking_losses, weigh_cells

# A constant of the published code.
_SHARPNESS = 5.0


class MPVAE(nn.Module):
    """Deep multi-label network with a multivariate probit decoder (Bai et al. 2020).

    One encoder reads features and labels, another the features alone; each gives a normal
    distribution of latent codes, and the first is drawn towards the second. A decoder maps the
    features beside a code to the means of a multivariate probit model, whose covariance, shared
    by all instances, ties the labels together. Predictions come from the features' branch.

    Parameters
    ----------
    n_features, n_labels : int
        d and q. The estimators fill them in.
    latent_size : int, default=50
        Length of the latent code.
    residual_rank : int, optional
        Columns r of R, of the covariance R R^T + I; None is q.
    hidden_sizes : pair of int, default=(256, 512)
        Of the outer and inner hidden layers of encoders and decoder.
    n_samples : int, default=100
        Monte Carlo samples of the probit's noise per training step; S.
    nll_weight : float, default=0.1
        Weight of the negative log-likelihoods; the published code has 0.1 or 10 by data set.
    ranking_weight : float, default=20.
        Weight of the ranking losses. The published code has 200 where nothing is said, and 0.1 to
        200 for its nine data sets, of which 20, that of yeast, is the median. At 200 the
        likelihood counts for little.
    kl_weight : float, default=1.1
        Weight of the Kullback-Leibler divergence; beta of the paper.
    l2_weight : float, default=1e-5
        Weight of half the sum of the squared weights, without biases and R.
    dropout : float, default=0.5
        In the encoders.

    Raises
    ------
    ValueError
        If a size or number is not a positive integer, or ``hidden_sizes`` no pair.

    Notes
    -----
    Given the noise n_s of a sample, p_s = Phi(m + R n_s), kept within [5e-7, 1 - 5e-7]. The loss
    is a mean over instances of ``kl_weight`` times the divergence of the labels' code from the
    features', plus for each of the two branches ``nll_weight`` times the negative log-likelihood
    of all labels together, averaged over samples before the logarithm, plus ``ranking_weight``
    times the mean over samples and pairs of exp(-5 (p_i - p_j)) / 5, with i present and j absent;
    and ``l2_weight`` times the L2 term. An instance without labels, or with all, has no pair: its
    ranking loss and gradient are 0, where the published code's gradient is NaN.

    In training mode codes and noise are drawn, and the probability is the mean of p_s. In
    evaluation mode nothing is: codes are their means, and the probability is
    ``Phi(m / sqrt(1 + |R_j|^2))``, what the mean over ever more samples tends to; the published
    code draws there too, so that two predictions differ. A training step keeps about 15 b q S
    numbers.

    As in the published code, and other than in the paper, the label encoder reads the features
    too and so does the decoder, which has a last layer for each branch. Log-variances are held to
    [-10, 10], so that features of any scale give finite losses.

    References
    ----------
    .. [1] Bai, Kong and Gomes (2020). Disentangled Variational Autoencoder based Multi-Label
       Classification with Covariance-Aware Multivariate Probit Model. IJCAI. arXiv:2007.06126.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import MPVAE
    >>> network = MPVAE(n_features=10, n_labels=4)
    >>> network(torch.randn(3, 10)).shape
    torch.Size([3, 4])
    """

    def __init__(
        self,
        n_features: int,
        n_labels: int,
        latent_size: int = 50,
        residual_rank: int | None = None,
        hidden_sizes: Sequence[int] = (256, 512),
        n_samples: int = 100,
        nll_weight: float = 0.1,
        ranking_weight: float = 20.0,
        kl_weight: float = 1.1,
        l2_weight: float = 1e-5,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        d, q = check_sizes("MPVAE", n_features=n_features, n_labels=n_labels)
        latent, rank, (outer, inner), self.n_samples = check_sizes(
            "MPVAE",
            latent_size=latent_size,
            residual_rank=q if residual_rank is None else residual_rank,
            hidden_sizes=hidden_sizes,
            n_samples=n_samples,
        )
        self.nll_weight, self.ranking_weight = nll_weight, ranking_weight
        self.kl_weight, self.l2_weight = kl_weight, l2_weight
        self.label_encoder = GaussianEncoder([d + q, inner, outer], latent, dropout=dropout)
        self.encoder = GaussianEncoder([d, outer, inner, outer], latent, dropout=dropout)
        self.decoder = relu_mlp([d + latent, outer, inner], dropout=0.0)
        self.label_head = nn.Linear(inner, q)
        self.feature_head = nn.Linear(inner, q)
        for part in self.modules():
            if isinstance(part, nn.Linear):
                nn.init.xavier_uniform_(part.weight)
                nn.init.zeros_(part.bias)
        self.residual_root = nn.Parameter(nn.init.xavier_uniform_(torch.empty(q, rank)))

    def forward(self, X: Tensor) -> Tensor:
        """Map features (b, d) to logits (b, q); code and noise are drawn in training mode."""
        noise = self._draw(X) if self.training else None
        return _predict(self._scores(X, self.encoder(X), self.feature_head, noise))

    def training_loss(
        self,
        X: Tensor,
        Y: Tensor,
        weights: Tensor | None = None,
        *,
        instance_weights: Tensor | None = None,
    ) -> LossOutput:
        """Likelihoods and rankings of both branches, their divergence, and the L2 term.

        Parameters
        ----------
        X : Tensor of shape (b, d)
        Y : Tensor of shape (b, q)
            0/1 in the floating-point type of X; NaN where it is not known: 0 before the label
            encoder, so that it adds as little to the code as a label that is absent, and in no
            likelihood and no pair.
        weights : Tensor of shape (b,) or (b, q), optional
            Multiply likelihood and ranking of the prediction; those of shape (b,) all other terms
            of an instance too. Of weights (b, q) the likelihood of all labels together takes the
            mean, and each label's own over that mean as an exponent; a pair takes the geometric
            mean of its two.
        instance_weights : Tensor of shape (b,), optional
            Multiply all other terms of an instance, beside weights of shape (b, q).

        Returns
        -------
        LossOutput
            With the terms ``nll`` and ``ranking`` of the features' branch, ``label_nll`` and
            ``label_ranking`` of the labels', ``kl`` and ``l2``. In evaluation mode nothing is
            drawn: each branch has one sample, which is what :meth:`forward` predicts by.
        """
        noise = self._draw(X) if self.training else None
        return self._loss(X, Y, noise, weights, instance_weights)

    def _draw(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Draw noise of the codes, (b, latent), and of the probit, (S, b, r), for both branches."""
        b, latent, rank = len(X), self.encoder.mean.out_features, self.residual_root.shape[1]
        codes = torch.randn(b, latent, dtype=X.dtype, device=X.device)
        return codes, torch.randn(self.n_samples, b, rank, dtype=X.dtype, device=X.device)

    def _scores(
        self,
        X: Tensor,
        distribution: tuple[Tensor, Tensor],
        head: nn.Module,
        noise: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        """Probit scores (S, b, q) of a branch; without noise the marginal ones, (1, b, q)."""
        mean, log_variance = distribution
        code = mean if noise is None else sample_normal(mean, log_variance, noise[0])
        means: Tensor = head(self.decoder(torch.cat((X, code), dim=1)))
        if noise is None:
            return marginal_scores(means, self.residual_root)[None]
        return sample_scores(means, self.residual_root, noise[1])

    def _loss(
        self,
        X: Tensor,
        Y: Tensor,
        noise: tuple[Tensor, Tensor] | None,
        weights: Tensor | None = None,
        instance_weights: Tensor | None = None,
    ) -> LossOutput:
        labels, known = known_labels(Y)
        if weights is not None and weights.ndim == 1:
            instance_weights = weights
        of_features = self.encoder(X)
        of_labels = self.label_encoder(torch.cat((X, labels), dim=1))
        scores = self._scores(X, of_features, self.feature_head, noise)
        label_scores = self._scores(X, of_labels, self.label_head, noise)
        nll, ranking = _branch_losses(scores, labels, weigh_cells(known, weights))
        own = weigh_cells(known, instance_weights)
        label_nll, label_ranking = _branch_losses(label_scores, labels, own)
        terms = {
            "nll": nll,
            "ranking": ranking,
            "label_nll": label_nll,
            "label_ranking": label_ranking,
            "kl": instance_mean(posterior_kl(*of_labels, *of_features), instance_weights),
            "l2": squared_weights(self) / 2,
        }
        loss = (
            self.nll_weight * (nll + label_nll)
            + self.ranking_weight * (ranking + label_ranking)
            + self.kl_weight * terms["kl"]
            + self.l2_weight * terms["l2"]
        )
        logits = _predict(scores)
        return LossOutput(loss, logits, label_losses(logits, labels, known), terms)


def _predict(scores: Tensor) -> Tensor:
    """Logits (b, q) of the mean probability over samples of scores (S, b, q)."""
    return probit_to_logit(scores[0]) if len(scores) == 1 else mean_logits(probit(scores))


def _branch_losses(scores: Tensor, labels: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """Mean negative log-likelihood and ranking loss of a branch, by the weights of cells."""
    nll = joint_losses(scores, labels, cells)
    ranking = ranking_losses(probit(scores), labels, cells, sharpness=_SHARPNESS)
    return nll.mean(), ranking.mean() / _SHARPNESS


def posterior_kl(
    mean: Tensor, log_variance: Tensor, prior_mean: Tensor, prior_log_variance: Tensor
) -> Tensor:
    """Kullback-Leibler divergence of the labels' code from the features'.

    Parameters
    ----------
    mean, log_variance, prior_mean, prior_log_variance : Tensor of shape (b, latent)
        1e-6 is added to the variance that divides the means' distance, as in the published code.

    Returns
    -------
    Tensor of shape (b,)
    """
    difference = log_variance - prior_log_variance
    distance = (prior_mean - mean).square() / (torch.exp(prior_log_variance) + 1e-6)
    return (torch.exp(difference) - difference - 1 + distance).sum(1) / 2

"""C2AE: an auto-encoder of labels whose code is predicted from features."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ._layers import check_sizes, squared_weights
from ._loss import LossOutput, instance_mean, known_labels, label_losses
from ._ranking import ranking_losses, weigh_cells

Variant = Literal["authors", "pytorch"]


class C2AE(nn.Module):
    """Canonical-correlated auto-encoder of labels (Yeh et al. 2017).

    F_e maps label vectors to a code, F_d decodes it, and F_x predicts it from the features; the
    two codes of an instance are drawn together. A prediction is F_d(F_x(x)), which is itself in
    no loss: what is trained is the decoding of F_e(y).

    Parameters
    ----------
    n_features, n_labels : int
        d and q. The estimators fill them in.
    latent_size : int, optional
        Length of the code; None is 0.8 q, rounded.
    hidden_size : int, default=512
        Of every hidden layer: two of F_x, one each of F_e and F_d.
    orthogonality_weight : float, default=0.5
        Weight of the constraints on the codes; lambda.
    ranking_weight : float, default=0.5
        Weight of the ranking loss, over that of the codes' distance: 1 / alpha in the authors'
        code, whose alpha is 2, and alpha / beta in the variant "pytorch".
    l2_weight : float, optional
        Weight of the sum of the squared weights, without biases; None is 1e-3, and 0 in the
        variant "pytorch".
    signed_labels : bool, default=False
        Whether F_e reads 1 / (number present), -1 / (number absent) and 0 for labels that are
        not known, as the authors' code does where a data set has such labels, instead of 0/1.
    variant : {"authors", "pytorch"}, default="authors"
        The authors' own MATLAB code, or a third party's in PyTorch (see Notes).

    Raises
    ------
    ValueError
        If a size or number is not a positive integer, or there is no such variant.

    Notes
    -----
    With A = F_x(X), C = F_e(Y) and P = F_d(C) of a batch of b instances, b times the loss is
    ``|A - C|^2 + orthogonality_weight (|A^T A - I|^2 + |C^T C - I|^2) + ranking_weight R
    + l2_weight |W|^2``, and R sums over the instances the mean of exp(-5 (P_i - P_j)) / 5 over
    all pairs of a label i present and one j absent. An instance without labels, or with all, has
    no pair. The constraints are on sums over the batch, so that a batch of another size asks for
    codes of another scale. With weights, the instances' weights over their mean multiply them in
    these sums, and that mean the constraint. The only label of a problem has no other to be
    compared with: it is compared with the threshold, 0.5.

    The variant "pytorch" ends F_x and F_e in a LeakyReLU instead of a sigmoid less 1/2, has slopes
    of 0.01 instead of 0.1, torch's own initialisation, and exp(-(P_i - P_j)) with 1e-4 added to
    the number of pairs. Both depart from the paper, which has neither the 5 nor a divisor alpha.

    References
    ----------
    .. [1] Yeh, Wu, Ko and Wang (2017). Learning Deep Latent Spaces for Multi-Label
       Classification. AAAI. arXiv:1707.00418.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import C2AE
    >>> network = C2AE(n_features=10, n_labels=4)
    >>> network(torch.randn(3, 10)).shape
    torch.Size([3, 4])
    """

    def __init__(
        self,
        n_features: int,
        n_labels: int,
        latent_size: int | None = None,
        hidden_size: int = 512,
        orthogonality_weight: float = 0.5,
        ranking_weight: float = 0.5,
        l2_weight: float | None = None,
        signed_labels: bool = False,
        variant: Variant = "authors",
    ) -> None:
        super().__init__()
        if variant not in ("authors", "pytorch"):
            raise ValueError(f"variant must be 'authors' or 'pytorch', got {variant!r}.")
        d, q = check_sizes("C2AE", n_features=n_features, n_labels=n_labels)
        # Half away from zero: Python rounds to even.
        latent = int(0.8 * q + 0.5) if latent_size is None else latent_size
        latent, hidden = check_sizes("C2AE", latent_size=latent, hidden_size=hidden_size)
        self.orthogonality_weight, self.ranking_weight = orthogonality_weight, ranking_weight
        of_authors = variant == "authors"
        self.l2_weight = (1e-3 if of_authors else 0.0) if l2_weight is None else l2_weight
        self.signed_labels = signed_labels
        self.sharpness, self.smoothing = (5.0, 0.0) if of_authors else (1.0, 1e-4)
        self.encoder = _make_layers([d, hidden, hidden, latent], variant)
        self.label_encoder = _make_layers([q, hidden, latent], variant)
        # Without the sigmoid at its end: what it gives are logits.
        self.decoder = _make_layers([latent, hidden, q], variant)[:-1]

    def forward(self, X: Tensor) -> Tensor:
        """Map features (b, d) to logits (b, q)."""
        logits: Tensor = self.decoder(self.encoder(X))
        return logits

    def training_loss(
        self,
        X: Tensor,
        Y: Tensor,
        weights: Tensor | None = None,
        *,
        instance_weights: Tensor | None = None,
    ) -> LossOutput:
        """Distance and constraints of the codes, ranking of the decoded labels, and L2 term.

        Parameters
        ----------
        X : Tensor of shape (b, d)
        Y : Tensor of shape (b, q)
            0/1 in the floating-point type of X; NaN where it is not known: 0 before F_e, and in
            no pair.
        weights : Tensor of shape (b,) or (b, q), optional
            Multiply the ranking loss, that of a pair by the geometric mean of its two; those of
            shape (b,) the terms of the codes too.
        instance_weights : Tensor of shape (b,), optional
            Multiply the terms of the codes, beside weights of shape (b, q).

        Returns
        -------
        LossOutput
            With the terms ``embedding``, ``orthogonality``, ``label_ranking`` and ``l2``, each
            the sum over the batch divided by b.
        """
        labels, known = known_labels(Y)
        if weights is not None and weights.ndim == 1:
            instance_weights = weights
        code = self.encoder(X)
        label_code = self.label_encoder(self._code_labels(labels, known))
        decoded = torch.sigmoid(self.decoder(label_code))
        ranking = self._rank(decoded, labels, weigh_cells(known, weights))
        distances = (code - label_code).square().sum(1)
        constraints = [_orthogonality(part, instance_weights) for part in (code, label_code)]
        terms = {
            "embedding": instance_mean(distances, instance_weights),
            "orthogonality": (constraints[0] + constraints[1]) / len(X),
            "label_ranking": ranking.mean(),
            "l2": squared_weights(self) / len(X),
        }
        loss = (
            terms["embedding"]
            + self.orthogonality_weight * terms["orthogonality"]
            + self.ranking_weight * terms["label_ranking"]
            + self.l2_weight * terms["l2"]
        )
        logits = self.decoder(code)
        return LossOutput(loss, logits, label_losses(logits, labels, known), terms)

    def _code_labels(self, labels: Tensor, known: Tensor) -> Tensor:
        """What F_e reads (b, q)."""
        if not self.signed_labels:
            return labels
        absent = (1 - labels) * known
        # An instance has labels that are there, some that are not, both or neither.
        return _share(labels) - _share(absent)

    def _rank(self, proba: Tensor, labels: Tensor, cells: Tensor) -> Tensor:
        """Ranking loss (b,) of each instance."""
        if labels.shape[1] == 1:
            proba = torch.cat((proba, torch.full_like(proba, 0.5)), dim=1)
            labels, cells = torch.cat((labels, 1 - labels), dim=1), cells.expand(-1, 2)
        losses = ranking_losses(
            proba, labels, cells, sharpness=self.sharpness, smoothing=self.smoothing
        )
        return losses / self.sharpness


class _CenteredSigmoid(nn.Module):
    """Sigmoid less 1/2."""

    def forward(self, units: Tensor) -> Tensor:
        """Map to (-1/2, 1/2)."""
        return torch.sigmoid(units) - 0.5


def _make_layers(sizes: Sequence[int], variant: Variant) -> nn.Sequential:
    """Linear layers, each with its activation behind it, initialised as the variant has it."""
    authors = variant == "authors"
    layers: list[Any] = []
    for n_in, n_out in pairwise(sizes):
        linear = nn.Linear(n_in, n_out)
        if authors:
            nn.init.uniform_(linear.weight, -0.01, 0.01)
            nn.init.uniform_(linear.bias, 0.0, 0.1)
        layers += [linear, nn.LeakyReLU(0.1 if authors else 0.01, inplace=True)]
    if authors:
        bound = 4 * math.sqrt(6 / (n_in + n_out))
        nn.init.uniform_(linear.weight, -bound, bound)
        nn.init.zeros_(linear.bias)
        layers[-1] = _CenteredSigmoid()
    return nn.Sequential(*layers)


def _share(marks: Tensor) -> Tensor:
    """Marks (b, q) of 0/1 over their number in each row."""
    return marks / marks.sum(1, keepdim=True).clamp(min=1)


def _orthogonality(codes: Tensor, instance_weights: Tensor | None) -> Tensor:
    """|A^T A - I|^2 of codes (b, latent), by weight (see the class)."""
    identity = torch.eye(codes.shape[1], dtype=codes.dtype, device=codes.device)
    if instance_weights is None:
        return (codes.T @ codes - identity).square().sum()
    mean = instance_weights.mean()
    shares = instance_weights / mean.clamp(min=torch.finfo(mean.dtype).tiny)
    gram = codes.T @ (shares[:, None] * codes)
    return mean * (gram - identity).square().sum()

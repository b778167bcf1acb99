"""HST: features of each label, and labels taken over within and across images."""

import numpy as np
import torch
from torch import Tensor, nn

from skd2ace._labels import conditional_probabilities

from ._gated_graph import GatedGraph
from ._label_transfer import (
    asymmetric_pair_losses,
    instance_contrast,
    inter_scores,
    intra_scores,
    known_losses,
    pair_kinds,
    ranks_of,
)
from ._layers import RowNorm, check_sizes
from ._loss import LossOutput, known_labels, label_losses
from ._mlgcn import Variant, add_label_vectors, check_variant


class HST(nn.Module):
    """Head of a backbone for images of which few labels are known (Chen et al. 2024).

    Attention over positions gives each label features of its own, which a gated graph network
    relates. Labels that are not known are taken over where they are likely to occur with an
    image's known ones, or where its features are like those of images that have the label.

    Parameters
    ----------
    n_channels : int
        Of the backbone's feature map.
    n_labels : int
        q.
    label_vectors : array-like of shape (q, e), optional
        Kept as they are; the paper takes word vectors (GloVe) of the labels' names. None learns
        them, from a standard normal distribution on.
    vector_size : int, default=300
        Length e of learned vectors.
    feature_size : int, default=1024
        Length m of a label's features.
    hidden_size : int, default=512
        Of the attention, and of what pairs of labels are told from.
    output_size : int, default=1024
        Of the last hidden layer, of labels and of pairs.
    n_steps : int, default=3
        Of the graph network.
    n_prototypes : int, default=10
        Cluster centres of the features of a label's known positives.
    threshold : float, default=1.0
        Score above which a label is taken over, at the start: two of them, for scores within and
        across images, are learned. At the published 1.0 next to nothing is taken over.
    cooccurrence_weight, instance_weight, prototype_weight, threshold_weight : float, \
default=10.0, 0.05, 0.05, 0.1
        Of the terms of the loss.
    variant : {"paper", "reference"}, default="paper"
        "paper" draws positives towards their label's prototypes and negatives away from them;
        "reference" does the opposite, as the published code does.

    Attributes
    ----------
    transfers : bool
        Whether labels are taken over: False at first. A
        :class:`~skd2ace.training.LabelTransfer` turns it on, and gives prototypes.
    ramp : float
        Factor on the terms of co-occurrence and instances, 1 at first.

    Raises
    ------
    ValueError
        If a size is no positive integer, or ``label_vectors`` not one finite vector for each
        label.

    Notes
    -----
    A term is a mean over the cells that it is of. With y = 1, -1 and 0 for known positives, known
    negatives and others, the loss is the cross-entropy of the known labels, plus that of pairs of
    labels to be known positives together (asymmetric, as
    :class:`AsymmetricLoss` with exponents 1 and 2), plus a contrast of images
    that share or do not share a label. Once labels are taken over there are besides the
    cross-entropies with the labels found within and across images, those of the scores themselves
    less the thresholds, by which these are learned, and the contrast with prototypes, the mean of
    1 - y s. As in the published code two known negatives of a label repel each other.

    Biases of the attention's last two layers are left out: a softmax over positions cancels them.
    A label without a known positive has edges to none; in the published code they are NaN.

    References
    ----------
    .. [1] Chen, Pu, Liu, Shi, Yang and Lin (2024). Heterogeneous Semantic Transfer for Multi-label
       Recognition with Partial Labels. IJCV. arXiv:2205.11131.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import HST
    >>> head = HST(16, 3, vector_size=8, feature_size=8, hidden_size=8, output_size=8)
    >>> Y = torch.tensor([[1.0, torch.nan, 0.0], [1.0, 1.0, torch.nan]])
    >>> head.fit_label_graph(Y.nan_to_num(), cell_weight=(~Y.isnan()).float())
    >>> sorted(head.training_loss(torch.randn(2, 16, 7, 7), Y).terms)
    ['bce', 'cooccurrence', 'instance']
    """

    label_graph: Tensor
    label_vectors: Tensor
    prototypes: Tensor
    pairs: Tensor

    def __init__(
        self,
        n_channels: int,
        n_labels: int,
        label_vectors: Tensor | None = None,
        vector_size: int = 300,
        feature_size: int = 1024,
        hidden_size: int = 512,
        output_size: int = 1024,
        n_steps: int = 3,
        n_prototypes: int = 10,
        threshold: float = 1.0,
        cooccurrence_weight: float = 10.0,
        instance_weight: float = 0.05,
        prototype_weight: float = 0.05,
        threshold_weight: float = 0.1,
        variant: Variant = "paper",
    ) -> None:
        super().__init__()
        n_channels, q, vector_size, m, hidden, out, n_steps, n_prototypes = check_sizes(
            "HST",
            n_channels=n_channels,
            n_labels=n_labels,
            vector_size=vector_size,
            feature_size=feature_size,
            hidden_size=hidden_size,
            output_size=output_size,
            n_steps=n_steps,
            n_prototypes=n_prototypes,
        )
        check_variant(variant)
        self.variant, self.transfers, self.ramp = variant, False, 1.0
        self.cooccurrence_weight, self.instance_weight = cooccurrence_weight, instance_weight
        self.prototype_weight, self.threshold_weight = prototype_weight, threshold_weight
        add_label_vectors(self, label_vectors, q, vector_size)
        self.register_buffer("label_graph", torch.eye(q))
        self.register_buffer("prototypes", torch.zeros(q, n_prototypes, m))
        self.register_buffer("pairs", torch.triu_indices(q, q, offset=1), persistent=False)
        self.reduce = nn.Sequential(nn.Linear(n_channels, m, bias=False), RowNorm(m))
        self.attend_image = nn.Linear(m, hidden, bias=False)
        self.attend_label = nn.Linear(self.label_vectors.shape[1], hidden, bias=False)
        self.attend_hidden = nn.Linear(hidden, hidden, bias=False)
        self.attend_score = nn.Linear(hidden, 1, bias=False)
        self.graph_network = GatedGraph(m, n_steps)
        self.hidden = nn.Linear(2 * m, out)
        self.classifier = _UniformRows(q, out)
        self.pair_input = nn.Linear(m, hidden)
        self.pair_hidden = nn.Linear(2 * hidden, out)
        self.pair_output = nn.Linear(out, out)
        self.pair_classifier = _UniformRows(q * (q - 1) // 2, out)
        self.intra_threshold = nn.Parameter(torch.tensor(float(threshold)))
        self.inter_threshold = nn.Parameter(torch.tensor(float(threshold)))

    def fit_label_graph(self, Y: Tensor, cell_weight: Tensor | None = None) -> None:
        """Set the label graph to P(j | i) over the labels to train on, as far as they are known.

        Parameters
        ----------
        Y : Tensor of shape (n, q)
            0/1; anything in cells of weight 0.
        cell_weight : Tensor of shape (n,) or (n, q), optional
            Not negative, 0 of labels that are not known; None is 1 for all. As in the published
            code, P(j | i) is the share of i's known positives in which j is known to be positive.
        """
        graph = conditional_probabilities(Y, cell_weight, unknown_is_absent=True)
        graph.fill_diagonal_(1)
        self.label_graph.copy_(graph)

    def fit_prototypes(self, features: Tensor, Y: Tensor, random_state: int = 0) -> None:
        """Set each label's prototypes to cluster centres of its known positives' features.

        Parameters
        ----------
        features : Tensor of shape (n, q, m)
            As :meth:`label_features` gives them.
        Y : Tensor of shape (n, q)
            0/1, NaN where a label is not known.
        random_state : int, default=0
            Seed of k-means. Of fewer features than prototypes each is a prototype, in turn.
        """
        self.set_prototypes(
            [features[Y[:, label] == 1, label] for label in range(Y.shape[1])], random_state
        )

    def set_prototypes(self, features: list[Tensor], random_state: int) -> None:
        """Cluster features (n_j, m) of each label j; a label without any has none, of zeros."""
        n_prototypes = self.prototypes.shape[1]
        self.prototypes.zero_()
        # Here, since it is a third of what importing skd2ace adds.
        from sklearn.cluster import KMeans

        for label, positives in enumerate(features):
            distinct = len(np.unique(positives.cpu().numpy(), axis=0))
            if distinct:
                k_means = KMeans(min(n_prototypes, distinct), n_init=1, random_state=random_state)
                centers = k_means.fit(positives.cpu().numpy()).cluster_centers_
                turns = np.arange(n_prototypes) % len(centers)
                self.prototypes[label] = torch.as_tensor(centers[turns]).to(self.prototypes)

    def label_features(self, features: Tensor) -> Tensor:
        """Map features (b, n_channels) or maps (b, n_channels, h, w) to (b, q, m)."""
        if features.ndim == 2:
            features = features[:, :, None]
        positions = features.flatten(2).transpose(1, 2)
        b, n_positions, _ = positions.shape
        reduced = self.reduce(positions.flatten(0, 1)).view(b, n_positions, -1)
        return self._attend(reduced).transpose(1, 2) @ reduced

    def forward(self, features: Tensor) -> Tensor:
        """Map features (b, n_channels) or maps (b, n_channels, h, w) to logits (b, q)."""
        return self._classify(self.label_features(features))

    def training_loss(
        self,
        features: Tensor,
        Y: Tensor,
        weights: Tensor | None = None,
        *,
        instance_weights: Tensor | None = None,
    ) -> LossOutput:
        """Losses of known labels and pairs, and of labels that are taken over.

        Parameters
        ----------
        features : Tensor of shape (b, n_channels) or (b, n_channels, h, w)
        Y : Tensor of shape (b, q)
            0/1 in the floating-point type of the features; NaN where it is not known.
        weights : Tensor of shape (b,) or (b, q), optional
            Multiply the cross-entropies; those of shape (b,) the other terms too. A label that is
            taken over weighs what the known labels of its image do on average.
        instance_weights : Tensor of shape (b,), optional
            Multiply the other terms, beside weights of shape (b, q).

        Returns
        -------
        LossOutput
            With the terms ``bce``, ``cooccurrence`` and ``instance``; once labels are taken over,
            ``intra``, ``inter``, ``intra_threshold``, ``inter_threshold`` and ``prototype``
            besides. In evaluation mode no pair of images is left out.
        """
        ranks = None
        if self.training:
            kinds = pair_kinds(_signs(Y))[1:]
            ranks = tuple(ranks_of(torch.rand(kind.shape, device=Y.device), kind) for kind in kinds)
        return self._loss(features, Y, ranks, weights, instance_weights)  # type: ignore[arg-type]

    def _loss(
        self,
        features: Tensor,
        Y: Tensor,
        ranks: tuple[Tensor, Tensor] | None,
        weights: Tensor | None = None,
        instance_weights: Tensor | None = None,
    ) -> LossOutput:
        labels, known = known_labels(Y)
        signs = _signs(Y)
        if weights is not None and weights.ndim == 1:
            weights, instance_weights = weights[:, None].expand(Y.shape), weights
        of_labels = self.label_features(features)
        logits, pair_logits = self._classify(of_labels), self._pair_logits(of_labels)
        both = (signs[:, self.pairs[0]] == 1) & (signs[:, self.pairs[1]] == 1)
        pair_losses = asymmetric_pair_losses(pair_logits, both)
        terms = {
            "bce": _mean_known(known_losses(logits, signs), signs, weights, signs),
            # Without a pair, of one label, there is nothing to average.
            "cooccurrence": _row_mean(pair_losses, instance_weights),
            "instance": instance_contrast(of_labels, signs, ranks, instance_weights),
        }
        loss = terms["bce"] + self.ramp * (
            self.cooccurrence_weight * terms["cooccurrence"]
            + self.instance_weight * terms["instance"]
        )
        if self.transfers:
            own = self._transfer(logits, pair_logits, of_labels, signs, weights, instance_weights)
            terms |= own
            thresholds = own["intra_threshold"] + own["inter_threshold"]
            loss = loss + own["intra"] + own["inter"] + self.threshold_weight * thresholds
            loss = loss + self.prototype_weight * own["prototype"]
        return LossOutput(loss, logits, label_losses(logits, labels, known), terms)

    def _transfer(
        self,
        logits: Tensor,
        pair_logits: Tensor,
        of_labels: Tensor,
        signs: Tensor,
        weights: Tensor | None,
        instance_weights: Tensor | None,
    ) -> dict[str, Tensor]:
        """Terms of the labels that are taken over within images and across them."""
        intra = intra_scores(self._cooccurrences(pair_logits), signs)
        inter = inter_scores(of_labels, self.prototypes)
        terms = {}
        for name, scores, threshold in (
            ("intra", intra, self.intra_threshold),
            ("inter", inter, self.inter_threshold),
        ):
            excess = (scores - threshold).clamp(0, 1)
            target = torch.where((signs == 0) & (excess > 0), 1, signs)
            terms[name] = _mean_known(known_losses(logits, target), target, weights, signs)
            losses = known_losses(excess, signs)
            terms[f"{name}_threshold"] = _mean_known(losses, signs, weights, signs)
        attraction = signs * inter if self.variant == "paper" else -signs * inter
        terms["prototype"] = _row_mean(1 - attraction, instance_weights)
        return terms

    def _attend(self, reduced: Tensor) -> Tensor:
        """Attention (b, positions, q) of labels over the positions (b, positions, m)."""
        # The two linear layers behind the tanh are one, of a single output.
        scores = self.attend_score.weight @ self.attend_hidden.weight
        image, label = self.attend_image(reduced), self.attend_label(self.label_vectors)
        return (torch.tanh(image[:, :, None] * label) @ scores[0]).softmax(1)

    def _classify(self, of_labels: Tensor) -> Tensor:
        nodes = self.graph_network(of_labels, self.label_graph)
        return self.classifier(torch.tanh(self.hidden(torch.cat((nodes, of_labels), dim=2))))

    def _pair_logits(self, of_labels: Tensor) -> Tensor:
        """Logits (b, q (q - 1) / 2) of pairs of labels, in the order 01, 02, ..., 12, ..."""
        given = self.pair_input(of_labels)
        # What each of the two adds to the hidden layer is made once, not for each pair.
        first, second = self.pair_hidden.weight.chunk(2, dim=1)
        joined = (given @ first.T)[:, self.pairs[0]] + (given @ second.T)[:, self.pairs[1]]
        hidden = torch.relu(joined + self.pair_hidden.bias)
        return self.pair_classifier(self.pair_output(hidden))

    def _cooccurrences(self, pair_logits: Tensor) -> Tensor:
        """Probabilities (b, q, q) of two labels to occur together, 1 on the diagonal."""
        q, b = len(self.label_graph), len(pair_logits)
        ones = torch.eye(q, dtype=pair_logits.dtype, device=pair_logits.device).expand(b, q, q)
        i, j = self.pairs
        matrix = ones.clone()
        matrix[:, i, j] = matrix[:, j, i] = torch.sigmoid(pair_logits)
        return matrix


class _UniformRows(nn.Module):
    """A vector and a bias for each label or pair, of which each is multiplied by its own."""

    def __init__(self, n_rows: int, size: int) -> None:
        super().__init__()
        bound = size**-0.5
        self.weight = nn.Parameter(torch.empty(n_rows, size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_rows).uniform_(-bound, bound))

    def forward(self, hidden: Tensor) -> Tensor:
        """Map (b, rows, size) to (b, rows)."""
        return (hidden * self.weight).sum(2) + self.bias


def _signs(Y: Tensor) -> Tensor:
    """1 for positives, -1 for negatives, 0 for labels that are not known."""
    return torch.nan_to_num(2 * Y - 1, nan=0.0)


def _mean_known(losses: Tensor, target: Tensor, weights: Tensor | None, signs: Tensor) -> Tensor:
    """Mean of losses (b, q) over the cells whose target is not 0, by weight.

    As everywhere weights of labels are so scaled that their sum is divided by b q.
    """
    known = signs != 0
    n_known = known.sum().clamp(min=1)
    if weights is None:
        weights = known * (known.numel() / n_known)
    weights = torch.where(known, weights, 0)
    overall = weights.sum() / n_known
    n_in_row = known.sum(1, keepdim=True)
    of_row = torch.where(
        n_in_row > 0, weights.sum(1, keepdim=True) / n_in_row.clamp(min=1), overall
    )
    weights = torch.where(known, weights, of_row)
    n_target = (target != 0).sum().clamp(min=1)
    return (losses * weights).mean() * (n_known / n_target)


def _row_mean(losses: Tensor, instance_weights: Tensor | None) -> Tensor:
    """Mean of losses (b, k), rows by weight; 0 where k is."""
    if instance_weights is not None:
        losses = losses * instance_weights[:, None]
    return losses.sum() / max(losses.numel(), 1)

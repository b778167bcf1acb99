"""ML-GCN: classifiers of labels that a graph convolution makes of label vectors."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from skd2ace._labels import conditional_probabilities

from ._layers import check_sizes

Variant = Literal["paper", "reference"]


class MLGCN(nn.Module):
    """Head of a backbone whose label classifiers know of each other (Chen et al. 2019).

    Two graph convolutions turn one vector per label into one classifier per label, along a graph
    of the labels that imply each other in the training data. The logit of an image is the product
    of the classifier and its features, of which each channel's maximum over positions is taken.

    It has no loss of its own: any ``criterion`` trains it. The label graph is of the labels that
    it was shown with :meth:`fit_label_graph`; before, each label stands alone.

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
    hidden_size : int, default=1024
        Between the two convolutions.
    threshold : float, default=0.4
        P(j | i) from which there is an edge from i to j.
    neighbor_weight : float, default=0.2
        p, in [0, 1): the share of a node's vector that comes from its neighbours.
    variant : {"paper", "reference"}, default="paper"
        Which way vectors go: "reference" propagates along the transposed graph, as the published
        code does, where a label gathers from the labels that imply it.

    Raises
    ------
    ValueError
        If a size is no positive integer, another parameter out of range, or ``label_vectors`` not
        one finite vector for each label.

    Notes
    -----
    With B_ij = [P(j | i) >= threshold] off the diagonal, the graph is A_ij = p B_ij / sum_i B_ij
    off the diagonal and 1 - p on it (Eq. 8 of the paper as its authors corrected it), and what is
    propagated D A D with D_ii = (sum_j A_ij)^(-1/2). The published code has A^T in the place of A
    there, and p / (1 - p) and 1 in the place of p and 1 - p, which the normalisation cancels but
    for 1e-6.

    References
    ----------
    .. [1] Chen, Wei, Wang and Guo (2019). Multi-Label Image Recognition with Graph Convolutional
       Networks. CVPR. arXiv:1904.03582.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import MLGCN
    >>> head = MLGCN(n_channels=16, n_labels=3, vector_size=8, hidden_size=8)
    >>> head.fit_label_graph(torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]]))
    >>> head(torch.randn(5, 16, 7, 7)).shape
    torch.Size([5, 3])
    """

    label_graph: Tensor
    label_vectors: Tensor

    def __init__(
        self,
        n_channels: int,
        n_labels: int,
        label_vectors: Tensor | None = None,
        vector_size: int = 300,
        hidden_size: int = 1024,
        threshold: float = 0.4,
        neighbor_weight: float = 0.2,
        variant: Variant = "paper",
    ) -> None:
        super().__init__()
        n_channels, n_labels, vector_size, hidden_size = check_sizes(
            "MLGCN",
            n_channels=n_channels,
            n_labels=n_labels,
            vector_size=vector_size,
            hidden_size=hidden_size,
        )
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be in [0, 1], got {threshold!r}.")
        if not 0 <= neighbor_weight < 1:
            raise ValueError(f"neighbor_weight must be in [0, 1), got {neighbor_weight!r}.")
        check_variant(variant)
        self.threshold, self.neighbor_weight, self.variant = threshold, neighbor_weight, variant
        add_label_vectors(self, label_vectors, n_labels, vector_size)
        self.register_buffer("label_graph", torch.eye(n_labels))
        vector_size = self.label_vectors.shape[1]
        self.first = _uniform_weight(vector_size, hidden_size)
        self.second = _uniform_weight(hidden_size, n_channels)

    def fit_label_graph(self, Y: Tensor, cell_weight: Tensor | None = None) -> None:
        """Set the label graph to what the labels to train on imply of each other.

        Parameters
        ----------
        Y : Tensor of shape (n, q)
            0/1; anything in cells of weight 0.
        cell_weight : Tensor of shape (n,) or (n, q), optional
            Not negative; None is 1 for all. An instance of weight 2 counts as two.
        """
        graph = correlation_matrix(
            conditional_probabilities(Y, cell_weight),
            self.threshold,
            self.neighbor_weight,
            self.variant,
        )
        self.label_graph.copy_(normalize_graph(graph, self.variant))

    def make_classifiers(self) -> Tensor:
        """Classifiers (q, n_channels) of the labels after the graph convolutions."""
        hidden = leaky_relu(self.label_graph @ (self.label_vectors @ self.first), 0.2)
        return self.label_graph @ (hidden @ self.second)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (b, n_channels), or maps (b, n_channels, h, w), to logits (b, q)."""
        pooled = features.flatten(2).amax(2) if features.ndim > 2 else features
        return pooled @ self.make_classifiers().T


def add_label_vectors(
    head: nn.Module, label_vectors: Tensor | None, n_labels: int, vector_size: int
) -> None:
    """Give a head its ``label_vectors``, (q, e): those given as a buffer, or a parameter.

    Raises
    ------
    ValueError
        If those given are not one finite vector for each label.
    """
    if label_vectors is None:
        head.register_parameter("label_vectors", nn.Parameter(torch.randn(n_labels, vector_size)))
        return
    vectors = torch.as_tensor(label_vectors).to(torch.get_default_dtype())
    if vectors.ndim != 2 or len(vectors) != n_labels or not vectors.isfinite().all():
        raise ValueError(
            f"label_vectors must be one finite vector for each of the {n_labels} labels, got "
            f"shape {tuple(vectors.shape)}."
        )
    head.register_buffer("label_vectors", vectors.clone())


def check_variant(variant: str) -> None:
    """Refuse what is neither the paper nor its published code."""
    if variant not in ("paper", "reference"):
        raise ValueError(f"variant must be 'paper' or 'reference', got {variant!r}.")


def correlation_matrix(
    conditional: Tensor, threshold: float, neighbor_weight: float, variant: Variant
) -> Tensor:
    """Binary correlations of labels, re-weighted so that neighbours do not drown a label.

    Parameters
    ----------
    conditional : Tensor of shape (q, q)
        P(j | i) in row i and column j.
    threshold, neighbor_weight, variant
        As of :class:`MLGCN`.

    Returns
    -------
    Tensor of shape (q, q)
        A: Eq. 7 and the corrected Eq. 8 of the paper, or what the published code has there.
    """
    edges = (conditional >= threshold).to(conditional.dtype).fill_diagonal_(0)
    identity = torch.eye(len(edges), dtype=edges.dtype, device=edges.device)
    into = edges.sum(0)
    if variant == "reference":
        return neighbor_weight / (1 - neighbor_weight) * edges / (into + 1e-6) + identity
    return neighbor_weight * edges / into.clamp(min=1) + (1 - neighbor_weight) * identity


def normalize_graph(graph: Tensor, variant: Variant) -> Tensor:
    """D A D with D_ii = (sum_j A_ij)^(-1/2), or D A^T D, as the published code has it."""
    scale = graph.sum(1).rsqrt()
    directed = graph.T if variant == "reference" else graph
    return scale[:, None] * directed * scale


def _uniform_weight(n_in: int, n_out: int) -> nn.Parameter:
    bound = n_out**-0.5
    return nn.Parameter(torch.empty(n_in, n_out).uniform_(-bound, bound))

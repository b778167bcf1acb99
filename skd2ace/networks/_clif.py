"""CLIF: collaborative learning of label semantics and label-specific features."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from skd2ace._labels import cooccurrence_graph

from ._gated import gated_logits
from ._layers import GINLayer, check_sizes, kaiming_linear, leaky_mlp
from ._loss import LossOutput, known_labels, label_losses, weighted_mean


class CLIF(nn.Module):
    """Deep multi-label network with label-specific features (Hang and Zhang 2021).

    Random label embeddings pass through a graph isomorphism network over the co-occurrence
    graph of the labels. What comes out gates, label by label, the features that a multilayer
    perceptron makes of the instance, and one linear classifier per label reads the result.

    Parameters
    ----------
    n_features, n_labels : int
        d and q. The estimators fill them in.
    embedding_size : int, default=64
        Length of a label's embedding; d_e of the paper.
    hidden_size : int, default=512
        Number of label-specific features.
    link_weight : float, default=1e-3
        Weight of the link-prediction loss; lambda of the paper.
    dropout : float, default=0.2
        In the graph network and in the feature layers.

    Attributes
    ----------
    label_graph : Tensor of shape (q, q)
        A of the paper, a buffer: zeros until :meth:`fit_label_graph`.

    Raises
    ------
    ValueError
        If a size or number is not a positive integer.

    Notes
    -----
    Time and memory are those of the product (b, q, hidden_size) of features and gates and of the
    one dense layer upon it, O(b q hidden_size^2) per step; both are computed label block by
    label block in one pass, which can be differentiated once.

    The published code never fills the graph in; ours has the co-occurrences of the labels it
    trains on. With a single label, BatchNorm over the labels has nothing to average and uses
    its running statistics.

    References
    ----------
    .. [1] Hang and Zhang (2021). Collaborative Learning of Label Semantics and Deep
       Label-Specific Features for Multi-Label Classification. IEEE TPAMI.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import CLIF
    >>> network = CLIF(n_features=10, n_labels=4)
    >>> network.fit_label_graph(torch.eye(4))
    >>> network(torch.randn(3, 10)).shape
    torch.Size([3, 4])
    """

    label_embedding: Tensor
    label_graph: Tensor

    def __init__(
        self,
        n_features: int,
        n_labels: int,
        embedding_size: int = 64,
        hidden_size: int = 512,
        link_weight: float = 1e-3,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        n_features, n_labels = check_sizes("CLIF", n_features=n_features, n_labels=n_labels)
        embedding_size, hidden_size = check_sizes(
            "CLIF", embedding_size=embedding_size, hidden_size=hidden_size
        )
        self.link_weight = link_weight
        self.register_buffer("label_embedding", torch.randn(n_labels, embedding_size))
        self.register_buffer("label_graph", torch.zeros(n_labels, n_labels))
        self.gin = nn.ModuleList(GINLayer(embedding_size, dropout) for _ in range(2))
        self.features = leaky_mlp([n_features] + [hidden_size] * 3, dropout=dropout)
        self.gate = nn.Linear(embedding_size, hidden_size)
        nn.init.kaiming_uniform_(self.gate.weight, nonlinearity="sigmoid")
        nn.init.zeros_(self.gate.bias)
        self.product = kaiming_linear(hidden_size, hidden_size, negative_slope=0.1)
        # A grouped convolution in the published code, which starts like this.
        bound = hidden_size**-0.5
        self.classifier_weight = nn.Parameter(
            torch.empty(n_labels, hidden_size).uniform_(-bound, bound)
        )
        self.classifier_bias = nn.Parameter(torch.empty(n_labels).uniform_(-bound, bound))

    def fit_label_graph(self, Y: Tensor, cell_weight: Tensor | None = None) -> None:
        """Set the label graph to the co-occurrences of the labels to train on.

        A_ij = (P(l_j | l_i) + P(l_i | l_j)) / 2, with P(l_j | l_i) the sum over instances n of
        w_nij Y_ni Y_nj over that of w_nij Y_ni, and w_nij = sqrt(w_ni w_nj).

        Parameters
        ----------
        Y : Tensor of shape (n, q)
            0/1; anything in cells of weight 0.
        cell_weight : Tensor of shape (n,) or (n, q), optional
            w, not negative; None is 1 for all. An instance of weight 2 counts as two; one in which
            either label has weight 0 counts for neither sum.
        """
        self.label_graph.copy_(cooccurrence_graph(Y, cell_weight))

    def embed_labels(self) -> Tensor:
        """Embeddings (q, d_e) of the labels after the graph network."""
        nodes = self.label_embedding
        for layer in self.gin:
            nodes = layer(nodes, self.label_graph)
        return nodes

    def forward(self, X: Tensor) -> Tensor:
        """Map features (b, d) to logits (b, q)."""
        return self._classify(X, self.embed_labels())

    def training_loss(self, X: Tensor, Y: Tensor, weights: Tensor | None = None) -> LossOutput:
        """Binary cross-entropy plus ``link_weight`` times the loss of predicting the graph.

        Parameters
        ----------
        X : Tensor of shape (b, d)
        Y : Tensor of shape (b, q)
            0/1 in the floating-point type of X; NaN where it is not known.
        weights : Tensor of shape (b,) or (b, q), optional
            Multiply the cross-entropy; the link loss, of the parameters alone, stays.

        Returns
        -------
        LossOutput
            With the terms ``bce`` and ``link``.
        """
        embedding = self.embed_labels()
        logits = self._classify(X, embedding)
        losses = label_losses(logits, *known_labels(Y))
        bce = weighted_mean(losses, weights)
        link = self._link_loss(embedding)
        return LossOutput(bce + self.link_weight * link, logits, losses, {"bce": bce, "link": link})

    def _classify(self, X: Tensor, embedding: Tensor) -> Tensor:
        return gated_logits(
            self.features(X),
            self.gate(embedding),
            self.product.weight,
            self.product.bias,
            self.classifier_weight,
            self.classifier_bias,
        )

    def _link_loss(self, embedding: Tensor) -> Tensor:
        """Mean squared error of the embeddings' cosines against the graph with self-loops."""
        unit = F.normalize(embedding, dim=1)
        identity = torch.eye(len(unit), dtype=unit.dtype, device=unit.device)
        return (unit @ unit.T - self.label_graph - identity).square().mean()

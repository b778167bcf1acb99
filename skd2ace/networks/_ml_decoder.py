"""ML-Decoder: queries for groups of labels look at the positions of a feature map."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ._layers import check_sizes

# As the paper has for many labels.
_MOST_GROUPS = 100


class MLDecoder(nn.Module):
    """Head of a backbone in which queries look for labels in the image (Ridnik et al. 2023).

    One layer of a transformer's decoder without self-attention: each query attends to the
    positions of the feature map, and a feed-forward network follows. A query stands for a group of
    labels and is never trained; each group has a linear layer of its own, with an output for each
    of its labels. So the cost grows with the number of groups rather than of labels.

    It has no loss of its own: any ``criterion`` trains it; the paper takes
    :class:`~skd2ace.networks.AsymmetricLoss`.

    Parameters
    ----------
    n_channels : int
        Of the backbone's feature map.
    n_labels : int
        q.
    n_groups : int, optional
        K, at most q; None is q, up to 100. Groups are of ceil(q / K) labels in a row, the last one
        perhaps of fewer; where they reach for all labels before there are K, there are fewer.
    embedding_size : int, default=768
        Length d of queries, and of what each position's channels are mapped to.
    n_heads : int, default=8
        Of the attention; divides ``embedding_size``.
    feedforward_size : int, default=2048
        Between the two layers of the feed-forward network.
    dropout : float, default=0.1
        In [0, 1): of attention, of what it gives, and in and after the feed-forward network.

    Raises
    ------
    ValueError
        If a size is no positive integer, there are more groups than labels, ``n_heads`` does not
        divide ``embedding_size``, or ``dropout`` is out of range.

    Notes
    -----
    With E the positions' channels, mapped to d by a linear layer, and G the queries, drawn from a
    standard normal distribution, the paper has

    - G1 = MultiHeadAttention(G, E, E),
    - G2 = FeedForward(G1), two linear layers with a ReLU between them,
    - logit i = (W_k G2_k)_j with k = i div g, j = i mod g, and g = ceil(q / K).

    Around the first two are a residual connection and a normalisation of layers behind it, as
    in the decoder that the paper starts from (Vaswani et al. 2017), and the last has a bias. The
    paper's queries by word vectors, for labels that training has not seen, are not here.

    References
    ----------
    .. [1] Ridnik, Sharir, Ben-Cohen, Ben-Baruch and Noy (2023). ML-Decoder: Scalable and
       Versatile Classification Head. WACV. arXiv:2111.12933.
    .. [2] Vaswani et al. (2017). Attention Is All You Need. NeurIPS. arXiv:1706.03762.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import MLDecoder
    >>> head = MLDecoder(n_channels=16, n_labels=5, n_groups=2, embedding_size=32)
    >>> head(torch.randn(4, 16, 7, 7)).shape
    torch.Size([4, 5])
    """

    queries: Tensor

    def __init__(
        self,
        n_channels: int,
        n_labels: int,
        n_groups: int | None = None,
        embedding_size: int = 768,
        n_heads: int = 8,
        feedforward_size: int = 2048,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        n_channels, n_labels, embedding_size, n_heads, feedforward_size = check_sizes(
            "MLDecoder",
            n_channels=n_channels,
            n_labels=n_labels,
            embedding_size=embedding_size,
            n_heads=n_heads,
            feedforward_size=feedforward_size,
        )
        if n_groups is None:
            n_groups = min(n_labels, _MOST_GROUPS)
        (n_groups,) = check_sizes("MLDecoder", n_groups=n_groups)
        if n_groups > n_labels:
            raise ValueError(f"n_groups must be at most n_labels={n_labels}, got {n_groups}.")
        if embedding_size % n_heads:
            raise ValueError(f"n_heads must divide embedding_size={embedding_size}, got {n_heads}.")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout!r}.")
        self.group_size = math.ceil(n_labels / n_groups)
        n_queries = math.ceil(n_labels / self.group_size)
        self.register_buffer("queries", torch.randn(n_queries, embedding_size))
        self.embed = nn.Linear(n_channels, embedding_size)
        self.attention = nn.MultiheadAttention(
            embedding_size, n_heads, dropout=dropout, batch_first=True
        )
        self.attention_norm = nn.LayerNorm(embedding_size)
        self.feedforward = nn.Sequential(
            nn.Linear(embedding_size, feedforward_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(feedforward_size, embedding_size),
        )
        self.feedforward_norm = nn.LayerNorm(embedding_size)
        self.dropout = nn.Dropout(dropout)
        # The groups' layers one below the other.
        self.classifier = nn.Linear(embedding_size, n_labels)

    def forward(self, features: Tensor) -> Tensor:
        """Map maps (b, n_channels, h, w) to logits (b, q).

        Features (b, n_channels) are taken for those of a single position.
        """
        positions = features.flatten(2).mT if features.ndim > 2 else features[:, None]
        embedded = self.embed(positions)
        queries = self.queries.expand(len(features), -1, -1)
        # With weights: gradients of kernels that never make them may vary on a GPU.
        found, _ = self.attention(queries, embedded, embedded, average_attn_weights=False)
        found = self.attention_norm(queries + self.dropout(found))
        found = self.feedforward_norm(found + self.dropout(self.feedforward(found)))
        return self._classify(found)

    def _classify(self, found: Tensor) -> Tensor:
        """Logits (b, q) of what the queries (b, K, d) found, by each group's own layer."""
        n_queries, size = self.queries.shape
        n_labels, g = len(self.classifier.bias), self.group_size
        weights = pad(self.classifier.weight, (0, 0, 0, n_queries * g - n_labels))
        logits = torch.einsum("bkd,kjd->bkj", found, weights.view(n_queries, g, size))
        return logits.flatten(1)[:, :n_labels] + self.classifier.bias

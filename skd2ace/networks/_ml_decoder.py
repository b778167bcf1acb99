"""ML-Decoder: queries that look into a feature map, each for a group of labels."""

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from ._layers import check_sizes

# The paper's, for sets of many labels; up to as many, each label has a query of its own.
_MOST_GROUPS = 100


class MLDecoder(nn.Module):
    """Head of a backbone in which queries attend to the positions of a map (Ridnik et al. 2021).

    Each of K queries stands for a group of g = ceil(q / K) labels that follow each other. It
    gathers what it looks for from all positions by cross-attention, passes a feed-forward layer,
    and g linear functions of its own make the logits of its labels. Queries do not attend to each
    other, so that time grows with K and not with its square.

    It has no loss of its own: any ``criterion`` trains it; the paper takes
    :class:`AsymmetricLoss`.

    Parameters
    ----------
    n_channels : int
        Of the backbone's feature map.
    n_labels : int
        q.
    n_groups : int, optional
        K; by default as many as labels, and 100 at most.
    embedding_size : int, default=768
        Of queries and positions; ``n_heads`` divides it.
    n_heads : int, default=8
        Of the attention.
    feedforward_size : int, default=2048
        Hidden units of the feed-forward layer.
    dropout : float, default=0.1
        In [0, 1): of what attention and feed-forward layer add, of attention weights and of hidden
        units.

    Raises
    ------
    ValueError
        If a size is no positive integer, ``embedding_size`` no multiple of ``n_heads``, there are
        more groups than labels, or ``dropout`` is out of range.

    Notes
    -----
    With E the positions, projected to the embedding's size and rectified, and G the queries, which
    are drawn once from a standard normal distribution and not trained, for random queries do as
    well as learned ones (Section 2.2 of the paper):

    - G' = norm(norm(G) + attention(norm(G), E, E)), the norms being layer norms,
    - G'' = norm(G' + W2 relu(W1 G')),
    - logit of the label j in group k: w_kj . G''_k + b_kj.

    The first norm stands where the self-attention of a decoder was.

    References
    ----------
    .. [1] Ridnik, Sharir, Ben-Cohen, Ben-Baruch and Noy (2021). ML-Decoder: Scalable and Versatile
       Classification Head. arXiv:2111.12933.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import MLDecoder
    >>> head = MLDecoder(n_channels=16, n_labels=7, n_groups=3, embedding_size=32)
    >>> head(torch.randn(5, 16, 7, 7)).shape
    torch.Size([5, 7])
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
        n_channels, n_labels, n_groups, embedding_size, n_heads, feedforward_size = check_sizes(
            "MLDecoder",
            n_channels=n_channels,
            n_labels=n_labels,
            n_groups=min(n_labels, _MOST_GROUPS) if n_groups is None else n_groups,
            embedding_size=embedding_size,
            n_heads=n_heads,
            feedforward_size=feedforward_size,
        )
        if n_groups > n_labels:
            raise ValueError(f"n_groups={n_groups} is more than the {n_labels} labels.")
        if embedding_size % n_heads:
            raise ValueError(
                f"embedding_size={embedding_size} is no multiple of n_heads={n_heads}."
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout!r}.")
        self.n_labels = n_labels
        self.register_buffer("queries", torch.randn(n_groups, embedding_size))
        self.project = nn.Linear(n_channels, embedding_size)
        self.attend = nn.MultiheadAttention(embedding_size, n_heads, dropout, batch_first=True)
        self.feed_forward = nn.Sequential(
            nn.Linear(embedding_size, feedforward_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(feedforward_size, embedding_size),
        )
        self.norms = nn.ModuleList(nn.LayerNorm(embedding_size) for _ in range(3))
        self.drop = nn.Dropout(dropout)
        group_size = -(-n_labels // n_groups)
        bound = embedding_size**-0.5
        weight = torch.empty(n_groups, embedding_size, group_size).uniform_(-bound, bound)
        self.group_weight = nn.Parameter(weight)
        self.group_bias = nn.Parameter(torch.zeros(n_groups, group_size))

    def forward(self, features: Tensor) -> Tensor:
        """Map features (b, n_channels), or maps (b, n_channels, h, w), to logits (b, q)."""
        maps = features[:, :, None] if features.ndim == 2 else features.flatten(2)
        positions = relu(self.project(maps.transpose(1, 2)))
        queries = self.norms[0](self.queries).expand(len(features), -1, -1)
        found, _ = self.attend(queries, positions, positions, need_weights=False)
        gathered = self.norms[1](queries + self.drop(found))
        groups = self.norms[2](gathered + self.drop(self.feed_forward(gathered)))
        logits = torch.einsum("bke,keg->bkg", groups, self.group_weight) + self.group_bias
        # The last group may have room for more labels than there are.
        return logits.flatten(1)[:, : self.n_labels]

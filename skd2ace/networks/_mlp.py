"""The plain multi-layer perceptron."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import relu

from ._embedding import make_embedding
from ._layers import ByteDropout, check_sizes


class MLP(nn.Module):
    """Multi-layer perceptron, trained with any ``criterion``.

    With the binary cross-entropy it is :class:`TabM` of one member.

    Parameters
    ----------
    n_features, n_labels : int
    width, n_blocks, dropout, embedding_size
        As for :class:`TabM`.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import MLP
    >>> MLP(n_features=5, n_labels=3)(torch.rand(8, 5)).shape
    torch.Size([8, 3])
    """

    def __init__(
        self,
        n_features: int,
        n_labels: int,
        *,
        width: int = 256,
        n_blocks: int = 2,
        dropout: float = 0.3,
        embedding_size: int | None = None,
    ) -> None:
        super().__init__()
        n_features, n_labels, width, n_blocks = check_sizes(
            "MLP", n_features=n_features, n_labels=n_labels, width=width, n_blocks=n_blocks
        )
        if embedding_size is not None:
            (embedding_size,) = check_sizes("MLP", embedding_size=embedding_size)
        self.embedding = (
            None if embedding_size is None else make_embedding(n_features, embedding_size)
        )
        sizes = [n_features * (embedding_size or 1), *[width] * n_blocks]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.dropout = ByteDropout(dropout)
        self.head = nn.Linear(width, n_labels)

    def forward(self, X: Tensor) -> Tensor:
        """Logits (b, q)."""
        hidden = X if self.embedding is None else relu(self.embedding(X)).flatten(1)
        for layer in self.layers:
            hidden = self.dropout(relu(layer(hidden)))
        logits: Tensor = self.head(hidden)
        return logits

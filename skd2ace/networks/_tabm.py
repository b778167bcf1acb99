"""TabM: many networks in one, most of whose weights they share; and the network of one member."""

from itertools import pairwise
from typing import Literal

import torch
from tabm import LinearBatchEnsemble, LinearEnsemble
from torch import Tensor, nn
from torch.nn.functional import linear, relu

from ._batch_ensemble import apply_hidden_layer
from ._blindness import Blindness
from ._embedding import make_embedding
from ._layers import ByteDropout, check_sizes
from ._loss import LossOutput, known_labels, label_losses, weighted_mean

Sharing = Literal["shared", "mini", "packed"]


class TabM(nn.Module):
    """Ensemble of multi-layer perceptrons in one network, after Gorishniy et al. (2025).

    All members see a batch at the same time. They share the weights of their layers but for a
    factor on each input and output and a bias, and have a last layer of their own. What is
    minimised is the mean of the members' losses, and what is predicted the mean of their
    probabilities.

    Each member can be blind to a part of the rows it is trained on, so that there are members
    that never saw a row: ``out_of_bag_logits`` is their prediction.

    Parameters
    ----------
    n_features, n_labels : int
    k : int, default=16
        Number of members. One is a plain multi-layer perceptron, :class:`MLP` with this loss.
    width : int, default=256
        Units of each hidden layer.
    n_blocks : int, default=2
        Hidden layers.
    dropout : float, default=0.3
        Probability that the output of a unit is left out; as a multiple of 1/256.
    n_parts : int or None, default=4
        Each member is blind to one of so many parts of the rows, drawn at random, and each row is
        unseen by one of so many members; None hides nothing. Without meaning for one member.
    sharing : {"shared", "mini", "packed"}, default="shared"
        What members share: all matrices of the hidden layers ("shared", TabM); these and the
        factors but for those of the input ("mini"); nothing ("packed", a deep ensemble).
    embedding_size : int or None, default=None
        Numbers that a piecewise linear function makes of each feature, which bends at quantiles
        of the normal distribution: for features that are spread as that is. None takes the
        features as they are.

    References
    ----------
    .. [1] Gorishniy, Kotelnikov and Babenko (2025). TabM: Advancing Tabular Deep Learning with
       Parameter-Efficient Ensembling. ICLR.
    .. [2] Gorishniy, Rubachev and Babenko (2022). On Embeddings for Numerical Features in Tabular
       Deep Learning. NeurIPS.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import TabM
    >>> network = TabM(n_features=5, n_labels=3, k=4)
    >>> X, Y = torch.rand(8, 5), torch.ones(8, 3)
    >>> network(X).shape, network.member_logits(X).shape
    (torch.Size([8, 3]), torch.Size([8, 4, 3]))
    >>> network.training_loss(X, Y, index=torch.arange(8)).label_losses.shape
    torch.Size([8, 3])
    """

    def __init__(
        self,
        n_features: int,
        n_labels: int,
        *,
        k: int = 16,
        width: int = 256,
        n_blocks: int = 2,
        dropout: float = 0.3,
        n_parts: int | None = 4,
        sharing: Sharing = "shared",
        embedding_size: int | None = None,
    ) -> None:
        super().__init__()
        if sharing not in ("shared", "mini", "packed"):
            raise ValueError(f"sharing must be 'shared', 'mini' or 'packed', got {sharing!r}.")
        if n_parts == 1:
            raise ValueError("n_parts must be at least 2, or None, got 1.")
        name = type(self).__name__
        n_features, n_labels, k, width, n_blocks = check_sizes(
            name, n_features=n_features, n_labels=n_labels, k=k, width=width, n_blocks=n_blocks
        )
        if n_parts is not None:
            (n_parts,) = check_sizes(name, n_parts=n_parts)
        if embedding_size is not None:
            (embedding_size,) = check_sizes(name, embedding_size=embedding_size)
        self.k = k
        self.embedding = (
            None if embedding_size is None else make_embedding(n_features, embedding_size)
        )
        sizes = [n_features * (embedding_size or 1), *[width] * n_blocks]
        self.layers = nn.ModuleList(
            _make_layer(*pair, k, "packed" if k == 1 else sharing, is_first=i == 0)
            for i, pair in enumerate(pairwise(sizes))
        )
        self.dropout = ByteDropout(dropout)
        self.head = LinearEnsemble(width, n_labels, k=k)
        self.blindness = None if n_parts is None or k == 1 else Blindness(k, n_parts)

    @property
    def has_out_of_bag(self) -> bool:
        """Whether there are members that do not see a row."""
        return self.blindness is not None

    def member_logits(self, X: Tensor) -> Tensor:
        """Logits of each member.

        Parameters
        ----------
        X : Tensor of shape (b, d)

        Returns
        -------
        Tensor of shape (b, k, q)
        """
        hidden = self._embed(X)[:, None].expand(-1, self.k, -1)
        for layer in self.layers:
            hidden = apply_hidden_layer(layer, self.dropout, hidden)
        logits: Tensor = self.head(hidden)
        return logits

    def forward(self, X: Tensor) -> Tensor:
        """Logits (b, q) of the mean of the members' probabilities."""
        return average_members(self.member_logits(X))

    def training_loss(
        self, X: Tensor, Y: Tensor, weights: Tensor | None = None, *, index: Tensor | None = None
    ) -> LossOutput:
        """Mean of the losses of those members that train on a row.

        Parameters
        ----------
        X : Tensor of shape (b, d)
        Y : Tensor of shape (b, q)
            NaN where a label is not known.
        weights : Tensor of shape (b,) or (b, q), optional
            Of the losses of each member.
        index : Tensor of shape (b,), int64, optional
            Positions of the rows in the training part; without them no member is blind.

        Returns
        -------
        LossOutput
            ``logits`` and ``label_losses`` are those of the mean prediction of the members that
            train on the row; ``terms`` has the loss itself, as "bce".
        """
        labels, known = known_labels(Y)
        members = self.member_logits(X)
        losses = label_losses(members, *(t[:, None].expand_as(members) for t in (labels, known)))
        seeing = None
        if self.blindness is not None and index is not None:
            seeing = ~self.blindness(index)
        loss = weighted_mean(_average(losses, seeing), weights)
        with torch.no_grad():
            logits = average_members(members, seeing)
            of_mean = label_losses(logits, labels, known)
        return LossOutput(loss, logits, of_mean, {"bce": loss})

    def out_of_bag_logits(self, X: Tensor, index: Tensor) -> Tensor:
        """Logits of the mean probability of the members that are blind to each row.

        Parameters
        ----------
        X : Tensor of shape (b, d)
        index : Tensor of shape (b,), int64
            Positions of the rows in the training part.

        Returns
        -------
        Tensor of shape (b, q)
            NaN where every member sees the row.

        Raises
        ------
        ValueError
            If no member is blind to anything.
        """
        return average_members(*self.blind_member_logits(X, index))

    def blind_member_logits(self, X: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of each member for those rows that it does not see.

        Parameters
        ----------
        X, index
            As for :meth:`out_of_bag_logits`, and with the same error.

        Returns
        -------
        logits : Tensor of shape (b, k, q)
            0 where a member sees the row.
        blind : Tensor of shape (b, k), bool
        """
        if self.blindness is None:
            raise ValueError("All members see all rows: there is nothing out of bag.")
        blind = self.blindness(index)
        members = X.new_zeros(len(X), self.k, self.head.out_features)
        # One after the other: each predicts no more than the rows that it did not see.
        for m in range(self.k):
            rows = blind[:, m].nonzero()[:, 0]
            members[rows, m] = self._logits_of_member(m, X[rows])
        return members, blind

    def _logits_of_member(self, m: int, X: Tensor) -> Tensor:
        hidden = self._embed(X)
        for layer in self.layers:
            hidden = self.dropout(relu(_apply_member(layer, m, hidden)))
        logits: Tensor = _apply_member(self.head, m, hidden)
        return logits

    def _embed(self, X: Tensor) -> Tensor:
        return X if self.embedding is None else relu(self.embedding(X)).flatten(1)


def average_members(members: Tensor, chosen: Tensor | None = None) -> Tensor:
    """Logits of the mean probability of an ensemble's members.

    Parameters
    ----------
    members : Tensor of shape (b, k, q)
        Logits of each.
    chosen : Tensor of shape (b, k), bool, optional
        Those to average, in each row; all by default.

    Returns
    -------
    Tensor of shape (b, q)
        NaN where none is chosen.
    """
    if members.shape[1] == 1 and chosen is None:
        return members[:, 0]
    # log(sum p) - log(sum (1 - p)): a probability itself is 1 in float32 from a logit of 17 on.
    other = nn.functional.logsigmoid(-members)
    if chosen is not None:
        other = other.masked_fill(~chosen[..., None], -torch.inf)
    return (members + other).logsumexp(1) - other.logsumexp(1)


def _average(losses: Tensor, seeing: Tensor | None) -> Tensor:
    """Mean (b, q) of the losses (b, k, q) of members that see a row; 0 where none does."""
    if seeing is None:
        return losses.mean(1)
    weight = seeing / seeing.sum(1, keepdim=True).clamp(min=1)
    return torch.einsum("bkq,bk->bq", losses, weight.to(losses.dtype))


def _make_layer(
    n_in: int, n_out: int, k: int, sharing: Sharing, *, is_first: bool
) -> LinearBatchEnsemble | LinearEnsemble | nn.Linear:
    if sharing == "packed":
        return LinearEnsemble(n_in, n_out, k=k)
    if sharing == "mini" and not is_first:
        return nn.Linear(n_in, n_out)
    # As in the paper: what tells members apart at first are the signs of their inputs.
    return LinearBatchEnsemble(
        n_in, n_out, k=k, scaling_init=("random-signs" if is_first else "ones", "ones")
    )


def _apply_member(layer: nn.Module, m: int, hidden: Tensor) -> Tensor:
    """Output (b, n_out) of a layer for inputs (b, n_in) of one member."""
    if isinstance(layer, LinearBatchEnsemble):
        return linear(hidden * layer.r[m], layer.weight) * layer.s[m] + layer.bias[m]
    if isinstance(layer, LinearEnsemble):
        return hidden @ layer.weight[m] + layer.bias[m]
    output: Tensor = layer(hidden)
    return output

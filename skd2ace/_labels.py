"""Statistics of a label matrix that more than one package needs."""

import torch
from torch import Tensor


def cooccurrence_graph(Y: Tensor) -> Tensor:
    """Mean conditional probability of two labels given each other.

    Parameters
    ----------
    Y : Tensor of shape (n, q)
        0/1 in any dtype.

    Returns
    -------
    Tensor of shape (q, q), float32
        A_ij = (P(l_j | l_i) + P(l_i | l_j)) / 2, symmetric with a zero diagonal. A label without
        positives has no conditional probability and gets no edge.
    """
    Y = Y.to(torch.float32)
    conditional = (Y.T @ Y) / Y.sum(0).clamp(min=1)[:, None]
    graph = (conditional + conditional.T) / 2
    return graph.fill_diagonal_(0)

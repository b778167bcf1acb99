"""A gated graph network over labels, as in HST."""

import torch
from torch import Tensor, nn


class GatedGraph(nn.Module):
    """Gated recurrent updates of label features by those of their neighbours (Li et al. 2016).

    Parameters
    ----------
    size : int
        Length m of a label's features, in and out.
    n_steps : int
    """

    def __init__(self, size: int, n_steps: int) -> None:
        super().__init__()
        self.n_steps = n_steps
        self.update_message = nn.Linear(2 * size, size)
        self.update_state = nn.Linear(size, size)
        self.reset_message = nn.Linear(2 * size, size)
        self.reset_state = nn.Linear(size, size)
        self.new_message = nn.Linear(2 * size, size)
        self.new_state = nn.Linear(size, size)

    def forward(self, nodes: Tensor, graph: Tensor) -> Tensor:
        """Map label features (b, q, m) over a directed graph (q, q) to new ones (b, q, m)."""
        for _ in range(self.n_steps):
            message = torch.cat((graph @ nodes, graph.T @ nodes), dim=2)
            update = torch.sigmoid(self.update_message(message) + self.update_state(nodes))
            reset = torch.sigmoid(self.reset_message(message) + self.reset_state(nodes))
            new = torch.tanh(self.new_message(message) + self.new_state(reset * nodes))
            nodes = (1 - update) * nodes + update * new
        return nodes

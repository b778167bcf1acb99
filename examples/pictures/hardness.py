"""How probabilities grow with the loss, or with its changes, in four selectors."""

import numpy as np
import torch
from matplotlib import pyplot as plt
from torch.nn.functional import binary_cross_entropy

from skd2ace.selection.functional import (
    exp3_probabilities,
    loss_probabilities,
    proportional_probabilities,
    rank_probabilities,
)

BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#e69f00", "#009e73", "#5b3a91"


def draw():
    """Draw n times the probability against the loss of one label, and against DIHCL's hardness."""
    rng = np.random.default_rng(0)
    truth = torch.as_tensor(np.sort(rng.beta(4, 1.2, size=600)))
    losses = binary_cross_entropy(truth, torch.ones_like(truth), reduction="none")
    n = len(losses)
    by_loss = {
        "OnlineBatch: rank of the loss": (rank_probabilities(losses, 100.0), BLUE),
        "HardImb: its size (w = 1)": (loss_probabilities(losses, 100.0), ORANGE),
        "GradientNorm: 1 - p": (proportional_probabilities(1 - truth, 0.1), GREEN),
    }
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.6), layout="constrained")
    for name, (probabilities, colour) in by_loss.items():
        left.plot(losses, n * probabilities, color=colour, linewidth=2, label=name)
    left.plot(losses, np.full(n, 0.08), "|", color="#8a8a8a", markersize=6, alpha=0.4)
    left.set(yscale="log", ylim=(0.06, 90), xlabel="Loss", ylabel="n times the probability")
    left.set_yticks([0.1, 1, 10], ["0.1", "1", "10"])
    left.legend(frameon=False, fontsize=9, loc="upper left")
    changes = torch.as_tensor(np.sort(rng.exponential(size=600)))
    relative = changes / changes.mean()
    right.plot(relative, n * exp3_probabilities(changes), color=PURPLE, linewidth=2, label="DIHCL")
    right.set(xlabel="Hardness r over its mean")
    right.legend(frameon=False, fontsize=9, loc="upper left")
    for ax in (left, right):
        ax.axhline(1, color="#c9c9c4", linewidth=1, zorder=0)
        ax.spines[["top", "right"]].set_visible(False)
    return figure

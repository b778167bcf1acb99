"""What share of a label's weight in the loss its positives have, in an epoch of four selectors."""

import numpy as np
import torch
from matplotlib import pyplot as plt

from skd2ace.selection import MLROS, Balance, RandomBatches, RepeatFactor

SHARES = (0.5, 0.35, 0.25, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01)
LOOKS = {
    "RandomBatches": (RandomBatches(), "#8a8a8a", "o"),
    "RepeatFactor": (RepeatFactor(), "#0072b2", "s"),
    "MLROS(growth=0.3)": (MLROS(growth=0.3), "#e69f00", "^"),
    "Balance": (Balance(), "#009e73", "D"),
}


def weigh_positives(selector, X, Y):
    """Serve one epoch; of the weight of each label's cells, the share that positives have."""
    selector.start(X, Y, n_epochs=10, batch_size=200, random_state=0)
    positives = total = torch.zeros(Y.shape[1])
    for index in selector.batches(0):
        weights = selector.loss_weights(index, Y[index])
        weights = torch.ones_like(Y[index]) if weights is None else weights
        positives = positives + (weights * Y[index]).sum(0)
        total = total + weights.sum(0)
    return positives / total


def draw():
    """Draw them against the labels' shares in the data."""
    rng = np.random.default_rng(0)
    Y = torch.as_tensor(rng.random((4000, len(SHARES))) < SHARES).float()
    figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    for name, (selector, colour, marker) in LOOKS.items():
        shares = weigh_positives(selector, torch.zeros(len(Y), 1), Y)
        ax.plot(Y.mean(0), shares, color=colour, marker=marker, linewidth=1.6, label=name)
    ax.set(xscale="log", yscale="log", xlabel="Share of positives in the data")
    ax.set_ylabel("Share of their weight in training")
    ticks = [0.01, 0.03, 0.1, 0.3, 0.5]
    ax.set_xticks(ticks, ticks)
    ax.set_yticks(ticks, ticks)
    ax.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    return figure

"""What three selectors make of four histories of predictions of one label."""

import numpy as np
import torch
from matplotlib import pyplot as plt

from skd2ace.selection.functional import binary_entropy, prediction_deviation, uncertainty

STEPS = np.arange(20)
HISTORIES = {
    "sure": 0.95 - 0.4 * np.exp(-STEPS / 2),
    "wavered, then settled": np.where(
        STEPS < 11, 0.5 + 0.33 * np.cos(2.1 * STEPS), 0.9 - 0.2 * np.exp((11 - STEPS) / 2)
    ),
    "wavers now": np.where(STEPS < 12, 0.75, 0.5 + 0.3 * np.cos(1.9 * STEPS)),
    "undecided": 0.49 - 0.02 * np.cos(0.4 * STEPS),
}
BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"


def score(history):
    """Weight of one instance with one label by ActiveBias, RecencyBias and ML-Unc."""
    seen = torch.as_tensor(history)
    squares = (seen - seen.mean()).square().sum().reshape(1, 1)
    frequency = (seen[-5:] >= 0.5).double().mean()
    return {
        "ActiveBias": prediction_deviation(torch.tensor([len(seen)]), squares).item(),
        "RecencyBias": binary_entropy(frequency).item(),
        "MLUnc, D2ACE": uncertainty(seen[-5:].reshape(-1, 1, 1)).item(),
    }


def draw():
    """Draw the histories, and below each of them its three scores."""
    figure, axes = plt.subplots(
        2, 4, figsize=(8.6, 4.0), layout="constrained", height_ratios=(1.3, 1), sharey="row"
    )
    for (name, history), (above, below) in zip(HISTORIES.items(), axes.T, strict=True):
        above.axvspan(14.5, 19.5, color="#f0f0ee")
        above.axhline(0.5, color="#c9c9c4", linewidth=1)
        above.plot(STEPS, history, "o-", color="#1f2933", markersize=3, linewidth=1.2)
        above.set(ylim=(0, 1), xticks=[0, 10, 19], xticklabels=["1", "visit", "20"])
        above.set_title(name, fontsize=10, loc="left")
        scores = score(history)
        below.barh(range(3), scores.values(), color=(BLUE, ORANGE, GREEN), height=0.7)
        for place, value in enumerate(scores.values()):
            below.text(value + 0.03, place, f"{value:.2f}", va="center", fontsize=9)
        below.set(xlim=(0, 1.3), xticks=[], yticks=range(3), yticklabels=list(scores))
        below.invert_yaxis() if below is axes[1, 0] else None
        below.tick_params(length=0)
        below.spines["bottom"].set_visible(False)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("Probability of the truth")
    return figure

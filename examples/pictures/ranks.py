"""From weights to sampling probabilities, at four moments of a training (Eq. 13, 14, 21)."""

import torch
from matplotlib import pyplot as plt

from skd2ace.selection.functional import sampling_probabilities, selection_pressure

MOMENTS = ((11, "#08306b"), (40, "#1764ab"), (70, "#4a98c9"), (100, "#9dc6e0"))


def draw():
    """Draw n times the probability against the weight, a line for each epoch."""
    weights = torch.linspace(0, 1, 400)
    figure, ax = plt.subplots(figsize=(6.6, 3.4), layout="constrained")
    for epoch, colour in MOMENTS:
        pressure = selection_pressure(epoch, 11, 100)
        relative = len(weights) * sampling_probabilities(weights, pressure)
        ax.plot(weights, relative, color=colour, linewidth=2)
        text = f"epoch {epoch}: pressure {pressure:.0f}"
        ax.annotate(
            text, (1, relative[-1]), (6, 0), textcoords="offset points", va="center", color=colour
        )
    ax.set(yscale="log", xlabel="Weight of the instance, scaled", xlim=(0, 1))
    ticks = [0.05, 0.1, 0.2, 0.5, 1, 2, 5]
    ax.set_yticks(ticks, ticks)
    ax.minorticks_off()
    ax.set_ylabel("n times its probability")
    ax.spines[["top", "right"]].set_visible(False)
    return figure

"""Who is trained on in an epoch that leaves instances out."""

import numpy as np
import torch
from matplotlib import pyplot as plt

from skd2ace.selection.functional import below_mean, percentile_chances

BLUE, ORANGE, GREY, GREEN = "#0072b2", "#e69f00", "#8a8a8a", "#009e73"


def choose_reducible(losses, irreducible, rng, n_candidates=100, n_wanted=10):
    """The n_wanted of each n_candidates with the largest difference, as ReducibleLoss takes."""
    chosen = np.zeros(len(losses), bool)
    for part in rng.permutation(len(losses)).reshape(-1, n_candidates):
        order = np.argsort((losses - irreducible)[part])
        chosen[part[order[-n_wanted:]]] = True
    return chosen


def draw():
    """Draw chances against losses, and ReducibleLoss's choice by both of its losses."""
    rng = np.random.default_rng(0)
    losses = np.sort(rng.gamma(1.3, 0.25, size=600))
    given = torch.as_tensor(losses)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.7), layout="constrained")
    easy = below_mean(given).numpy()
    left.step(losses, np.where(easy, 0.5, 1), color=BLUE, linewidth=2, label="InfoBatch")
    left.annotate("weight 2", (0.02, 0.5), (14, -14), textcoords="offset points",
                  color=BLUE, ha="left")  # fmt: skip
    left.annotate("weight 1", (losses[~easy].mean(), 1), (0, 5), textcoords="offset points",
                  color=BLUE, ha="center")  # fmt: skip
    left.plot(
        losses, percentile_chances(given, 0.5), color=ORANGE, linewidth=2,
        label="SelectiveBackprop",
    )  # fmt: skip
    left.axhline(0.5, color=GREY, linewidth=1.4, linestyle=(0, (6, 2)), label="RandomSubset")
    left.set(xlabel="Loss", ylabel="Chance to be trained on", ylim=(0, 1.15))
    left.legend(frameon=False, fontsize=9, loc="lower right")
    irreducible = np.clip(losses * rng.uniform(0.2, 1.3, size=600), 0, None)
    chosen = choose_reducible(losses, irreducible, rng)
    right.scatter(irreducible[~chosen], losses[~chosen], s=9, color="#c9c9c4", label="passed over")
    right.scatter(irreducible[chosen], losses[chosen], s=14, color=GREEN, label="trained on")
    right.axline((0, 0), slope=1, color=GREY, linewidth=1)
    right.set(xlabel="Irreducible loss", ylabel="Loss", xlim=(0, None), ylim=(0, None))
    right.set_title("ReducibleLoss", loc="left", fontsize=10)
    right.legend(frameon=False, fontsize=9, loc="lower right")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    return figure

"""
The asymmetric loss
===================

Most cells of a multi-label table are 0, and easily seen to be. ``AsymmetricLoss`` gives them
little or no part in the training, and none below a margin. For relevant labels it is the
cross-entropy.
"""

import torch
from matplotlib import pyplot as plt
from torch import nn

from skd2ace.networks import AsymmetricLoss

logits = torch.linspace(-6, 6, 300)
proba = logits.sigmoid()
losses = {"cross-entropy": nn.BCEWithLogitsLoss(), "AsymmetricLoss": AsymmetricLoss()}

fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
for ax, relevant in zip(axes, (0.0, 1.0), strict=True):
    target = torch.full((1, 1), relevant)
    for (name, loss), colour in zip(losses.items(), ("#9a9a94", "#2a78d6"), strict=True):
        values = [float(loss(logit.reshape(1, 1), target)) for logit in logits]
        ax.plot(proba, values, color=colour, linewidth=2.5, label=name)
    ax.set_title("relevant" if relevant else "not relevant", loc="left", fontsize=10)
    ax.set_xlabel("Predicted probability")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("Loss of the cell")
axes[0].legend(frameon=False)
plt.show()

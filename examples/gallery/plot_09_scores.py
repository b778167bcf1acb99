"""
Uncertainty and hardness
========================

The two scores of the D2ACE paper for one instance and one label. Uncertainty is entropy mixed with
how much the last predictions differ; hardness is the loss, discounted where the prediction flips.
"""

import torch
from matplotlib import pyplot as plt

from skd2ace.selection.functional import hardness, uncertainty

before, now = torch.meshgrid(torch.linspace(0, 1, 80), torch.linspace(0, 1, 80), indexing="ij")
uncertain = uncertainty(torch.stack([before, now]))
losses, flips = torch.meshgrid(torch.linspace(0, 3, 80), torch.linspace(0, 1, 80), indexing="ij")
hard = hardness(losses, flips)

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
extents = ((0, 1, 0, 1), (0, 1, 0, 3))
for ax, values, extent in zip(axes, (uncertain, hard), extents, strict=True):
    image = ax.imshow(values, origin="lower", extent=extent, aspect="auto", cmap="Blues")
    ax.contour(values, colors="white", linewidths=0.6, extent=extent, levels=8)
    fig.colorbar(image, ax=ax)
axes[0].set(title="Uncertainty (Eq. 3)", xlabel="Prediction now", ylabel="Prediction before")
axes[1].set(title="Hardness (Eq. 5)", xlabel="Flip rate", ylabel="Loss")
plt.show()

"""
The label graph of CLIF
=======================

The share of the instances with one label that have another one too: what CLIF's label graph is
made of. Read a row at a time; on yeast neighbouring classes of function overlap.
"""

from matplotlib import pyplot as plt

from skd2ace.datasets import load_yeast

yeast = load_yeast()
Y = yeast.target
together = (Y.T @ Y) / Y.sum(0)[:, None]

fig, ax = plt.subplots(figsize=(6.4, 5.4), layout="constrained")
image = ax.imshow(together, cmap="Blues", vmin=0, vmax=1)
ax.set_xticks(range(Y.shape[1]), yeast.target_names, rotation=90)
ax.set_yticks(range(Y.shape[1]), yeast.target_names)
ax.set_xlabel("… that have this one too")
ax.set_ylabel("Of the instances with this label …")
ax.spines[:].set_visible(False)
ax.tick_params(length=0)
fig.colorbar(image, ax=ax, shrink=0.7, label="share")
plt.show()

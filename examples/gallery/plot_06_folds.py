"""
Stratified folds for rare labels
================================

Plain folds may leave a rare label nearly out of a test part. ``IterativeStratifiedKFold`` deals all
labels as evenly as it can.
"""

import numpy as np
from matplotlib import pyplot as plt
from sklearn.model_selection import KFold

from skd2ace.datasets import make_mixed_table
from skd2ace.model_selection import IterativeStratifiedKFold

X, Y = make_mixed_table(400, random_state=0)
labels = Y.to_numpy()
order = np.argsort(labels.sum(0))
splitters = {
    "KFold": KFold(5, shuffle=True, random_state=0),
    "IterativeStratifiedKFold": IterativeStratifiedKFold(5, shuffle=True, random_state=0),
}

fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True, sharey=True, layout="constrained")
for ax, (name, splitter) in zip(axes, splitters.items(), strict=True):
    counts = np.array([labels[test].sum(0) for _, test in splitter.split(X, labels)])[:, order]
    shares = counts / counts.sum(0)
    ax.axvline(0.2, color="#c9c9c4", linewidth=1)
    for fold in shares:
        ax.plot(fold, range(len(order)), "o", color="#2a78d6", alpha=0.6, markersize=8)
    ax.set_title(name, loc="left", fontsize=10)
    ax.set_xlabel("Share of the label's positives in a fold")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
names = [f"{Y.columns[j]} ({labels[:, j].sum():.0f})" for j in order]
axes[0].set_yticks(range(len(order)), names)
plt.show()

"""
A threshold for each label
==========================

Where the loss counts positives and negatives alike, rare labels are almost never predicted at 0.5.
``threshold="tune"`` finds the best threshold of each label on rows that the network did not train
on; here the curves are of a second draw from the same population. TabM's own ``pos_weight`` of 4
moves all curves to the right, so that 0.5 is near the best of most labels.
"""

import numpy as np
from matplotlib import pyplot as plt
from sklearn.metrics import f1_score

from skd2ace import TabMClassifier
from skd2ace.datasets import make_mixed_table

X, Y = make_mixed_table(600, random_state=0)
X_new, Y_new = make_mixed_table(1000, random_state=1)
settings = {"pos_weight": None, "max_epochs": 12, "random_state": 0, "verbose": 0}
est = TabMClassifier(threshold="tune", **settings).fit(X, Y)
proba, truth = est.predict_proba(X_new), Y_new.to_numpy()

# %%
# The dots are at the thresholds that the fit chose; the line is at 0.5.

grid = np.linspace(0.02, 0.8, 40)
rare_first = np.argsort(truth.mean(0))
fig, axes = plt.subplots(2, 4, figsize=(9, 4.4), sharex=True, sharey=True, layout="constrained")
for ax, j in zip(axes.flat, rare_first, strict=True):
    scores = [f1_score(truth[:, j], proba[:, j] > cut, zero_division=0) for cut in grid]
    chosen = est.thresholds_[j]
    at_chosen = f1_score(truth[:, j], proba[:, j] > chosen, zero_division=0)
    ax.axvline(0.5, color="#c9c9c4", linewidth=1)
    ax.plot(grid, scores, color="#2a78d6", linewidth=2)
    ax.plot(chosen, at_chosen, "o", color="#eb6834", markersize=8, markeredgecolor="white")
    ax.set_title(f"{Y.columns[j]}, {truth[:, j].mean():.1%}", fontsize=9, loc="left")
    ax.spines[["top", "right"]].set_visible(False)
fig.supxlabel("Threshold", fontsize=10)
fig.supylabel("F1 on new rows", fontsize=10)
plt.show()

"""
Training with unknown labels
============================

NaN in Y is a label that is not known; it has no part in training. The score on new rows falls
slowly while more and more of the cells are hidden.
"""

import numpy as np
from matplotlib import pyplot as plt

from skd2ace import TabMClassifier
from skd2ace.datasets import make_mixed_table
from skd2ace.metrics import roc_auc_per_label

X, Y = make_mixed_table(600, random_state=0)
X_new, Y_new = make_mixed_table(1000, random_state=1)
rng = np.random.default_rng(0)
draws = rng.random(Y.shape)
shares = (0, 0.25, 0.5, 0.75, 0.9)
scores = []
for share in shares:
    known = np.where(draws < share, np.nan, Y)
    est = TabMClassifier(max_epochs=8, random_state=0, verbose=0).fit(X, known)
    scores.append(roc_auc_per_label(Y_new, est.predict_proba(X_new)))
scores = np.array(scores)

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(shares, scores, color="#c9c9c4", linewidth=1)
ax.plot(shares, scores.mean(1), "o-", color="#2a78d6", linewidth=3, label="mean")
ax.plot([], color="#c9c9c4", label="single labels")
ax.set_xticks(shares, [f"{share:.0%}" for share in shares])
ax.set_xlabel("Cells hidden")
ax.set_ylabel("AUC on new rows")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower left")
plt.show()

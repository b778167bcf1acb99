"""
Finding noisy labels
====================

A fifth of one label's positives are hidden, as if nobody had ticked the box. Members of TabM that
did not see a row say how probable each label is there: among the zeros, those with the highest
probability are worth a second look.
"""

import numpy as np
from matplotlib import pyplot as plt

from skd2ace import TabMClassifier
from skd2ace.datasets import make_mixed_table

X, Y = make_mixed_table(900, random_state=0)
label = Y.sum().idxmax()
column = Y.columns.get_loc(label)
rng = np.random.default_rng(0)
positives = np.flatnonzero(Y[label])
wrong = rng.choice(positives, len(positives) // 5, replace=False)
noisy = Y.to_numpy().copy()
noisy[wrong, column] = 0
# With the default weight of positives, ones would be more probable than they are.
settings = {"pos_weight": None, "max_epochs": 12, "random_state": 0, "verbose": 0}
est = TabMClassifier(**settings).fit(X, noisy)

# %%
# Of the rows that are looked at first, far more are wrong than of all zeros.

zeros = np.flatnonzero(noisy[:, column] == 0)
suspicion = est.oob_proba_[zeros, column]
is_wrong = np.isin(zeros, wrong)
found = np.cumsum(is_wrong[np.argsort(-np.nan_to_num(suspicion))]) / len(wrong)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
bins = np.linspace(0, 1, 26)
left.hist(suspicion[~is_wrong], bins, density=True, color="#c9c9c4", label="true zeros")
left.hist(suspicion[is_wrong], bins, density=True, histtype="step", linewidth=2, color="#eb6834")
left.plot([], color="#eb6834", linewidth=2, label="hidden positives")
left.set_xlabel(f"Probability of “{label}”, out of bag")
left.set_ylabel("Density")
left.legend(frameon=False)
looked_at = np.arange(1, len(zeros) + 1) / len(zeros)
right.plot(looked_at, found, color="#eb6834", linewidth=2)
right.plot([0, 1], [0, 1], color="#c9c9c4")
right.set_xlabel("Share of zeros looked at, most suspicious first")
right.set_ylabel("Share of hidden positives found")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

"""
Out-of-bag scores
=================

Each member of TabM's ensemble is blind to a part of the rows. What they predict for the rows they
did not see scores the fit while it goes on, without rows that are held out.
"""

from matplotlib import pyplot as plt

from skd2ace import TabMClassifier
from skd2ace.datasets import make_mixed_table
from skd2ace.metrics import macro_auc

X, Y = make_mixed_table(600, random_state=0)
X_new, Y_new = make_mixed_table(1000, random_state=1)
est = TabMClassifier(max_epochs=15, random_state=0, verbose=0).fit(X, Y)
curve = est.history[:, "oob_macro_auc"]

# %%
# The score of the epochs is not corrected for what comparing members costs; ``oob_score_`` is.

test = macro_auc(Y_new, est.predict_proba(X_new))
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.plot(range(1, len(curve) + 1), curve, color="#2a78d6", linewidth=2, label="out of bag, by epoch")
ax.plot(est.best_epoch_, curve[est.best_epoch_ - 1], "o", color="#2a78d6", markersize=9)
ax.axhline(est.oob_score_, color="#2a78d6", linestyle="--", label="oob_score_, corrected")
ax.axhline(test, color="#eb6834", linewidth=2, label="1000 new rows")
ax.set_xlabel("Epoch")
ax.set_ylabel("Macro-AUC")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower right")
plt.show()

"""
Label weights and AUC by epoch
==============================

What D2ACE makes of each label, and what becomes of them, as in Figure A6 of its paper: first, the
AUC on the validation part of the rarest and of the most frequent label.
"""

from functools import partial

from matplotlib import pyplot as plt
from skorch.callbacks import EpochScoring

from skd2ace import CLIFClassifier
from skd2ace.datasets import make_mixed_table
from skd2ace.inspection import LabelCorrelationDisplay, LabelEmbeddingDisplay, LabelWeightsDisplay
from skd2ace.metrics import roc_auc_per_label
from skd2ace.selection import D2ACE
from skd2ace.training import SelectionRecorder

X, Y = make_mixed_table(1000, random_state=0)
by_frequency = Y.sum().sort_values().index


def score_label(net, X, Y, label):
    return roc_auc_per_label(Y, net.predict_proba(X))[label]


def follow_label(name):
    scoring = partial(score_label, label=Y.columns.get_loc(name))
    return name, EpochScoring(scoring, name=name, lower_is_better=False)


shown = [by_frequency[0], by_frequency[-1]]
est = CLIFClassifier.recommended(
    batch_selector=D2ACE(), train_split=0.3, max_epochs=30, random_state=0, verbose=0,
    callbacks=[SelectionRecorder(), *map(follow_label, shown)],
).fit(X, Y)  # fmt: skip

fig, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
for name in shown:
    ax.plot(range(1, 31), est.history[:, name], label=f"{name}, {Y[name].mean():.0%} positive")
ax.set(xlabel="Epoch", ylabel="Validation AUC")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

# %%
# How much each label counts in the two metrics, the greatest weights on top.

LabelWeightsDisplay.from_estimator(est).plot()
plt.show()

# %%
# The label correlation of D2ACE's last epoch (Eq. 9), and which labels CLIF holds for alike: near
# each other on the map are labels whose embeddings point the same way.

fig, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
LabelCorrelationDisplay.from_estimator(est).plot(axes[0])
LabelEmbeddingDisplay.from_estimator(est).plot(axes[1])
plt.show()

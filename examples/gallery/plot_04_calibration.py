"""
Calibration of probabilities
============================

Of the cells to which a network gives 0.3, are three in ten relevant? ``calibration="temperature"``
divides the logits by one number, found on rows that were held out; rankings do not change.
"""

import numpy as np
from matplotlib import pyplot as plt
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skd2ace import MultiLabelNetClassifier
from skd2ace.datasets import load_yeast
from skd2ace.metrics import expected_calibration_error
from skd2ace.networks import MLP

X, Y = load_yeast(return_X_y=True)
X, X_test, Y, Y_test = train_test_split(X, Y, train_size=900, random_state=0)
settings = {"max_epochs": 25, "lr": 3e-3, "random_state": 0, "verbose": 0}
settings |= {"preprocessor": StandardScaler(), "callbacks__best_epoch": None}

# %%
# The best epoch is not kept here, so that the network trains into overconfidence.

fig, ax = plt.subplots(figsize=(5.4, 4.6), layout="constrained")
ax.plot([0, 1], [0, 1], color="#c9c9c4", linewidth=1)
edges = np.linspace(0, 1, 11)
for calibration, colour in ((None, "#eb6834"), ("temperature", "#2a78d6")):
    est = MultiLabelNetClassifier(MLP, calibration=calibration, **settings).fit(X, Y)
    proba = est.predict_proba(X_test)
    bins = np.clip(np.digitize(proba, edges) - 1, 0, 9)
    x = [proba[bins == b].mean() for b in range(10)]
    y = [Y_test[bins == b].mean() for b in range(10)]
    error = expected_calibration_error(Y_test, proba)
    ax.plot(x, y, "o-", color=colour, linewidth=2, label=f"{calibration}: error {error:.3f}")
ax.set_xlabel("Predicted probability")
ax.set_ylabel("Share of relevant cells")
ax.set_aspect("equal")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, title="calibration", alignment="left")
plt.show()

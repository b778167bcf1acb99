"""
Precision and recall of each label
==================================

One number for all labels hides the hard ones. A panel for each label, the worst first: precision
against recall on rows of a second draw; the grey line is what guessing gives, the label's share.
"""

from matplotlib import pyplot as plt

from skd2ace import TabMClassifier
from skd2ace.datasets import make_mixed_table
from skd2ace.inspection import LabelCurvesDisplay, ReliabilityDisplay

X, Y = make_mixed_table(random_state=0)
X_new, Y_new = make_mixed_table(1000, random_state=1)
settings = {"calibration": "sigmoid", "max_epochs": 10, "random_state": 0, "verbose": 0}
est = TabMClassifier(**settings).fit(X, Y)
LabelCurvesDisplay.from_estimator(est, X_new, Y_new, kind="precision_recall").plot()
plt.show()

# %%
# Of the cells to which it gives 0.3, are three in ten relevant? Most cells are given little.
# Without the calibration it gives too much: positives count fourfold in its loss.

ReliabilityDisplay.from_estimator(est, X_new, Y_new).plot()
plt.show()

"""
What a selector did
===================

A callback records which probabilities D2ACE goes by, and whom it draws. Probabilities come closer
as the pressure falls, and hardness takes over from uncertainty.
"""

from matplotlib import pyplot as plt
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler

from skd2ace import MultiLabelNetClassifier
from skd2ace.datasets import load_yeast
from skd2ace.inspection import SelectionDecilesDisplay, SelectionDisplay
from skd2ace.networks import MLP
from skd2ace.selection import D2ACE
from skd2ace.training import SelectionRecorder

X, Y = load_yeast(return_X_y=True)
X = StandardScaler().fit_transform(X)
recorder = SelectionRecorder()
est = MultiLabelNetClassifier(
    MLP, batch_selector=D2ACE(), callbacks=[recorder], max_epochs=40, random_state=0, verbose=0
).fit(X, Y)
SelectionDisplay.from_estimator(est).plot()
plt.show()

# %%
# Who has which probability, soon after the warm-up and later: tenths of the instances, the shares
# of low, middle and high losses above, and of typical instances and outliers below.

recorder = dict(est.callbacks_)["SelectionRecorder"]
outlyingness = -LocalOutlierFactor().fit(X[est.train_indices_]).negative_outlier_factor_
figure, axes = plt.subplots(2, 2, figsize=(10, 5.4), layout="constrained")
for column, epoch in zip(axes.T, (6, 30), strict=True):
    SelectionDecilesDisplay.from_recorder(recorder, epoch=epoch).plot(column[0])
    SelectionDecilesDisplay.from_recorder(recorder, outlyingness, epoch=epoch).plot(column[1])
axes[0, 0].set_title("by loss", loc="left", fontsize=10)
axes[1, 0].set_title("by local outlier factor", loc="left", fontsize=10)
plt.show()

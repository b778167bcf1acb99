"""
How often each instance is drawn
================================

A selector needs no estimator: here D2ACE drives a loop in plain PyTorch, and each instance's
visits are counted. Shuffling would draw all of them once in an epoch.
"""

import numpy as np
import torch
from matplotlib import pyplot as plt
from sklearn.preprocessing import minmax_scale
from torch import nn

from skd2ace.datasets import load_yeast
from skd2ace.selection import D2ACE

X, Y = load_yeast(return_X_y=True)
X = torch.as_tensor(minmax_scale(X)[:800], dtype=torch.float32)
Y = torch.as_tensor(Y[:800], dtype=torch.float32)
torch.manual_seed(0)
network = nn.Sequential(nn.Linear(103, 128), nn.ReLU(), nn.Linear(128, 14))
optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
criterion = nn.BCEWithLogitsLoss(reduction="none")
selector = D2ACE()
selector.start(X, Y, n_epochs=30, batch_size=100, random_state=0)
visits = np.zeros((30, 800))
for epoch in range(30):
    for index in selector.batches(epoch):
        logits = network(X[index])
        losses = criterion(logits, Y[index])
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
        selector.update(index, logits.sigmoid(), losses)
        visits[epoch, index] += 1

# %%
# Rows of the picture are eight instances each, in the order of their visits; white was not drawn.

by_visits = visits[:, np.argsort(visits.sum(0))[::-1]].reshape(30, 100, 8).mean(2)
fig, ax = plt.subplots(figsize=(7.4, 4.4), layout="constrained")
image = ax.imshow(by_visits.T, cmap="Blues", aspect="auto", extent=(0.5, 30.5, 800, 0))
ax.axvline(3.5, color="#eb6834", linewidth=2)
ax.annotate(
    "warm-up ends",
    (3.5, 1),
    (0, 3),
    xycoords=("data", "axes fraction"),
    textcoords="offset points",
    color="#eb6834",
    ha="center",
)
ax.set_xlabel("Epoch")
ax.set_ylabel("Instances, the most visited above")
fig.colorbar(image, ax=ax, label="visits in an epoch")
plt.show()

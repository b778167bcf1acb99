"""
Over-sampling instances of rare labels
======================================

How often an epoch shows each label, as a multiple of shuffled batches: ``RepeatFactor`` repeats
instances by the frequency of their rarest label, ``MLROS`` copies those of minority labels. Labels
that go together with rare ones come along.
"""

import numpy as np
import torch
from matplotlib import pyplot as plt

from skd2ace.datasets import load_yeast
from skd2ace.selection import MLROS, RepeatFactor

X, Y = load_yeast(return_X_y=True)
order = np.argsort(Y.sum(0))
labels = torch.as_tensor(Y[:, order], dtype=torch.float32)
features = torch.as_tensor(X, dtype=torch.float32)


def count_labels(selector):
    """Mean number of positives of each label that an epoch shows."""
    selector.start(features, labels, n_epochs=20, batch_size=128, random_state=0)
    shown = torch.zeros(labels.shape[1])
    for epoch in range(20):
        for index in selector.batches(epoch):
            shown += labels[index].sum(0)
            selector.update(index, labels[index], 0 * labels[index])
    return (shown / 20).numpy()


fig, ax = plt.subplots(figsize=(7.4, 4), layout="constrained")
places = np.arange(labels.shape[1])
plain = labels.sum(0).numpy()
for shift, selector, colour in ((-0.2, RepeatFactor(), "#2a78d6"), (0.2, MLROS(), "#eb6834")):
    ratio = count_labels(selector) / plain
    ax.bar(places + shift, ratio, 0.38, color=colour, label=type(selector).__name__)
ax.axhline(1, color="#1f2933", linewidth=1)
ax.set_xticks(places, [f"{count:.0f}" for count in plain])
ax.set_xlabel("Labels of yeast, by their positives")
ax.set_ylabel("Shown, against shuffling")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

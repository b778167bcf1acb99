"""Whom D2ACE prefers early and late in a training: yeast, a small network, 40 epochs."""

import torch
from matplotlib import pyplot as plt
from scipy.stats import rankdata
from sklearn.preprocessing import minmax_scale
from torch import nn

from skd2ace.datasets import load_yeast
from skd2ace.selection import D2ACE

N_EPOCHS = 40
SHOWN = (6, 29)


def train(X, Y):
    """Train with D2ACE; of the epochs shown, its two distributions and their mixture."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(X.shape[1], 128), nn.ReLU(), nn.Linear(128, Y.shape[1]))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    criterion = nn.BCEWithLogitsLoss(reduction="none")
    selector = D2ACE()
    selector.start(X, Y, n_epochs=N_EPOCHS, batch_size=100, random_state=0)
    found = {}
    for epoch in range(N_EPOCHS):
        for index in selector.batches(epoch):
            logits = network(X[index])
            losses = criterion(logits, Y[index])
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
            selector.update(index, logits.sigmoid(), losses)
        if epoch + 1 in SHOWN:
            found[epoch + 1] = (*selector.distributions_.values(), selector.probabilities_)
    return found


def draw():
    """Draw each second instance by its places in both, in the colour of the mixture."""
    X, Y = load_yeast(return_X_y=True)
    X = torch.as_tensor(minmax_scale(X)[:800], dtype=torch.float32)
    Y = torch.as_tensor(Y[:800], dtype=torch.float32)
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.7), layout="constrained", sharey=True)
    for ax, (epoch, found) in zip(axes, train(X, Y).items(), strict=True):
        uncertain, hard, both = ((100 * rankdata(part) / len(Y))[::2] for part in found)
        dots = ax.scatter(uncertain, hard, c=both, cmap="viridis_r", s=18)
        ax.set(xlabel="Place by uncertainty, percent", xlim=(-2, 102), ylim=(-2, 102))
        ax.set_title(f"Epoch {epoch} of {N_EPOCHS}", loc="left", fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("Place by hardness, percent")
    figure.colorbar(dots, ax=axes, pad=0.01, label="Place by the mixture, percent")
    return figure

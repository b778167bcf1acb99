"""D2ACE in a training loop of one's own: plain PyTorch, no estimator.

python examples/own_training_loop.py
"""

import argparse

import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import minmax_scale
from torch import nn

from skd2ace.datasets import load_yeast
from skd2ace.metrics import macro_auc
from skd2ace.selection import D2ACE


def main():
    parser = argparse.ArgumentParser(description="D2ACE in a plain PyTorch loop, on yeast.")
    parser.add_argument("--epochs", type=int, default=30)
    n_epochs = parser.parse_args().epochs
    X, Y = load_yeast(return_X_y=True)
    split = train_test_split(minmax_scale(X), Y, random_state=0)
    X, X_test, Y, Y_test = (torch.as_tensor(part, dtype=torch.float32) for part in split)

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(103, 256), nn.ReLU(), nn.Linear(256, 14))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    criterion = nn.BCEWithLogitsLoss(reduction="none")
    selector = D2ACE(n_neighbors=6)
    selector.start(X, Y, n_epochs=n_epochs, batch_size=128, random_state=0)
    for epoch in range(n_epochs):
        for index in selector.batches(epoch):
            logits = network(X[index])
            losses = criterion(logits, Y[index])
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
            selector.update(index, logits.sigmoid(), losses)
    with torch.no_grad():
        print(f"Macro-AUC on the test part: {macro_auc(Y_test, network(X_test)):.4f}")


if __name__ == "__main__":
    main()

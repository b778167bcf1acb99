"""A batch selector in a net of plain skorch: the lines that end in an arrow are its own.

python examples/loops/plain_skorch.py

Selectors that weight the loss need a net that applies the weights: MultiLabelNetClassifier.
"""

import torch
from skorch import NeuralNet
from task import load, make_network, run

from skd2ace.selection import D2ACE  # <--
from skd2ace.training import BatchIterator, BatchSelection, SelectedBatches, TensorDataset  # <--


def train(epochs):
    X, Y, _, _ = load()
    net = NeuralNet(
        make_network,
        criterion=torch.nn.BCEWithLogitsLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=128,
        max_epochs=epochs,
        train_split=None,
        verbose=0,
        callbacks=[BatchSelection(D2ACE(), random_state=0)],  # <--
        dataset=TensorDataset,  # <--
        iterator_train=SelectedBatches,  # <--
        iterator_valid=BatchIterator,  # <--
    )
    net.fit(X, Y)
    return net.module_, sum(len(row["batches"]) for row in net.history)


if __name__ == "__main__":
    run(train)

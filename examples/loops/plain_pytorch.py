"""A batch selector in a loop of plain PyTorch: the lines that end in an arrow are its own.

python examples/loops/plain_pytorch.py
python examples/loops/plain_pytorch.py --workers 2
"""

import torch
from task import load, make_network, run
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, TensorDataset

from skd2ace.selection import D2ACE, SelectedBatchSampler  # <--


def train(epochs, workers=0):
    X, Y, _, _ = load()
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    selector = D2ACE().start(X, Y, n_epochs=epochs, batch_size=128, random_state=0)  # <--
    batches = SelectedBatchSampler(selector)  # <--
    data = TensorDataset(torch.arange(len(X)), X, Y)  # <--
    loader = DataLoader(data, batch_sampler=batches, num_workers=workers)  # <--
    n_steps = 0
    for _ in range(epochs):
        for index, x, y in loader:  # <--
            logits = network(x)
            losses = binary_cross_entropy_with_logits(logits, y, reduction="none")  # <--
            optimizer.zero_grad()
            (batches.loss_weights(index, y) * losses).mean().backward()  # <--
            optimizer.step()
            batches.update(index, logits.sigmoid(), losses)  # <--
            n_steps += 1
    return network, n_steps


if __name__ == "__main__":
    run(train, "--workers")

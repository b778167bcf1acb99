"""A batch selector in a loop with accelerate: the lines that end in an arrow are its own.

python examples/loops/with_accelerate.py
python examples/loops/with_accelerate.py --accumulate 4 --mixed
torchrun --nproc-per-node 2 examples/loops/with_accelerate.py

The loader stays out of prepare, which would deal out among processes what is dealt out already.
"""

import torch
from accelerate import Accelerator
from task import load, make_network, run
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, TensorDataset

from skd2ace.selection import D2ACE, SelectedBatchSampler  # <--


def train(epochs, accumulate=1, mixed=False):
    accelerator = Accelerator(
        cpu=True,
        gradient_accumulation_steps=accumulate,
        mixed_precision="bf16" if mixed else "no",
    )
    X, Y, _, _ = load()
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    selector = D2ACE().start(X, Y, n_epochs=epochs, batch_size=128, random_state=0)  # <--
    batches = SelectedBatchSampler(selector)  # <--
    loader = DataLoader(TensorDataset(torch.arange(len(X)), X, Y), batch_sampler=batches)  # <--
    network, optimizer = accelerator.prepare(network, optimizer)  # <--
    n_steps = 0
    for _ in range(epochs):
        for index, x, y in loader:  # <--
            x, y = x.to(accelerator.device), y.to(accelerator.device)  # <--
            with accelerator.accumulate(network):
                logits = network(x)
                losses = binary_cross_entropy_with_logits(logits, y, reduction="none")  # <--
                loss = (batches.loss_weights(index, y) * losses).mean()  # <--
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
                n_steps += accelerator.sync_gradients
            batches.update(index, logits.sigmoid(), losses)  # <--
    return accelerator.unwrap_model(network), n_steps


if __name__ == "__main__":
    run(train, "--accumulate", "--mixed")

"""A batch selector under Lightning: the lines that end in an arrow are its own.

python examples/loops/with_lightning.py
python examples/loops/with_lightning.py --accumulate 4 --mixed
torchrun --nproc-per-node 2 examples/loops/with_lightning.py

Lightning asks for the loader's length anew only where it reloads it, and cuts what is longer; and
it must not deal out among processes what is dealt out already.
"""

import os

import lightning
import torch
from task import load, make_network, run
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, TensorDataset

from skd2ace.selection import D2ACE, SelectedBatchSampler  # <--


class Classifier(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.network = make_network()

    def training_step(self, batch, batch_idx):
        index, x, y = batch  # <--
        logits = self.network(x)
        losses = binary_cross_entropy_with_logits(logits, y, reduction="none")  # <--
        loss = (self.batches.loss_weights(index, y) * losses).mean()  # <--
        self.batches.update(index, logits.sigmoid(), losses)  # <--
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def train(epochs, accumulate=1, mixed=False):
    X, Y, _, _ = load()
    net = Classifier()
    selector = D2ACE().start(X, Y, n_epochs=epochs, batch_size=128, random_state=0)  # <--
    net.batches = SelectedBatchSampler(selector)  # <--
    loader = DataLoader(TensorDataset(torch.arange(len(X)), X, Y), batch_sampler=net.batches)  # <--
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        devices=int(os.environ.get("LOCAL_WORLD_SIZE", 1)),
        accumulate_grad_batches=accumulate,
        precision="bf16-mixed" if mixed else "32-true",
        use_distributed_sampler=False,  # <--
        reload_dataloaders_every_n_epochs=1,  # <--
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(net, loader)
    return net.network, trainer.global_step


if __name__ == "__main__":
    run(train, "--accumulate", "--mixed")

"""A batch selector in Hugging Face's Trainer: the lines that end in an arrow are its own.

python examples/loops/with_trainer.py
python examples/loops/with_trainer.py --accumulate 4 --mixed
torchrun --nproc-per-node 2 examples/loops/with_trainer.py

The Trainer asks for the loader's length once, and cuts what is longer than the first epoch.
"""

import torch
from task import load, make_network, run
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments

from skd2ace.selection import D2ACE, SelectedBatchSampler  # <--


class MultiLabelTrainer(Trainer):
    def get_train_dataloader(self):  # <--
        return DataLoader(self.train_dataset, batch_sampler=self.batches)  # <--

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        logits, y = model(inputs["x"]), inputs["y"]
        loss = binary_cross_entropy_with_logits(logits, y)
        if model.training:  # <--
            losses = binary_cross_entropy_with_logits(logits, y, reduction="none")  # <--
            loss = (self.batches.loss_weights(inputs["index"], y) * losses).mean()  # <--
            self.batches.update(inputs["index"], logits.sigmoid(), losses)  # <--
        return (loss, logits) if return_outputs else loss


def train(epochs, accumulate=1, mixed=False):
    X, Y, _, _ = load()
    rows = zip(X, Y, strict=True)
    network = make_network()
    trainer = MultiLabelTrainer(
        network,
        TrainingArguments(
            num_train_epochs=epochs,
            gradient_accumulation_steps=accumulate,
            bf16=mixed,
            lr_scheduler_type="constant",
            max_grad_norm=0,
            remove_unused_columns=False,
            use_cpu=True,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=[{"index": i, "x": x, "y": y} for i, (x, y) in enumerate(rows)],  # <--
        optimizers=(torch.optim.Adam(network.parameters(), lr=1e-3), None),
    )
    selector = D2ACE().start(X, Y, n_epochs=epochs, batch_size=128, random_state=0)  # <--
    trainer.batches = SelectedBatchSampler(selector)  # <--
    trainer.train()
    return network, trainer.state.global_step


if __name__ == "__main__":
    run(train, "--accumulate", "--mixed")

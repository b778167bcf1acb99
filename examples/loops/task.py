"""What the loops of this folder have in common: data, network, and the line that they print.

Nothing here knows of batch selection.
"""

import argparse

import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import minmax_scale
from torch import distributed, nn

from skd2ace.datasets import load_yeast
from skd2ace.metrics import macro_auc


def load():
    """Yeast as float32 tensors: X and Y to train on, X and Y to test on."""
    X, Y = load_yeast(return_X_y=True)
    X, X_test, Y, Y_test = train_test_split(minmax_scale(X), Y, random_state=0)
    return [torch.as_tensor(part, dtype=torch.float32) for part in (X, Y, X_test, Y_test)]


def make_network():
    """Give an untrained network, the same each time."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(103, 256), nn.ReLU(), nn.Linear(256, 14))


OPTIONS = {
    "--workers": {"type": int, "default": 0, "help": "processes that load the data"},
    "--accumulate": {"type": int, "default": 1, "help": "batches per step"},
    "--mixed": {"action": "store_true", "help": "compute in bfloat16 too"},
}


def run(train, *options):
    """Train as the command line says, and print what came of it in the first process."""
    parser = argparse.ArgumentParser(description="A batch selector in a loop, on yeast.")
    parser.add_argument("--epochs", type=int, default=30)
    for option in options:
        parser.add_argument(option, **OPTIONS[option])
    network, n_steps = train(**vars(parser.parse_args()))
    if not distributed.is_initialized() or distributed.get_rank() == 0:
        X_test, Y_test = load()[2:]
        with torch.no_grad():
            score = macro_auc(Y_test, network(X_test))
        print(f"Macro-AUC on the test part: {score:.4f} after {n_steps} steps")
    if distributed.is_initialized():
        distributed.destroy_process_group()

"""Classifiers of images as their papers train them, as far as one transform goes."""

import os
from typing import Any

import numpy as np
import torch

from skd2ace import ImageClassifier

# Of ImageNet, by which the backbone's weights were trained.
_MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
_DEVIATION = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
_SIZE = 448
# A tenth of them is the warm-up of 5 epochs of the D2ACE paper's images.
_COMMON: dict[str, Any] = {
    "weights": "DEFAULT",
    "max_epochs": 50,
    "batch_size": 32,
}
_MOST_WORKERS = 8


def resize_to_448(image: Any) -> torch.Tensor:
    """Scale a Pillow image to 448 x 448, and its channels as ImageNet's are."""
    pixels = torch.as_tensor(np.array(image.resize((_SIZE, _SIZE)))).permute(2, 0, 1)
    return (pixels.to(torch.float32) / 255 - _MEAN) / _DEVIATION


def make_ml_gcn(**parameters: Any) -> ImageClassifier:
    """Make ML-GCN on a ResNet-101: its paper's optimizer, a tenth of the rate for the backbone."""
    settings = {
        **_COMMON,
        **_workers(),
        "transform": resize_to_448,
        "optimizer": torch.optim.SGD,
        "optimizer__momentum": 0.9,
        "optimizer__weight_decay": 1e-4,
        "lr": 0.01,
        "backbone_lr_ratio": 0.1,
    }
    return ImageClassifier(backbone="resnet101", head="ml-gcn", **{**settings, **parameters})


def make_hst(**parameters: Any) -> ImageClassifier:
    """Make HST on a ResNet-101, with the learning rate and decay of its published script."""
    settings = {
        **_COMMON,
        **_workers(),
        "transform": resize_to_448,
        "optimizer__weight_decay": 5e-4,
        "lr": 1e-5,
    }
    return ImageClassifier(backbone="resnet101", head="hst", **{**settings, **parameters})


def _workers() -> dict[str, int]:
    """As many processes as there are cores, up to 8."""
    n_workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    return {f"iterator_{part}__num_workers": n_workers for part in ("train", "valid")}

"""Classifiers of images as the D2ACE paper trains them."""

import os
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

from skd2ace import ImageClassifier
from skd2ace.networks import HST
from skd2ace.selection import BatchSelector

# Of ImageNet, by which the backbone's weights were trained.
_MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
_DEVIATION = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
_SIZE = 448
# Sides of the crops, of an image that is scaled to the first one.
_SIDES = (512, 448, 384, 320, 256)
_MOST_WORKERS = 8


def resize_to_448(image: Any) -> torch.Tensor:
    """Scale a Pillow image to 448 x 448, and its channels as ImageNet's are."""
    return _scale(image, (0, 0, *image.size))


def crop_to_448(image: Any) -> torch.Tensor:
    """Scale a part of a Pillow image to 448 x 448, every other one mirrored.

    Width and height of the part are one share of the image's, from 1/2 to 1, and its place is
    drawn evenly: the D2ACE paper, appendix D.2, which has it from HST (Chen et al. 2024, IJCV).
    """
    share = _SIDES[int(torch.randint(len(_SIDES), ()))] / _SIDES[0]
    left, top = (torch.rand(2) * (1 - share)).tolist()
    width, height = image.size
    box = (left * width, top * height, (left + share) * width, (top + share) * height)
    pixels = _scale(image, box)
    return pixels.flip(2) if torch.rand(()) < 0.5 else pixels


def _scale(image: Any, box: tuple[float, ...]) -> torch.Tensor:
    pixels = np.array(image.resize((_SIZE, _SIZE), box=box))
    values = torch.as_tensor(pixels).permute(2, 0, 1).to(torch.float32)
    return (values / 255 - _MEAN) / _DEVIATION


# Of both networks, as the D2ACE paper trains them (appendix D.2).
_COMMON: dict[str, Any] = {
    "backbone": "resnet101",
    "weights": "DEFAULT",
    "transform": resize_to_448,
    "train_transform": crop_to_448,
    "optimizer": torch.optim.Adam,
    "optimizer__weight_decay": 5e-4,
    "lr": 1e-5,
    "batch_size": 32,
    "max_epochs": 20,
}


def make_ml_gcn(**parameters: Any) -> ImageClassifier:
    """Make ML-GCN on a ResNet-101 with the settings of the D2ACE paper.

    Those of its layers and label graph are the head's defaults.
    """
    return ImageClassifier(head="ml-gcn", **{**_COMMON, **_workers(), **parameters})


def make_hst(**parameters: Any) -> ImageClassifier:
    """Make HST on a ResNet-101 with the settings of the D2ACE paper.

    Its "inter distance weight" is taken for that of instances and that of prototypes.
    """
    head = partial(
        HST, n_prototypes=50, cooccurrence_weight=1.0, instance_weight=1.0, prototype_weight=1.0
    )
    return ImageClassifier(head=head, **{**_COMMON, **_workers(), **parameters})


def schedule_for_images(selector: BatchSelector | None) -> BatchSelector | None:
    """Give a selector the D2ACE paper's schedule of 20 epochs: 5 to warm up, mixing to the 15th.

    As shares, which fit other runs too. For tables it has 10, and 30 to 70, of 100 (appendix D.1).
    """
    if selector is None:
        return None
    schedule = {"warmup_epochs": 0.25, "mix_epochs": (0.25, 0.75)}
    known = selector.get_params(deep=False)
    scheduled: BatchSelector = clone(selector)
    return scheduled.set_params(**{k: v for k, v in schedule.items() if k in known})


def _workers() -> dict[str, int]:
    """As many processes as there are cores, up to 8."""
    n_workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    return {f"iterator_{part}__num_workers": n_workers for part in ("train", "valid")}

"""Features of images that are kept on disk: the right ones are found again, and no others."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from skd2ace.preprocessing import ImageFeatures


class Chain:
    """As torchvision's Compose of Lambdas is shown: without what they do."""

    def __init__(self, *steps):
        self.steps = steps

    def __repr__(self):
        return "Chain(Lambda())"

    def __call__(self, image):
        for step in self.steps:
            image = step(image)
        return image


@pytest.mark.parametrize("kind", [lambda step: step, Chain])
def test_features_that_are_kept_are_those_of_the_transform(kind, tmp_path):
    images, backbone = np.random.default_rng(0).random((20, 3, 8, 8)), nn.Conv2d(3, 8, 3)
    for scale in (1, 5):
        given = kind(lambda image, scale=scale: image * scale)
        kept, again, anew = (
            ImageFeatures(backbone, image_transform=given, cache_dir=folder).fit().transform(images)
            for folder in (tmp_path, tmp_path, None)
        )
        np.testing.assert_array_equal(kept, anew)
        np.testing.assert_array_equal(again, anew)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize(
    "images", [np.zeros((0, 3, 8, 8)), [], TensorDataset(torch.zeros(0, 3, 8, 8))]
)
def test_no_images_are_refused(images, is_kept, tmp_path):
    kept = tmp_path / "kept"
    features = ImageFeatures(nn.Conv2d(3, 8, 3), cache_dir=kept if is_kept else None).fit()
    with pytest.raises(ValueError, match="X has no images"):
        features.transform(images)
    assert not kept.exists()

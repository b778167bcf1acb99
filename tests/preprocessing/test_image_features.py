"""Features of images that are kept on disk: the right ones are found again, and no others."""

import numpy as np
import pytest
from torch import nn

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

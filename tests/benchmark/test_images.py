"""The preset of images, on a folder made by hand and a small stand-in for ResNet-101."""

import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from skd2ace.benchmark import Store, make_methods
from skd2ace.benchmark.__main__ import main
from skd2ace.benchmark.run._image_methods import (
    crop_to_448,
    make_hst,
    make_ml_gcn,
    resize_to_448,
)
from skd2ace.selection import D2ACE

OBJECT = "<object><name>{}</name><difficult>{}</difficult></object>"


class Small(nn.Sequential):
    """With the last children of torchvision's ResNet."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 64, stride=64)
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 7)


@pytest.fixture
def resnet101(monkeypatch):
    models = types.ModuleType("torchvision.models")
    models.get_model = lambda name, weights: {("resnet101", "DEFAULT"): Small}[name, weights]()
    torchvision = types.ModuleType("torchvision")
    torchvision.models = models
    monkeypatch.setitem(sys.modules, "torchvision", torchvision)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    # Processes need seconds to begin.
    monkeypatch.setattr("skd2ace.benchmark.run._image_methods._workers", dict)


@pytest.fixture
def voc(tmp_path):
    home = tmp_path / "VOCdevkit" / "VOC2007"
    for name in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (home / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    names = [f"{i:06}" for i in range(24)]
    for i, name in enumerate(names):
        pixels = rng.integers(0, 256, (12, 10, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(home / "JPEGImages" / f"{name}.jpg")
        objects = OBJECT.format(("cat", "dog", "cow")[i % 3], 0) + OBJECT.format("car", i % 2)
        text = f"<annotation>{objects}</annotation>"
        (home / "Annotations" / f"{name}.xml").write_text(text)
    (home / "ImageSets/Main/trainval.txt").write_text("\n".join(names[:14]))
    (home / "ImageSets/Main/test.txt").write_text("\n".join(names[14:]))
    return tmp_path


def test_images_are_scaled_as_imagenets():
    pixels = resize_to_448(Image.new("RGB", (30, 20), (255, 0, 51)))
    assert pixels.shape == (3, 448, 448)
    expected = [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.2 - 0.406) / 0.225]
    np.testing.assert_allclose(pixels.mean((1, 2)), expected, rtol=1e-5)


def test_crops_lie_within_the_image_and_some_are_mirrored():
    """Of an image whose red tells the column and whose green tells the row."""
    columns, rows = np.meshgrid(np.arange(200), np.arange(100))
    pixels = np.stack((columns, 2 * rows, 0 * rows), axis=2).astype(np.uint8)
    image = Image.fromarray(pixels)
    torch.manual_seed(0)
    crops = torch.stack([crop_to_448(image) for _ in range(100)])
    red = (crops[:, 0].mean(1) * 0.229 + 0.485) * 255
    green = (crops[:, 1].mean(2) * 0.224 + 0.456) * 255
    is_mirrored = red[:, 0] > red[:, -1]
    assert 30 < is_mirrored.sum() < 70
    # Where a share s of it is seen, the first and the last of 448 pixels lie 200 s (1 - 1/448)
    # apart; at the borders scaling bends them a little.
    widths, heights = (red[:, -1] - red[:, 0]).abs(), green[:, -1] - green[:, 0]
    shares = np.array([0.5, 0.625, 0.75, 0.875, 1])
    found = np.abs(widths.numpy()[:, None] / 199 - shares).argmin(1)
    np.testing.assert_allclose(widths, 199 * shares[found], atol=4)
    np.testing.assert_allclose(heights, 199 * shares[found], atol=4)
    assert len(np.unique(found)) == 5
    whole = torch.from_numpy(found == 4)
    assert torch.equal(crops[whole & ~is_mirrored][0], resize_to_448(image))
    # Parts begin anywhere: both ends of what is left over are reached.
    left, spare = red.min(1).values.numpy(), 199 * (1 - shares[found])
    half = found == 0
    assert left[half].min() < 20 < 80 < left[half].max() < spare[half].max() + 3
    torch.manual_seed(0)
    assert torch.equal(crop_to_448(image), crops[0])


def test_published_settings():
    """Appendix D of the D2ACE paper."""
    for est in (make_ml_gcn(device="cpu"), make_hst()):
        assert est.optimizer is torch.optim.Adam
        assert (est.lr, est.optimizer__weight_decay) == (1e-5, 5e-4)
        assert (est.batch_size, est.max_epochs) == (32, 20)
        assert (est.transform, est.train_transform) == (resize_to_448, crop_to_448)
    head = make_hst().head(n_channels=8, n_labels=3)
    assert head.prototypes.shape[1] == 50
    assert (head.cooccurrence_weight, head.instance_weight, head.prototype_weight) == (1, 1, 1)
    assert head.intra_threshold == head.inter_threshold == 1


@pytest.mark.parametrize("network", ["ml-gcn", "hst"])
def test_selectors_by_name_have_the_schedule_of_images(network):
    own = D2ACE(window=3)
    selectors = ["random", "active", "balance", "d2ace", "random-subset", own]
    methods = make_methods([network, "clif"], selectors)
    for name in ("active", "balance", "d2ace"):
        selector = methods[f"{network} {name}"].batch_selector
        # Warm up for 5 epochs of 20; t_start = 5, t_end = 15.
        assert selector.warmup_epochs == 5 / 20
        assert methods[f"clif {name}"].batch_selector.warmup_epochs == 10 / 100
    assert methods[f"{network} d2ace"].batch_selector.mix_epochs == (5 / 20, 15 / 20)
    assert methods["clif d2ace"].batch_selector.mix_epochs == (30 / 100, 70 / 100)
    assert methods[f"{network} random"].batch_selector is None
    assert methods[f"{network} D2ACE(window=3)"].batch_selector is own


@pytest.mark.parametrize("network", ["ml-gcn", pytest.param("hst", marks=pytest.mark.slow)])
def test_the_preset_runs_and_goes_on(resnet101, voc, network, capsys):
    path = voc / "results.sqlite"
    arguments = [
        "run", "--preset", "d2ace-table5", "--datasets", "voc2007", "--networks", network,
        "--selectors", "d2ace", "--epochs", "1", "--seeds", "1", "--data-home", str(voc), "--quiet",
        "--store", str(path),
    ]  # fmt: skip
    assert main(arguments) == 0, capsys.readouterr()
    results = Store(path).results()
    assert sorted(results["method"]) == [f"{network} d2ace"]
    assert (results["n_train"] == 14).all()
    assert (results["n_test"] == 10).all()
    assert results["mean_average_precision"].between(0, 1).all()
    assert main(arguments) == 0
    again = Store(path).results()
    assert (again["started"] == results["started"]).all()


def test_a_folder_must_be_given(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("SKD2ACE_DATA", raising=False)
    arguments = ["run", "--preset", "d2ace-table5", "--store", str(tmp_path / "s"), "--quiet"]
    assert main(arguments) == 2
    assert "voc2007 is read from a folder that you have: give --data-home" in (
        capsys.readouterr().err
    )

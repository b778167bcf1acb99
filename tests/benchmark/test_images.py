"""The preset of images, on a folder made by hand and a small stand-in for ResNet-101."""

import sys
import types

import numpy as np
import pytest
from PIL import Image
from torch import nn

from skd2ace.benchmark import Store
from skd2ace.benchmark.__main__ import main
from skd2ace.benchmark.run._image_methods import make_hst, make_ml_gcn, resize_to_448

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


def test_published_settings():
    gcn, hst = make_ml_gcn(device="cpu"), make_hst()
    assert (gcn.lr, gcn.backbone_lr_ratio, gcn.optimizer__momentum) == (0.01, 0.1, 0.9)
    assert (hst.lr, hst.optimizer__weight_decay) == (1e-5, 5e-4)


@pytest.mark.parametrize("network", ["ml-gcn", pytest.param("hst", marks=pytest.mark.slow)])
def test_the_preset_runs_and_goes_on(resnet101, voc, network, capsys):
    path = voc / "results.sqlite"
    arguments = [
        "run", "--preset", "d2ace-table5", "--datasets", "voc2007", "--networks", network,
        "--selectors", "d2ace", "--epochs", "1", "--data-home", str(voc), "--quiet",
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
    capsys.readouterr()
    metric = ("--metric", "mean_average_precision")
    assert main(["report", "--store", str(path), *metric, "--published"]) == 0
    _, _, printed = capsys.readouterr().out.partition("## Published")
    assert "D2ACE, Table 5: means." in printed
    (row,) = (line for line in printed.splitlines() if "voc2007, ML-GCN" in line)
    assert row.split("|")[2].strip() == "0.9293"
    assert "coco2014" not in printed, "not a data set of this store"


def test_a_folder_must_be_given(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("SKD2ACE_DATA", raising=False)
    arguments = ["run", "--preset", "d2ace-table5", "--store", str(tmp_path / "s"), "--quiet"]
    assert main(arguments) == 2
    assert "voc2007 is read from a folder that you have: give --data-home" in (
        capsys.readouterr().err
    )

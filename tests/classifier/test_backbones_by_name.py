"""Backbones by their name in torchvision or timm, of which there are stand-ins here."""

import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from skd2ace import ImageClassifier


def make(name, **params):
    settings = {"lr": 5e-3, "batch_size": 16, "max_epochs": 2, "random_state": 0, "verbose": 0}
    return ImageClassifier(name, "linear", **settings | params)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Twenty grey images as files, and their labels."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    paths = [str(folder / f"{i}.png") for i in range(20)]
    for path in paths:
        Image.fromarray(rng.integers(256, size=(16, 16), dtype=np.uint8)).save(path)
    return paths, rng.integers(2, size=(20, 10))


class ResNet(nn.Module):
    """With the children of torchvision's."""

    def __init__(self):
        super().__init__()
        self.conv1, self.layer1 = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 7)

    def forward(self, X):
        return self.fc(self.avgpool(self.layer1(self.conv1(X))).flatten(1))


class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.features, self.classifier = nn.Conv2d(3, 4, 3), nn.Linear(4, 7)


class Token(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Linear(3, 4)


class Timm(ResNet):
    def reset_classifier(self, num_classes, global_pool):
        assert (num_classes, global_pool) == (0, "")
        self.forward = lambda X: self.layer1(self.conv1(X))


@pytest.fixture
def libraries(monkeypatch):
    """Stand-ins for torchvision.models and timm, and what they were asked for."""
    asked = []

    def get_model(name, weights=None):
        known = {"resnet18": ResNet, "densenet": Features, "vit": Token}
        asked.append((name, weights))
        if weights not in (None, "DEFAULT", "IMAGENET1K_V1"):
            raise KeyError(weights)
        if name not in known:
            raise ValueError(f"Unknown model {name}")
        return known[name]()

    def create_model(name, pretrained=False):
        asked.append((name, pretrained))
        return Timm()

    models = types.ModuleType("torchvision.models")
    models.get_model = get_model
    timm = types.ModuleType("timm")
    timm.create_model = create_model
    torchvision = types.ModuleType("torchvision")
    torchvision.models = models
    for module in (torchvision, models, timm):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


@pytest.mark.parametrize("name", ["resnet18", "densenet", "timm/resnet18"])
@pytest.mark.parametrize("frozen", [False, True])
def test_backbones_by_name(files, libraries, name, frozen):
    paths, Y = files
    est = make(name, frozen=frozen).fit(paths, Y)
    assert est.predict_proba(paths).shape == (20, 10)
    assert est.module_.head.classifier.in_features == 4
    short = name.removeprefix("timm/")
    assert libraries[0] == (short, False if name.startswith("timm") else None)
    make(name, weights="DEFAULT", frozen=frozen).fit(paths, Y)
    assert libraries[-1] == (short, True if name.startswith("timm") else "DEFAULT")


def test_weights_that_one_has(files, libraries):
    paths, Y = files
    torch.manual_seed(5)
    mine = ResNet()
    est = make("resnet18", weights=mine.state_dict(), max_epochs=1, lr=1e-12).fit(paths, Y)
    assert libraries[0] == ("resnet18", None)
    expected = mine.conv1.weight
    torch.testing.assert_close(est.module_.backbone[0].weight.data, expected.data)


@pytest.mark.parametrize("frozen", [False, True])
def test_weights_by_their_name(files, libraries, frozen):
    make("resnet18", weights="IMAGENET1K_V1", frozen=frozen).fit(*files)
    make("timm/resnet18", weights="a1_in1k", frozen=frozen).fit(*files)
    assert libraries == [("resnet18", "IMAGENET1K_V1"), ("resnet18.a1_in1k", True)]
    with pytest.raises(ValueError, match="torchvision has no weights 'IMAGENET' of 'resnet18'"):
        make("resnet18", weights="IMAGENET", frozen=frozen).fit(*files)


@pytest.mark.parametrize("name", ["resnet18", "timm/resnet18"])
def test_a_file_opens_without_the_weights_that_its_own_replace(files, libraries, name, tmp_path):
    est = make(name, weights="DEFAULT").fit(*files)
    est.save(tmp_path / "est")
    loaded = ImageClassifier.load(tmp_path / "est")
    assert libraries[-1][1] in (None, False)
    assert loaded.weights == "DEFAULT"
    np.testing.assert_array_equal(loaded.predict_proba(files[0]), est.predict_proba(files[0]))
    loaded.fit(*files)
    assert libraries[-1] == libraries[0]


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("backbone", [nn.Conv2d(3, 4, 3), lambda: nn.Conv2d(3, 4, 3)])
def test_weights_of_a_module_are_refused(files, backbone, frozen):
    for weights in ("DEFAULT", nn.Conv2d(3, 4, 3).state_dict()):
        with pytest.raises(ValueError, match="weights are for backbones by name"):
            make(backbone, weights=weights, frozen=frozen).fit(*files)


def test_backbones_that_are_not_there(libraries, files, monkeypatch):
    paths, Y = files
    with pytest.raises(ValueError, match="torchvision has no network 'resnet0'"):
        make("resnet0").fit(paths, Y)
    with pytest.raises(ValueError, match="Where the feature map of 'vit' is, is not known"):
        make("vit").fit(paths, Y)
    for name, library in (("resnet18", "torchvision"), ("timm/resnet18", "timm")):
        for part in ("torchvision", "torchvision.models", "timm"):
            monkeypatch.setitem(sys.modules, part, None)
        with pytest.raises(ImportError, match=f"needs {library}, which cannot be imported here"):
            make(name).fit(paths, Y)


def test_an_operator_that_does_not_exist(files, monkeypatch):
    """What PyPI's torchvision raises beside another build of torch."""
    paths, Y = files

    def fail(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr("skd2ace._backbones.importlib.import_module", fail)
    with pytest.raises(ImportError, match=r"nms does not exist\)\. Install the torchvision that"):
        make("resnet18").fit(paths, Y)

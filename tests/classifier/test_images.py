"""Images out of arrays, files and data sets, through every head."""

import os
import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import DataLoader

from skd2ace import ImageClassifier
from skd2ace._images import ImageItems, read_image
from skd2ace.datasets import make_digits_mosaics
from skd2ace.metrics import mean_average_precision
from skd2ace.networks import HST, MLGCN, FocalLoss, MLDecoder
from skd2ace.selection import D2ACE
from skd2ace.training import Checkpointing

SMALL = {"vector_size": 8}
HEADS = {
    "linear": "linear",
    "ml-gcn": partial(MLGCN, hidden_size=32, **SMALL),
    "hst": partial(HST, feature_size=32, hidden_size=16, output_size=32, threshold=0.3, **SMALL),
    "ml-decoder": partial(MLDecoder, embedding_size=32, n_heads=4, feedforward_size=64),
}


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x):
        return torch.relu(x + self.body(x))


def backbone(n_in=1, channels=16):
    return nn.Sequential(
        nn.Conv2d(n_in, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(),
        Residual(channels), nn.MaxPool2d(2), Residual(channels),
    )  # fmt: skip


@pytest.fixture(scope="module")
def mosaics():
    return make_digits_mosaics(600)


def make(head="linear", body=backbone, **params):
    defaults = {"lr": 5e-3, "batch_size": 64, "max_epochs": 2, "random_state": 0, "verbose": 0}
    return ImageClassifier(body, HEADS.get(head, head), **{**defaults, **params})


@pytest.mark.parametrize(
    "head", ["linear", "ml-gcn", pytest.param("hst", marks=pytest.mark.slow), "ml-decoder"]
)
def test_every_head_learns(head, mosaics):
    train, test = mosaics.train, mosaics.test
    params = {"callbacks__label_transfer__start": 6} if head == "hst" else {}
    est = make(head, max_epochs=10, **params)
    est.fit(mosaics.data[train], mosaics.target[train])
    score = mean_average_precision(mosaics.target[test], est.predict_proba(mosaics.data[test]))
    assert score > 0.6, "chance is about 0.35"
    if head in ("ml-gcn", "hst"):
        assert est.module_.head.label_graph.count_nonzero() > 10
    if head == "hst":
        assert est.module_.head.transfers
        assert (est.module_.head.prototypes != 0).any(2).all()
        assert "train_prototype" in est.history[-1]
        assert "train_prototype" not in est.history[0]


def test_hst_without_a_selector_brings_its_terms_in_too(mosaics):
    """Over the batches of the first epoch, whoever serves them."""

    class Ramps(Callback):
        ramps = ()

        def on_grad_computed(self, net, *args, **kwargs):
            self.ramps = (*self.ramps, net.module_.head.ramp)

    def fit(**params):
        callbacks = [("ramps", Ramps())]
        est = make("hst", max_epochs=2, batch_size=50, callbacks=callbacks, **params)
        return dict(est.fit(mosaics.data[:200], mosaics.target[:200]).callbacks_)["ramps"].ramps

    assert fit(iterator_train=DataLoader) == fit()


def test_partial_labels_are_taken_over_by_hst(mosaics):
    """Some of what it takes over is there, more than by chance."""
    Y = mosaics.target[:200].astype(float)
    hidden = np.random.default_rng(0).random(Y.shape) < 0.5
    Y[hidden] = np.nan
    est = make("hst", callbacks__label_transfer__start=1, max_epochs=3).fit(mosaics.data[:200], Y)
    assert np.isfinite(est.history[-1, "train_loss"])
    assert est.history[-1, "train_inter"] != est.history[-1, "train_bce"]


def test_module_given_is_copied_and_random_state_holds(mosaics):
    module = backbone()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    X, Y = mosaics.data[:120], mosaics.target[:120]
    first, second = (make(body=module).fit(X, Y).predict_proba(X) for _ in range(2))
    assert np.array_equal(first, second)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    other = clone(make(body=module)).fit(X, Y).predict_proba(X)
    assert np.array_equal(first, other)


@pytest.fixture(scope="module")
def files(tmp_path_factory, mosaics):
    """Sixty mosaics as files; their labels; and the arrays that reading them must give."""
    folder = tmp_path_factory.mktemp("images")
    paths = []
    for i, image in enumerate(mosaics.data[:60]):
        grey = Image.fromarray((image[0] * 255).astype(np.uint8))
        paths.append(str(folder / f"{i}.png"))
        grey.save(paths[-1])
    arrays = (mosaics.data[:60] * 255).astype(np.uint8).repeat(3, axis=1) / np.float32(255)
    return paths, mosaics.target[:60], arrays


def test_forms_of_paths_have_the_results_of_arrays(files):
    paths, Y, arrays = files
    body = partial(backbone, 3)
    expected = make(body=body).fit(arrays, Y).predict_proba(arrays)
    column = pd.Series(paths)
    for X in (paths, np.array(paths), column, column.to_frame(), [*map(os.fspath, paths)]):
        est = make(body=body).fit(X, Y)
        np.testing.assert_allclose(est.predict_proba(X), expected, rtol=1e-5)
    assert est.score(paths, Y) == make(body=body).fit(arrays, Y).score(arrays, Y)
    tensors = torch.from_numpy(arrays)
    assert np.array_equal(make(body=body).fit(tensors, Y).predict_proba(tensors), expected)


def test_workers_decode(files):
    paths, Y, _ = files
    body, workers = partial(backbone, 3), {"iterator_train__num_workers": 1}
    alone = make(body=body, max_epochs=1).fit(paths, Y).predict_proba(paths)
    with_worker = make(body=body, max_epochs=1, **workers).fit(paths, Y).predict_proba(paths)
    assert np.array_equal(alone, with_worker)


class Pairs(torch.utils.data.Dataset):
    def __init__(self, paths, Y):
        self.paths, self.Y = paths, Y

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return read_image(self.paths[i]).convert("L"), self.Y[i]


class Columns:
    """As a Hugging Face data set gives its rows."""

    def __init__(self, paths, Y):
        self.paths, self.Y = paths, Y

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return {"id": i, "image": read_image(self.paths[i]).convert("L"), "labels": self.Y[i]}


@pytest.mark.parametrize("frozen", [False, True])
def test_data_sets_have_the_results_of_paths(files, frozen):
    paths, Y, _ = files
    torch.manual_seed(0)
    body = backbone(3)
    expected = make(body=body, frozen=frozen).fit(paths, Y).predict_proba(paths)
    for dataset, y in ((Pairs(paths, Y), None), (Columns(paths, Y), Y)):
        est = make(body=body, frozen=frozen).fit(dataset, y)
        np.testing.assert_array_equal(est.predict_proba(dataset), expected)
        assert 0 <= est.score(dataset, y) <= 1


class Transformed(Columns):
    """As a Hugging Face data set gives them with a transform of its own."""

    def __init__(self, paths, Y, transform):
        super().__init__(paths, Y)
        self.transform = transform

    def __getitem__(self, i):
        item = super().__getitem__(i)
        return item | {"image": self.transform(item["image"].convert("RGB"))}


def to_tensor(image):
    return torch.as_tensor(np.array(image)).permute(2, 0, 1) / 255


def test_columns_of_tensors(files):
    paths, Y, _ = files
    torch.manual_seed(0)
    body = backbone(3)
    expected = make(body=body).fit(paths, Y).predict_proba(paths)
    dataset = Transformed(paths, Y, to_tensor)
    est = make(body=body).fit(dataset, Y)
    np.testing.assert_allclose(est.predict_proba(dataset), expected, rtol=1e-5)


@pytest.mark.parametrize("transform", [np.array, lambda image: to_tensor(image).flatten()])
def test_columns_without_an_image(files, transform):
    """Arrays of a data set's format have their channels last: they would be read wrongly."""
    paths, Y, _ = files
    with pytest.raises(ValueError, match="No image among the columns id, image, labels"):
        make().fit(Transformed(paths, Y, transform), Y)


def test_transform_of_files_and_of_arrays(files):
    paths, Y, arrays = files

    def halve(image):
        is_file = isinstance(image, Image.Image)
        return image.resize((8, 8)) if is_file else image[:, ::2, ::2]

    body = partial(backbone, 3)
    est = make(body=body, transform=halve).fit(paths, Y)
    assert est._instance_shape == (3, 8, 8)
    est = make(body=body, transform=halve).fit(arrays, Y)
    assert est._instance_shape == (3, 8, 8)
    expected = make(body=body).fit(arrays[:, :, ::2, ::2], Y).predict_proba(arrays[:, :, ::2, ::2])
    np.testing.assert_array_equal(est.predict_proba(arrays), expected)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "F"])
def test_transforms_may_give_images_of_any_mode(files, mode):
    """Of the same values as an array that holds them, channels first."""
    image = read_image(files[0][0]).convert(mode)
    shown = image.convert({"1": "L", "P": "RGB"}.get(mode, mode))
    expected = np.array(shown, dtype=np.float32).reshape(16, 16, -1).transpose(2, 0, 1)
    if mode not in ("I;16", "F"):
        expected /= 255
    (x,) = ImageItems(files[0][:1], transform=lambda given: given.convert(mode))
    assert x.dtype == torch.float32
    np.testing.assert_array_equal(x.numpy(), expected)


def test_images_of_several_sizes_are_named(tmp_path):
    for i, size in enumerate(((8, 8), (9, 8))):
        Image.new("RGB", size).save(tmp_path / f"{i}.png")
    items = ImageItems([str(tmp_path / f"{i}.png") for i in range(2)])
    assert items[0].shape == (3, 8, 8)
    with pytest.raises(ValueError, match=r"1\.png has shape \(3, 8, 9\), and the first one"):
        items[1]


def test_kinds_of_files_are_converted(tmp_path):
    """Grey of 8 and 16 bits, palettes with and without transparency, alpha, two values."""
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (5, 6), dtype=np.uint8)
    colours = rng.integers(0, 256, (5, 6, 4), dtype=np.uint8)
    expected = {
        "L": (Image.fromarray(grey), grey[:, :, None].repeat(3, axis=2)),
        "I;16": (Image.fromarray(grey.astype(np.uint16) * 257), grey[:, :, None].repeat(3, axis=2)),
        "RGBA": (Image.fromarray(colours), colours[:, :, :3]),
        "RGB": (Image.fromarray(colours[:, :, :3]), colours[:, :, :3]),
    }
    palette = Image.fromarray(colours[:, :, :3]).quantize(16)
    expected["P"] = palette, np.array(palette.convert("RGB"))
    seen = palette.copy()
    seen.info["transparency"] = bytes(range(0, 160, 10))
    expected["P with alpha"] = seen, np.array(palette.convert("RGB"))
    two = Image.fromarray(grey).convert("1")
    expected["1"] = two, np.array(two.convert("RGB"))
    for name, (image, values) in expected.items():
        path = tmp_path / f"{name.replace(';', '')}.png"
        image.save(path)
        read = read_image(path)
        assert read.mode == "RGB"
        np.testing.assert_array_equal(np.array(read), values, err_msg=name)


class Counting(nn.Module):
    """A backbone that counts the images that it sees."""

    seen = 0

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = backbone(3)

    def forward(self, X):
        Counting.seen += len(X)
        return self.body(X)


@pytest.mark.parametrize("head", HEADS)
def test_frozen_features_are_computed_once_and_kept(files, head, tmp_path):
    paths, Y, arrays = files
    Counting.seen = 0
    body = Counting()
    est = make(head, body=body, frozen=True, cache_dir=tmp_path, max_epochs=3)
    proba = est.fit(paths, Y).predict_proba(paths)
    assert Counting.seen == 60
    again = make(head, body=body, frozen=True, cache_dir=tmp_path, max_epochs=3)
    assert np.array_equal(again.fit(paths, Y).predict_proba(paths), proba)
    assert Counting.seen == 60
    assert len(list(tmp_path.iterdir())) == 1
    without = make(head, body=body, frozen=True, max_epochs=3).fit(paths, Y)
    assert np.array_equal(without.predict_proba(paths), proba)
    by_arrays = make(head, body=body, frozen=True, cache_dir=tmp_path, max_epochs=3)
    np.testing.assert_allclose(by_arrays.fit(arrays, Y).predict_proba(arrays), proba, rtol=1e-5)
    # Other weights and other files are other features.
    with torch.no_grad():
        body.body[0].bias += 1
    before = Counting.seen
    est.predict_proba(paths)
    assert Counting.seen == before, "it has those that it was fitted with"
    est.fit(paths, Y).predict_proba(paths)
    assert Counting.seen == before + 60
    Image.new("RGB", (16, 16)).save(tmp_path / "new.png")
    est.predict_proba([str(tmp_path / "new.png")])
    assert Counting.seen == before + 61


def test_neighbours_are_found_on_features_of_the_backbone(mosaics, monkeypatch):
    X, Y = mosaics.data[:100], mosaics.target[:100]
    told = []
    start = D2ACE.start

    def spy(self, *args, neighbor_features=None, **kwargs):
        told.append(neighbor_features)
        return start(self, *args, neighbor_features=neighbor_features, **kwargs)

    monkeypatch.setattr(D2ACE, "start", spy)
    torch.manual_seed(0)
    body = backbone()
    selector = D2ACE(warmup_epochs=1)
    settings = {"body": body, "train_split": None, "batch_selector": selector}
    make(**settings).fit(X, Y)
    with torch.no_grad():
        expected = body.eval()(torch.from_numpy(X)).mean((2, 3))
    torch.testing.assert_close(told[-1], expected)
    est = make(**settings).fit(X, Y, neighbor_features=X.reshape(100, -1)[:, :5])
    assert told[-1].shape == (100, 5)
    est.partial_fit(X, Y)
    assert not torch.allclose(told[-1], expected, atol=1e-3), "of the backbone as it is now"
    make(frozen=True, **settings).fit(X, Y)
    assert told[-1] is None, "the features are the table itself"
    make("hst", frozen=True, **settings).fit(X, Y)
    torch.testing.assert_close(told[-1], expected)


def test_criteria_and_parameters(mosaics):
    X, Y = mosaics.data[:80], mosaics.target[:80]
    est = make("ml-gcn", criterion=FocalLoss, criterion__gamma=1.0).fit(X, Y)
    assert est.criterion_.gamma == 1.0
    with pytest.raises(ValueError, match="has a loss of its own"):
        make("hst", criterion=FocalLoss).fit(X, Y)
    for frozen in (False, True):
        with pytest.raises(ValueError, match="'head' parameter of ImageClassifier must be"):
            make("gcn", frozen=frozen).fit(X, Y)
    with pytest.raises(ValueError, match="'bad_images' parameter"):
        make(bad_images="ignore").fit(X, Y)
    with pytest.raises(ValueError, match=r"features \(b, c\) or maps \(b, c, h, w\), and gave"):
        make(body=nn.Flatten(2)).fit(X, Y)
    est.set_params(head="linear").fit(X, Y)
    assert type(est.module_.head).__name__ == "LinearHead"
    est.set_params(head=HEADS["ml-gcn"]).partial_fit(X, Y)
    assert isinstance(est.module_.head, MLGCN)


@pytest.mark.parametrize("frozen", [False, True])
def test_files_and_pickles(mosaics, tmp_path, frozen):
    X, Y = mosaics.data[:80], mosaics.target[:80]
    torch.manual_seed(0)
    body = backbone()
    est = make("ml-gcn", body=body, frozen=frozen).fit(X, Y)
    proba = est.predict_proba(X)
    assert np.array_equal(pickle.loads(pickle.dumps(est)).predict_proba(X), proba)
    est.save(tmp_path / "est.skd2ace")
    given = {"backbone": body, "head": HEADS["ml-gcn"]}
    loaded = ImageClassifier.load(tmp_path / "est.skd2ace", **given)
    assert np.array_equal(loaded.predict_proba(X), proba)


def test_a_backbone_learns_at_its_share(mosaics):
    X, Y = mosaics.data[:80], mosaics.target[:80]
    torch.manual_seed(0)
    body = backbone()
    steps = {}
    for ratio in (1.0, 1e-3):
        est = make(body=body, backbone_lr_ratio=ratio, train_split=None, max_epochs=1).fit(X, Y)
        steps[ratio] = (est.module_.backbone[0].weight - body[0].weight).abs().mean()
    assert 0 < steps[1e-3] < 0.01 * steps[1.0]


def test_a_training_that_was_cut_off_goes_on(mosaics, tmp_path):
    """HST with its prototypes, schedule and selector, to the bit."""
    X, Y = mosaics.data[:80], mosaics.target[:80]
    settings = {"batch_selector": D2ACE(warmup_epochs=1), "callbacks__label_transfer__start": 1,
                "callbacks__label_transfer__every": 2, "max_epochs": 4}  # fmt: skip
    whole = make("hst", **settings).fit(X, Y)

    class Cut(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 4:
                raise RuntimeError("cut off")

    kept = Checkpointing(tmp_path)
    with pytest.raises(RuntimeError, match="cut off"):
        make("hst", callbacks=[("cut", Cut()), kept], **settings).fit(X, Y)
    resumed = make("hst", callbacks=[Checkpointing(tmp_path)], **settings)
    resumed.fit(X, Y, resume=tmp_path)
    assert np.array_equal(resumed.predict_proba(X), whole.predict_proba(X))


@pytest.mark.parametrize("features", [False, True])
def test_a_training_goes_on_with_a_backbone_of_other_first_weights(mosaics, tmp_path, features):
    X, Y = mosaics.data[:60], mosaics.target[:60]
    given = {"neighbor_features": X.reshape(60, -1)} if features else {}
    selector = D2ACE(n_neighbors=3, warmup_epochs=1) if features else None
    settings = {"batch_selector": selector, "batch_size": 16, "max_epochs": 3}
    kept = Checkpointing(tmp_path)
    whole = make(body=backbone(), callbacks=[kept], **settings).fit(X, Y, **given)
    (tmp_path / "epoch-000003.skd2ace").unlink()
    resumed = make(body=backbone(), **settings).fit(X, Y, resume=tmp_path, **given)
    assert np.array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    with pytest.raises(ValueError, match="other backbone"):
        make(body=backbone(channels=8), **settings).fit(X, Y, resume=tmp_path, **given)


@pytest.mark.parametrize("settings", [{"frozen": True}, {"batch_selector": D2ACE(n_neighbors=3)}])
def test_features_by_other_first_weights_are_of_another_training(mosaics, tmp_path, settings):
    X, Y = mosaics.data[:60], mosaics.target[:60]
    torch.manual_seed(0)
    body = backbone()
    make(body=body, callbacks=[Checkpointing(tmp_path)], **settings).fit(X, Y)
    with pytest.raises(ValueError, match="other backbone"):
        make(body=backbone(), **settings).fit(X, Y, resume=tmp_path)
    assert len(make(body=body, **settings).fit(X, Y, resume=tmp_path).history) == 2


def test_thresholds_by_cross_fitting(mosaics):
    X, Y = mosaics.data[:90], mosaics.target[:90]
    torch.manual_seed(0)
    est = make(body=backbone(), frozen=True, threshold="tune", train_split=None).fit(X, Y)
    assert est.thresholds_.shape == (10,)
    assert est.predict(X).shape == (90, 10)


class Tensors(torch.utils.data.Dataset):
    def __init__(self, X, Y):
        self.X, self.Y = torch.from_numpy(X), Y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        return self.X[i], self.Y[i]


def test_scores_of_a_frozen_backbone(mosaics):
    """Of a data set of tensors as of the arrays, and of features that are ready."""
    X, Y = mosaics.data[:60], mosaics.target[:60, :2]
    est = make(frozen=True, max_epochs=20).fit(X, Y)
    score = (est.predict(X) == Y).all(axis=1).mean()
    assert score > 0
    assert est.score(X, Y) == est.score(Tensors(X, Y)) == est.score(Tensors(X, Y), Y) == score
    features = np.random.default_rng(0).random((60, 16), dtype=np.float32)
    ready = make(frozen=True, transform=lambda image: image, max_epochs=20).fit(features, Y)
    assert ready.score(features, Y) == (ready.predict(features) == Y).all(axis=1).mean()

"""Images that are augmented for training steps, and for nothing else."""

import random
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import DataLoader

from skd2ace import ImageClassifier
from skd2ace.datasets import make_digits_mosaics
from skd2ace.networks import HST
from skd2ace.selection import D2ACE, HardImb
from skd2ace.training import Checkpointing

EPOCHS = 3


@pytest.fixture(scope="module")
def mosaics():
    return make_digits_mosaics(60, return_X_y=True)


def backbone(dropout=0.2):
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(dropout))


def make(head="linear", body=backbone, **params):
    defaults = {"lr": 5e-3, "batch_size": 16, "max_epochs": EPOCHS, "random_state": 0, "verbose": 0}
    return ImageClassifier(body, head, **{**defaults, **params})


def flip(image):
    return image.flip(-1)


def add_noise(image):
    """Noise of three generators, the kinds that libraries of transforms draw from."""
    noise = 0.1 * torch.randn(image.shape) + random.gauss(0, 0.1)
    return image + noise + torch.as_tensor(0.1 * np.random.normal(size=image.shape))


class Noted:
    """A transform that notes how often it was asked."""

    def __init__(self, transform=None):
        self.transform, self.count = transform, 0

    def __call__(self, image):
        self.count += 1
        return image if self.transform is None else self.transform(image)

    def taken(self):
        count, self.count = self.count, 0
        return count


def test_training_is_that_on_images_transformed_beforehand(mosaics):
    X, Y = mosaics
    flipped = np.ascontiguousarray(X[..., ::-1])
    selector = HardImb(warmup_epochs=1)
    # Dropout would draw others, since images draw a seed.
    settings = {
        "body": partial(backbone, 0), "train_split": None, "batch_selector": selector,
    }  # fmt: skip
    # Neighbours are those of the images as prediction has them.
    features = {"neighbor_features": X.reshape(60, -1)}
    est = make(train_transform=flip, **settings).fit(X, Y, **features)
    expected = make(**settings).fit(flipped, Y, **features)
    assert np.array_equal(est.predict_proba(X), expected.predict_proba(X))
    assert not np.allclose(est.predict_proba(X), make(**settings).fit(X, Y).predict_proba(X))
    est.partial_fit(X, Y, **features)
    expected.partial_fit(flipped, Y, **features)
    assert np.array_equal(est.predict_proba(X), expected.predict_proba(X))


def test_files_are_transformed_for_training(mosaics, tmp_path):
    image = pytest.importorskip("PIL.Image")
    X, Y = mosaics
    paths = [str(tmp_path / f"{i}.png") for i in range(60)]
    for path, (pixels,) in zip(paths, X, strict=True):
        image.fromarray((pixels * 255).astype(np.uint8)).save(path)

    def grey(file):
        return torch.as_tensor(np.array(file))[None, :, :, 0] / 255

    def grey_flipped(file):
        return grey(file.transpose(image.Transpose.FLIP_LEFT_RIGHT))

    est = make(transform=grey, train_transform=grey_flipped).fit(paths, Y)
    read = np.stack([grey(image.open(path).convert("RGB")).numpy() for path in paths])
    expected = make(train_transform=flip).fit(read, Y)
    assert np.array_equal(est.predict_proba(paths), expected.predict_proba(read))


def test_what_is_seen_beside_the_steps_is_not_augmented(mosaics):
    """Validation, neighbours, updates by a pass, predictions, scores; of HST the prototypes."""
    for_training, plain = Noted(), Noted()
    transforms = {"transform": plain, "train_transform": for_training}
    make(**transforms, train_split=0.25).fit(*mosaics)
    assert for_training.taken() == EPOCHS * 45
    assert EPOCHS * 15 <= plain.taken() <= EPOCHS * 15 + 2, "and for the shape"
    est = make(
        **transforms, train_split=None, batch_selector=D2ACE(warmup_epochs=1, refresh="epoch")
    ).fit(*mosaics)
    assert for_training.taken() == EPOCHS * 60
    assert 60 * (EPOCHS + 1) <= plain.taken() <= 60 * (EPOCHS + 1) + 2, "and for neighbours once"
    est.predict(mosaics[0])
    est.score(*mosaics)
    assert for_training.taken() == 0
    assert 120 <= plain.taken() <= 122
    small = {"vector_size": 8, "feature_size": 8, "hidden_size": 8, "output_size": 8}
    make(
        lambda n_channels, n_labels: HST(n_channels, n_labels, **small),
        **transforms, train_split=None, max_epochs=1,
    ).fit(*mosaics)  # fmt: skip
    assert for_training.taken() == 60


def test_draws_go_by_the_seed_whoever_reads(mosaics):
    X, Y = mosaics

    def fit(n_workers=0, **params):
        workers = {"iterator_train__num_workers": n_workers}
        return make(train_transform=add_noise, **workers, **params).fit(X, Y).predict_proba(X)

    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    proba = fit()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert random.getstate() == before[2]
    assert np.array_equal(fit(), proba)
    random.seed(5)
    np.random.seed(5)
    assert np.array_equal(fit(), proba)
    assert np.array_equal(fit(n_workers=1), proba)
    assert np.array_equal(fit(n_workers=2), proba)
    assert not np.array_equal(fit(random_state=1), proba)


def test_images_are_drawn_anew_each_time(mosaics):
    seen = []

    def note(image):
        image = add_noise(image)
        seen.append(image.sum().item())
        return image

    make(train_transform=note, train_split=None).fit(*mosaics)
    assert len(set(seen)) == len(seen) == 60 * EPOCHS


def test_a_training_that_was_cut_off_goes_on(mosaics, tmp_path):
    class Cut(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2:
                raise RuntimeError("cut off")

    settings = {"train_transform": add_noise, "batch_selector": D2ACE(warmup_epochs=1)}
    whole = make(**settings).fit(*mosaics)
    with pytest.raises(RuntimeError, match="cut off"):
        make(callbacks=[("cut", Cut()), Checkpointing(tmp_path)], **settings).fit(*mosaics)
    resumed = make(callbacks=[Checkpointing(tmp_path)], **settings)
    resumed.fit(*mosaics, resume=tmp_path)
    assert np.array_equal(resumed.predict_proba(mosaics[0]), whole.predict_proba(mosaics[0]))
    with pytest.raises(ValueError, match="other train_transform"):
        resumed.set_params(train_transform=flip).fit(*mosaics, resume=tmp_path)


def test_training_images_may_be_of_another_size(mosaics):
    """As of recipes that crop for training and scale for prediction."""
    est = make(train_transform=lambda image: image[:, 2:14, 3:15]).fit(*mosaics)
    assert est._instance_shape == (1, 16, 16)
    assert est.predict_proba(mosaics[0]).shape == (60, 10)


class Flip(nn.Module):
    """A module, as torchvision's transforms are."""

    def forward(self, image):
        return flip(image)


@pytest.mark.parametrize("name", ["transform", "train_transform"])
def test_transforms_may_be_modules(mosaics, name):
    expected = make(**{name: flip}).fit(*mosaics).predict_proba(mosaics[0])
    est = clone(make(**{name: Flip()})).fit(*mosaics)
    assert np.array_equal(est.predict_proba(mosaics[0]), expected)
    assert isinstance(est.set_params(**{name: Flip()}).get_params()[name], Flip)
    assert np.array_equal(est.predict_proba(mosaics[0]), expected)


def test_cross_fitting_transforms_once(mosaics):
    """Its copies are given images that were opened, and open them again."""
    X, Y = mosaics
    settings = {"threshold": "tune", "train_split": None}
    est = make(transform=lambda image: 2 * image, train_transform=flip, **settings).fit(X, Y)
    doubled = 2 * X
    expected = make(train_transform=lambda image: flip(image) / 2, **settings).fit(doubled, Y)
    assert np.array_equal(est.thresholds_, expected.thresholds_)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_frozen_features_cannot_be_augmented(mosaics, method):
    est = make(train_transform=flip, frozen=True)
    with pytest.raises(ValueError, match="train_transform is given with frozen=True"):
        getattr(est, method)(*mosaics)


def test_iterators_that_know_nothing_of_it_are_refused(mosaics):
    est = make(train_transform=flip, iterator_train=DataLoader)
    with pytest.raises(TypeError, match="gave a DataLoader, which knows no train_transform"):
        est.fit(*mosaics)
    make(train_transform=flip, iterator_train=DataLoader).set_params(train_transform=None).fit(
        *mosaics
    )
